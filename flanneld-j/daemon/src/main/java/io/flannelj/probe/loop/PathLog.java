package io.flannelj.probe.loop;

import io.flannelj.probe.FeatureVerdict;
import io.flannelj.probe.PathKey;
import io.flannelj.probe.PathState;
import io.flannelj.probe.ProbeMachine.Change;
import io.flannelj.probe.Reach;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs what changes on paths: one line each, few at a time, and fewer for a path that changes all the time. */
final class PathLog {
    private static final Logger log = LoggerFactory.getLogger(PathLog.class);
    private static final int LINES_A_MINUTE = 20;
    private static final int LINES_A_PATH = 4;
    private static final Duration PATH_RESTS = Duration.ofMinutes(10);

    private final Map<PathKey, Count> byPath = new HashMap<>();
    private Instant minute = Instant.MIN;
    private int lines;
    private int unsaid;

    private static final class Count {
        private Instant since = Instant.MIN;
        private int lines;
    }

    /** Logs these. */
    void tell(List<Change> changes, Instant now) {
        if (Duration.ofMinutes(1).compareTo(Duration.between(minute.equals(Instant.MIN) ? now : minute, now)) <= 0) {
            closeMinute();
        }
        for (Change change : changes) {
            text(change).ifPresent(text -> tell(change, text, now));
        }
    }

    private void closeMinute() {
        if (unsaid > 0) {
            log.warn("{} more changes of paths to other nodes; flanneld-j peers shows how they are", unsaid);
        }
        minute = Instant.MIN;
        lines = 0;
        unsaid = 0;
    }

    private void tell(Change change, String text, Instant now) {
        if (minute.equals(Instant.MIN)) {
            minute = now;
        }
        Count path = byPath.computeIfAbsent(change.now().key(), key -> new Count());
        if (path.since.equals(Instant.MIN) || path.since.plus(PATH_RESTS).isBefore(now)) {
            path.since = now;
            path.lines = 0;
        }
        path.lines++;
        if (path.lines > LINES_A_PATH) {
            return;
        }
        if (lines >= LINES_A_MINUTE) {
            unsaid++;
            return;
        }
        lines++;
        String more = path.lines == LINES_A_PATH
                ? "; it changes often, and " + PATH_RESTS.toMinutes() + " minutes pass until the next line about it"
                : "";
        if (isGood(change)) {
            log.info("{}{}", text, more);
        } else {
            log.warn("{}{}", text, more);
        }
    }

    /** Forgets paths that are gone. */
    void forget(PathKey key) {
        byPath.remove(key);
    }

    private static boolean isGood(Change change) {
        PathState now = change.now();
        return switch (change.what()) {
            case REACH -> now.reach() == Reach.ANSWERING || isFirst(change) && now.reach() == Reach.NOT_ANSWERING;
            case MTU -> true;
            case SEGMENTATION -> now.segmentation() == FeatureVerdict.WORKS;
            case CHECKSUM -> now.checksum() == FeatureVerdict.WORKS;
        };
    }

    private static boolean isFirst(Change change) {
        return change.before().reach() == Reach.UNKNOWN;
    }

    private static Optional<String> text(Change change) {
        return switch (change.what()) {
            case REACH -> reach(change);
            case MTU -> mtu(change);
            case SEGMENTATION -> segmentation(change);
            case CHECKSUM -> checksum(change);
        };
    }

    private static Optional<String> reach(Change change) {
        PathKey path = change.now().key();
        Reach before = change.before().reach();
        return switch (change.now().reach()) {
            case ANSWERING ->
                before == Reach.UNKNOWN
                        ? Optional.empty()
                        : Optional.of(path + " answers through " + path.device() + " again, after "
                                + Duration.between(
                                                change.before().since(),
                                                change.now().since())
                                        .toSeconds()
                                + " s");
            case SILENT ->
                before == Reach.NOT_ANSWERING
                        ? Optional.empty()
                        : Optional.of(path
                                + (before == Reach.UNKNOWN ? " has not answered a" : " answers no")
                                + " probe through " + path.device()
                                + switch (path.carriedBy()) {
                                    case DAEMON ->
                                        ", and nothing comes from it, though it holds a lease: see whether its daemon runs,"
                                                + " and whether the tunnel's packets pass between the nodes";
                                    case KERNEL ->
                                        ", though it holds a lease: see whether that node is up, has started its daemon since,"
                                                + " and answers pings, and whether packets pass between the nodes";
                                });
            case NOT_ANSWERING ->
                before == Reach.SILENT
                        ? Optional.empty()
                        : Optional.of(path
                                + (before == Reach.UNKNOWN ? " has not answered a" : " answers no")
                                + " probe through " + path.device()
                                + ", though packets come from it: it answers no ping, or our packets do not reach it");
            case UNKNOWN -> Optional.empty();
        };
    }

    private static Optional<String> mtu(Change change) {
        PathState now = change.now();
        if (!now.isNarrow() && !change.before().isNarrow()) {
            return Optional.empty();
        }
        return Optional.of("the path to " + now.key() + " takes packets of " + now.mtuBytes() + " bytes"
                + (now.isNarrow()
                        ? ", of " + now.tunnelMtuBytes() + " that " + now.key().device() + " takes"
                        : " again"));
    }

    private static Optional<String> segmentation(Change change) {
        PathKey path = change.now().key();
        return switch (change.now().segmentation()) {
            case UNTESTED -> Optional.empty();
            case WORKS ->
                change.before().segmentation() == FeatureVerdict.UNTESTED
                        ? Optional.empty()
                        : Optional.of("runs of datagrams to " + path + " arrive again; the kernel segments them again");
            case DAMAGES ->
                Optional.of("runs of datagrams that the kernel or the network card segments do not arrive at " + path
                        + ", single ones do: sending each by itself there from now on; see known faults of this kernel's"
                        + " UDP segmentation, or try ethtool -K on the uplink with tx-udp-segmentation off");
        };
    }

    private static Optional<String> checksum(Change change) {
        PathKey path = change.now().key();
        return switch (change.now().checksum()) {
            case UNTESTED -> Optional.empty();
            case WORKS ->
                change.before().checksum() == FeatureVerdict.UNTESTED
                        ? Optional.empty()
                        : Optional.of(
                                "datagrams with a UDP checksum arrive at " + path + " again; it is filled in again");
            case DAMAGES ->
                Optional.of("datagrams with a UDP checksum do not arrive at " + path
                        + ", those without do: sending without one there from now on, and each datagram by itself; a network"
                        + " card on the way makes wrong checksums: try ethtool -K on the uplink with"
                        + " tx-checksum-ip-generic off, and see nstat -az UdpInCsumErrors on that node");
        };
    }
}
