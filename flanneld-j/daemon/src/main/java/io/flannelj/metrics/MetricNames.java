package io.flannelj.metrics;

/** Every metric of ours: name, unit, labels and meaning, in one place. docs/metrics.md is made from this. */
public enum MetricNames {
    PACKETS(
            "flannelj.packets",
            "packets",
            "direction, stage",
            "packets that entered the data path, and packets that left it"),
    BYTES("flannelj.bytes", "bytes", "direction", "bytes of packets, from the inner IP header on"),
    DROPPED("flannelj.dropped.packets", "packets", "direction, reason", "dropped packets, by reason"),
    SYSCALLS("flannelj.syscalls", "calls", "call", "system calls of the data path"),
    BUSY(
            "flannelj.busy.nanoseconds",
            "nanoseconds",
            "direction",
            "time that the workers spent on batches with packets, system calls included; by its packets, the time for each"),
    TUN_READ_ERRORS("flannelj.tun.read.errors", "calls", "", "reads from the TUN device that the kernel refused"),
    ICMP_ERRORS("flannelj.icmp.errors", "packets", "", "ICMP errors sent to pods"),
    SEGMENTATION_FALLBACKS(
            "flannelj.segmentation.fallbacks", "peers", "", "peers on whose path the kernel refused UDP segmentation"),
    TUNNEL_SEGMENTATION_FALLBACKS(
            "flannelj.tunnel.segmentation.fallbacks",
            "peers",
            "",
            "peers for which the kernel refused large packets uncut, so that this process cuts them"),
    PEERS("flannelj.peers", "nodes", "", "live leases of other nodes"),
    LEASES_REFUSED("flannelj.leases.refused", "leases", "reason", "leases in the store that are refused, by reason"),
    PEERS_UNREACHED(
            "flannelj.peers.unreached",
            "nodes",
            "",
            "other nodes whose lease this backend cannot use, for example one of another type"),
    ENCAPSULATION_CHANGED(
            "flannelj.encapsulation.changed",
            "0 to 1",
            "",
            "part of the peers that are sent the encapsulation of the network config; less than 1 while it is"
                    + " being changed"),
    PATHS(
            "flannelj.paths",
            "paths",
            "reach",
            "paths to other nodes, by what probes say: unknown, answering, not_answering though packets come from there,"
                    + " silent"),
    PATHS_NARROW("flannelj.paths.narrow", "paths", "", "paths that take no packets of the tunnel's whole MTU"),
    PATHS_UNSEGMENTED(
            "flannelj.paths.unsegmented",
            "paths",
            "",
            "paths on which segmented runs of datagrams do not arrive, so that each datagram is sent by itself"),
    PATHS_UNSUMMED(
            "flannelj.paths.unsummed",
            "paths",
            "",
            "paths on which datagrams with a UDP checksum do not arrive, so that they are sent without one"),
    PATHS_RTT(
            "flannelj.paths.rtt.worst",
            "seconds",
            "",
            "the longest smoothed round-trip time through the tunnel of all paths that answer; -1 if none does"),
    PATHS_LOSS("flannelj.paths.loss.worst", "0 to 1", "", "the most loss of probes on any path that answers"),
    PROBES("flannelj.probes", "packets", "stage", "probes sent to other nodes, and answers to them"),
    LEASE_REMAINING(
            "flannelj.lease.remaining",
            "seconds",
            "",
            "until our lease ends unless it is renewed; -1 if it never ends"),
    LEASE_FENCED("flannelj.lease.fenced", "0 or 1", "", "whether our lease has ended, so that nothing is sent"),
    POOL_SIZE("flannelj.pool.size", "subnets", "", "subnets that nodes may lease; -1 while unknown"),
    POOL_FREE("flannelj.pool.free", "subnets", "", "subnets that nobody has leased; -1 while unknown"),
    POOL_EXHAUSTED_IN(
            "flannelj.pool.exhausted.in",
            "seconds",
            "",
            "until no subnet is free, at the rate of the last day; -1 while the pool does not shrink"),
    STORE_REACHABLE("flannelj.store.reachable", "0 or 1", "", "whether the last call to the store was answered"),
    STORE_AGE("flannelj.store.age", "seconds", "", "since the last answer, change or progress notice of the store"),
    STORE_LAG(
            "flannelj.store.lag",
            "revisions",
            "",
            "revisions of etcd by which the watch of leases is behind the newest that any answer has shown, which is that of"
                    + " all keys; above 0 for a minute, it is late. -1 before the first listing, and with Kubernetes, whose"
                    + " versions are opaque"),
    READY("flannelj.ready", "0 or 1", "", "whether the node is ready for pods"),
    REPAIRS(
            "flannelj.repairs",
            "times",
            "kind",
            "repairs of what another program had changed: firewall, our rules; pod_rules, those of pods; setting,"
                    + " net.ipv4.ip_forward or net.ipv6.conf.all.forwarding; link, state or MTU of a device of ours; address; route; neighbor"),
    FIREWALL_DROPS(
            "flannelj.firewall.dropped.packets",
            "packets",
            "reason",
            "forged packets that our rules dropped: tunnel, sent by a pod to a port of tunnels; source, from an"
                    + " address that cannot be on that interface"),
    PEER_ANSWERS("flannelj.peer.answers", "0 or 1", "node, subnet", "whether the node answers probes"),
    PEER_RTT("flannelj.peer.rtt", "seconds", "node, subnet", "smoothed round-trip time through the tunnel to the node"),
    PEER_LOSS("flannelj.peer.loss", "0 to 1", "node, subnet", "part of the latest probes that were not answered"),
    PEER_MTU(
            "flannelj.peer.mtu",
            "bytes",
            "node, subnet",
            "the longest packet that passes to the node; 0 while unknown"),
    PEER_PACKETS("flannelj.peer.packets", "packets", "node, subnet, direction", "packets to and from the node"),
    PEER_BYTES("flannelj.peer.bytes", "bytes", "node, subnet, direction", "bytes to and from the node's pods"),
    CNI_CALLS(
            "flannelj.cni.calls",
            "seconds",
            "command, outcome",
            "a histogram of how long calls of the CNI plugin took, those by the daemon"),
    HTTP_CLOSED(
            "flannelj.http.connections.closed",
            "connections",
            "",
            "connections to the HTTP servers that were closed to make room for newer ones"),
    HTTP_REFUSED(
            "flannelj.http.requests.refused",
            "requests",
            "",
            "HTTP requests that were malformed, too large or too late, or had a body or an unsupported method");

    private final String metric;
    private final String unit;
    private final String labels;
    private final String help;

    MetricNames(String metric, String unit, String labels, String help) {
        this.metric = metric;
        this.unit = unit;
        this.labels = labels;
        this.help = help;
    }

    /** The name with dots, as Micrometer takes it. */
    public String metric() {
        return metric;
    }

    public String unit() {
        return unit;
    }

    /** Label names, comma-separated. */
    public String labels() {
        return labels;
    }

    public String help() {
        return help;
    }
}
