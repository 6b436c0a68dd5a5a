package io.flannelj.explain;

import io.flannelj.explain.filter.Passage;
import io.flannelj.explain.filter.Passage.Hook;
import io.flannelj.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The packets of a tunnel between this node and another, at the places that they pass here. */
final class Tunnels {
    private Tunnels() {}

    /** Whether the packet filter drops tunnel packets to or from the peer; empty where there is no tunnel. */
    static Optional<Finding> rules(Host host, DaemonFacts daemon, DaemonFacts.Peer peer) {
        if (!daemon.isTunnel() || daemon.node().isEmpty()) {
            return Optional.empty();
        }
        IpAddress own = IpAddress.parse(daemon.node().split(",", 2)[0]);
        IpAddress other = IpAddress.parse(peer.address());
        if (own.isIpv4() != other.isIpv4()) {
            return Optional.empty();
        }
        String uplink = UnderlayCheck.gather(host, other).device();
        List<Passage> passages = new ArrayList<>();
        for (DaemonFacts.Endpoint end : daemon.endpoints()) {
            passages.add(passage(Hook.OUTPUT, "", uplink, own, other, end));
            passages.add(passage(Hook.POSTROUTING, "", uplink, own, other, end));
            passages.add(passage(Hook.PREROUTING, uplink, "", other, own, end));
            passages.add(passage(Hook.INPUT, uplink, "", other, own, end));
        }
        return Optional.of(RulesCheck.judge(
                host.node(),
                Hop.TUNNEL_RULES,
                host.rules(own.family()),
                "tunnel packets (" + text(daemon) + ") to and from " + other,
                passages));
    }

    private static Passage passage(
            Hook hook, String in, String out, IpAddress from, IpAddress to, DaemonFacts.Endpoint end) {
        return new Passage(hook, in, out, from, to, end.protocol(), end.port(), true);
    }

    private static String text(DaemonFacts daemon) {
        return daemon.endpoints().stream()
                .findFirst()
                .map(end -> end.port() > 0 ? "UDP port " + end.port() : "IP protocol " + end.protocol())
                .orElse("");
    }
}
