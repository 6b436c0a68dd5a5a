package io.flannelj.explain;

import io.flannelj.linux.Background;
import io.flannelj.netlink.Link;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What size of packet passes from this node to another, and whether runs of them do, as the daemon's probes find it. */
final class PathCheck {
    private PathCheck() {}

    /** This node's end of the path. */
    record Uplink(String name, int mtuBytes) {
        static Uplink of(Host host, DaemonFacts daemon) {
            return new Uplink(
                    daemon.uplink(),
                    host.link(daemon.uplink()).map(Link::mtuBytes).orElse(0));
        }
    }

    /** Lets the daemon begin, beside whatever else is asked. */
    static CompletableFuture<List<PathFacts>> begin(Host host, DaemonFacts.Peer peer) {
        return Background.begin("explain", () -> examine(host, peer));
    }

    /** What the daemon's probes find; nothing where they do not. */
    static List<PathFacts> examine(Host host, DaemonFacts.Peer peer) {
        try {
            return host.examine(peer.address());
        } catch (IOException e) {
            return List.of();
        }
    }

    /** What came of it; nothing where nothing did. */
    static List<PathFacts> end(CompletableFuture<List<PathFacts>> begun) {
        try {
            return begun.join();
        } catch (CompletionException e) {
            return List.of();
        }
    }

    /** Whether the probes have an answer to the question of the size. */
    static boolean isKnown(List<PathFacts> paths) {
        return !paths.isEmpty() && paths.stream().allMatch(path -> path.mtuBytes() > 0);
    }

    static List<Finding> judge(String node, String peer, Uplink uplink, List<PathFacts> paths) {
        return paths.stream()
                .flatMap(path -> Stream.of(
                                Optional.of(judgeSize(node, peer, uplink, path)),
                                judgeRuns(node, peer, uplink, path),
                                judgeChecksums(node, peer, uplink, path))
                        .flatMap(Optional::stream))
                .toList();
    }

    private static Finding judgeSize(String node, String peer, Uplink uplink, PathFacts path) {
        if (path.mtuBytes() == 0) {
            return Finding.unknown(
                    node,
                    Hop.PATH_MTU,
                    "what size of packet passes to " + peer + " was not found: "
                            + (path.roundTripMillis().isEmpty()
                                    ? "its host answers no ping through the tunnel"
                                    : "too much was lost, or the kernel carries this path"));
        }
        if (path.mtuBytes() >= path.tunnelMtuBytes()) {
            return Finding.ok(
                    node, Hop.PATH_MTU, "packets of " + path.mtuBytes() + " bytes pass to " + peer + times(path));
        }
        boolean isToldToPods = path.inUseMtuBytes() <= path.mtuBytes();
        String evidence = "packets of more than " + path.mtuBytes() + " bytes are lost on the way to " + peer
                + ", pods may send " + path.tunnelMtuBytes() + ": a link takes less than " + uplink.name() + " says";
        String remedy = "ip link set dev " + uplink.name() + " mtu "
                + (path.mtuBytes() + Math.max(0, uplink.mtuBytes() - path.tunnelMtuBytes()));
        return isToldToPods
                ? Finding.limited(
                        node, Hop.PATH_MTU, evidence + "; the daemon has found that out, and tells the pods", remedy)
                : Finding.broken(node, Hop.PATH_MTU, evidence, remedy);
    }

    private static Optional<Finding> judgeRuns(String node, String peer, Uplink uplink, PathFacts path) {
        if (path.segmentation() != PathFacts.Segmentation.DAMAGES) {
            return Optional.empty();
        }
        String evidence = "runs of datagrams that the kernel or the card of " + uplink.name()
                + " cuts do not arrive at " + peer + ", single ones do";
        String remedy = "ethtool -K " + uplink.name() + " tx-udp-segmentation off";
        return Optional.of(
                path.sendsRuns()
                        ? Finding.broken(node, Hop.SEGMENTATION, evidence, remedy)
                        : Finding.limited(
                                node,
                                Hop.SEGMENTATION,
                                evidence + "; the daemon has found that out, and sends each by itself",
                                remedy));
    }

    private static Optional<Finding> judgeChecksums(String node, String peer, Uplink uplink, PathFacts path) {
        return path.losesChecksums()
                ? Optional.of(Finding.limited(
                        node,
                        Hop.CHECKSUM,
                        "datagrams with a UDP checksum do not arrive at " + peer + ", those without do: the card of "
                                + uplink.name()
                                + ", or something on the way, makes wrong ones; the daemon has found that"
                                + " out, and sends without",
                        "ethtool -K " + uplink.name() + " tx-checksum-ip-generic off"))
                : Optional.empty();
    }

    private static String times(PathFacts path) {
        return path.roundTripMillis().isEmpty()
                ? ""
                : path.roundTripMillis().stream()
                        .sorted()
                        .limit(1)
                        .map(least -> String.format(Locale.ROOT, ", there and back within %.2f ms", least))
                        .collect(Collectors.joining());
    }
}
