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
    TUN_READ_ERRORS("flannelj.tun.read.errors", "calls", "", "reads from the TUN device that the kernel refused"),
    ICMP_ERRORS("flannelj.icmp.errors", "packets", "", "ICMP errors sent to pods"),
    SEGMENTATION_FALLBACKS(
            "flannelj.segmentation.fallbacks", "peers", "", "peers on whose path the kernel refused UDP segmentation"),
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
    READY("flannelj.ready", "0 or 1", "", "whether the node is ready for pods"),
    FIREWALL_REPAIRS("flannelj.firewall.repairs", "times", "", "repairs of rules that somebody else had changed"),
    HOST_REPAIRS(
            "flannelj.host.repairs",
            "times",
            "",
            "repairs of kernel settings (net.ipv4.ip_forward) that somebody else had changed"),
    FIREWALL_DROPS(
            "flannelj.firewall.dropped.packets",
            "packets",
            "reason",
            "forged packets that our rules dropped: tunnel, sent by a pod to a port of tunnels; source, from an"
                    + " address that cannot be on that interface"),
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
