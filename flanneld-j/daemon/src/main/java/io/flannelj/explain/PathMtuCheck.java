package io.flannelj.explain;

import io.flannelj.linux.Background;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Link;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** What size of packet passes between two nodes, tried with TCP segments of full size both ways through the tunnel. */
final class PathMtuCheck {
    private static final int FIRST_MILLIS = 600; // in which what TCP lost is sent again twice
    private static final int AGAIN_MILLIS = 1200; // the machine may be busy
    private static final int HEADERS = 40; // IPv4 and TCP
    private static final int HEADERS_IPV6 = 60;
    private static final List<Integer> SMALLER = List.of(1400, 1280, 1000, 576);

    private PathMtuCheck() {}

    /**
     * What passed.
     *
     * @param peer the other node
     * @param uplink interface to it
     * @param uplinkMtuBytes its MTU
     * @param mtuBytes MTU of pods on this node
     * @param passes whether packets of that size do
     * @param smaller the largest smaller size that does; 0 where none was found, or none was tried
     */
    record Facts(String peer, String uplink, int uplinkMtuBytes, int mtuBytes, boolean passes, int smaller) {}

    /** Sends them; full ones first, then beside smaller ones. It says nothing of a peer that does not answer to small ones. */
    static Facts gather(Host host, DaemonFacts daemon, DaemonFacts.Peer peer) {
        int uplinkMtu = host.link(daemon.uplink()).map(Link::mtuBytes).orElse(0);
        int mtu = daemon.mtuBytes();
        if (passes(daemon, peer, mtu, FIRST_MILLIS)) {
            return new Facts(peer.address(), daemon.uplink(), uplinkMtu, mtu, true, 0);
        }
        CompletableFuture<Boolean> again = begin(daemon, peer, mtu);
        List<Integer> sizes = SMALLER.stream().filter(size -> size < mtu).toList();
        List<CompletableFuture<Boolean>> pass =
                sizes.stream().map(size -> begin(daemon, peer, size)).toList();
        int smaller = IntStream.range(0, sizes.size())
                .filter(place -> pass.get(place).join())
                .map(sizes::get)
                .findFirst()
                .orElse(0);
        return new Facts(peer.address(), daemon.uplink(), uplinkMtu, mtu, again.join(), smaller);
    }

    private static CompletableFuture<Boolean> begin(DaemonFacts daemon, DaemonFacts.Peer peer, int packetBytes) {
        return Background.begin("explain", () -> passes(daemon, peer, packetBytes, AGAIN_MILLIS));
    }

    private static boolean passes(DaemonFacts daemon, DaemonFacts.Peer peer, int packetBytes, int millis) {
        int headers = daemon.subnet(IpFamily.IPV4).isPresent() ? HEADERS : HEADERS_IPV6;
        return PeerQuery.isEchoed(daemon, peer, 2 * packetBytes, packetBytes - headers, millis);
    }

    static Finding judge(String node, Facts facts) {
        if (facts.passes()) {
            return Finding.ok(node, Hop.PATH_MTU, "packets of " + facts.mtuBytes() + " bytes pass both ways");
        }
        if (facts.smaller() == 0) {
            return Finding.unknown(
                    node,
                    Hop.PATH_MTU,
                    "packets of " + facts.mtuBytes() + " bytes do not come back, nor do smaller ones now");
        }
        return Finding.broken(
                node,
                Hop.PATH_MTU,
                "packets of " + facts.mtuBytes() + " bytes are lost between this node and " + facts.peer()
                        + ", those of " + facts.smaller() + " pass: a link takes less than " + facts.uplink() + " says",
                "ip link set dev " + facts.uplink() + " mtu "
                        + (facts.smaller() + Math.max(0, facts.uplinkMtuBytes() - facts.mtuBytes())));
    }
}
