package io.flannelj.explain;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a running daemon knows that its host does not: leases, tunnels, counters. Also the answer to {@code GET /v1/explain}.
 *
 * @param version of the daemon
 * @param node where other nodes send to; empty while it is not known
 * @param uplink interface to the other nodes
 * @param networks the pod network, by family
 * @param subnets this node's lease, by family; none while there is none
 * @param waitingFor why the daemon is not ready; empty when it is
 * @param fenced whether our lease has ended and nothing is sent from it
 * @param storeProblem why the store does not answer; empty while it does
 * @param backend type
 * @param devices interfaces that traffic to other nodes leaves by
 * @param mtuBytes MTU of pods
 * @param isTunnel whether packets to other nodes are encapsulated
 * @param isHop whether the tunnel takes one from the time to live at each of its ends
 * @param endpoints where tunnel packets arrive
 * @param peers the other nodes, those that are refused among them
 * @param drops packets of our data path that were dropped, by reason
 * @param inPackets packets that our data path received; 0 without one
 * @param outPackets packets that our data path was given
 * @param cniDirectories where the CNI plugin keeps pods
 * @param queryPort TCP port at which nodes answer each other; 0 for none
 * @param clockMillis this node's clock, since 1970
 */
public record DaemonFacts(
        String version,
        String node,
        String uplink,
        List<String> networks,
        List<String> subnets,
        String waitingFor,
        boolean fenced,
        String storeProblem,
        String backend,
        List<String> devices,
        int mtuBytes,
        boolean isTunnel,
        boolean isHop,
        List<Endpoint> endpoints,
        List<Peer> peers,
        Map<String, Long> drops,
        long inPackets,
        long outPackets,
        List<String> cniDirectories,
        int queryPort,
        long clockMillis) {
    /** Of a daemon that knows nothing yet. */
    public static final DaemonFacts NONE = new DaemonFacts(
            "",
            "",
            "",
            List.of(),
            List.of(),
            "starting",
            false,
            "",
            "",
            List.of(),
            0,
            false,
            false,
            List.of(),
            List.of(),
            Map.of(),
            0,
            0,
            List.of(),
            0,
            0);

    public DaemonFacts {
        networks = List.copyOf(networks);
        subnets = List.copyOf(subnets);
        devices = List.copyOf(devices);
        endpoints = List.copyOf(endpoints);
        peers = List.copyOf(peers);
        drops = Map.copyOf(drops);
        cniDirectories = List.copyOf(cniDirectories);
    }

    /**
     * Where tunnel packets arrive.
     *
     * @param protocol IP protocol number
     * @param port UDP port; 0 where the protocol has none
     */
    public record Endpoint(int protocol, int port) {}

    /**
     * Another node.
     *
     * @param key of its lease in the store; empty where it is not known
     * @param subnets its lease, by family; none where that cannot be read
     * @param address where its tunnel ends; empty where it is not known
     * @param backend type of its lease
     * @param problem why nothing is sent to it, with the remedy; null when it can be used
     * @param packetsOut sent to it by our data path; null without one
     * @param packetsIn received from it
     */
    public record Peer(
            String key,
            List<String> subnets,
            String address,
            String backend,
            @Nullable String problem,
            @Nullable Long packetsOut,
            @Nullable Long packetsIn) {
        public Peer {
            subnets = List.copyOf(subnets);
        }

        /** Its subnet of a family. */
        public Optional<Cidr> subnet(IpFamily family) {
            return find(subnets, family);
        }

        boolean covers(IpAddress pod) {
            return subnet(pod.family()).filter(subnet -> subnet.contains(pod)).isPresent();
        }

        /** Whether this is its tunnel address, by which nodes speak to each other. */
        boolean isTunnelAddress(IpAddress address) {
            return subnet(address.family())
                    .filter(subnet -> subnet.address().equals(address))
                    .isPresent();
        }
    }

    /** UDP port of the tunnel; 0 where it has none. */
    int tunnelPort() {
        return endpoints.stream().mapToInt(Endpoint::port).findFirst().orElse(0);
    }

    Optional<Cidr> network(IpFamily family) {
        return find(networks, family);
    }

    /** This node's subnet of a family; its first address is the node's tunnel address. */
    Optional<Cidr> subnet(IpFamily family) {
        return find(subnets, family);
    }

    private static Optional<Cidr> find(List<String> texts, IpFamily family) {
        return texts.stream()
                .flatMap(text -> Cidr.tryParse(text).stream())
                .filter(cidr -> cidr.family() == family)
                .findFirst();
    }

    /** The node whose lease covers a pod's address, one that is used before one that is refused. */
    Optional<Peer> peerOf(IpAddress pod) {
        Optional<Peer> used = peers.stream()
                .filter(peer -> peer.problem() == null && peer.covers(pod))
                .findFirst();
        return used.isPresent()
                ? used
                : peers.stream().filter(peer -> peer.covers(pod)).findFirst();
    }

    /** Whether nodes speak to each other by this address: this node's own, or another's. */
    public boolean isTunnelAddress(IpAddress address) {
        return subnet(address.family())
                        .filter(subnet -> subnet.address().equals(address))
                        .isPresent()
                || peers.stream().anyMatch(peer -> peer.isTunnelAddress(address));
    }

    /** Underlay addresses of the other nodes with a lease; of both families, the IPv4 ones. */
    public List<String> nodes() {
        return peers.stream()
                .map(Peer::address)
                .filter(address -> !address.isEmpty())
                .distinct()
                .sorted()
                .toList();
    }

    /** The node whose tunnel ends at an address. */
    Optional<Peer> peerAt(String address) {
        return peers.stream().filter(peer -> peer.address().equals(address)).findFirst();
    }

    /** The device of the tunnel that carries a family: the only one, or of two the second for IPv6. */
    Optional<String> device(IpFamily family) {
        if (devices.isEmpty()) {
            return Optional.empty();
        }
        boolean own = family == IpFamily.IPV6 && networks.size() > 1 && devices.size() > 1;
        return Optional.of(devices.get(own ? 1 : 0));
    }
}
