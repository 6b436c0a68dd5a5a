package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.TracePoint;
import io.flannelj.datapath.Watch;
import io.flannelj.datapath.WatchFilter;
import io.flannelj.explain.SeenPacket;
import io.flannelj.explain.SeenPackets;
import io.flannelj.net.IpAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The packets between one pod of this node and one of another, watched because that node's {@code explain --live} asked. One pair
 * at a time; it ends by itself.
 */
final class PairWatch {
    private static final Duration LONGEST = Duration.ofSeconds(90);
    private static final int RING_BYTES = 1 << 20;
    private static final int KEPT_BYTES = 192;
    private static final int MOST_KEPT = 4096;
    private static final int MOST_TOLD = 100;
    private static final int POLLED_AT_ONCE = 8192;

    private final NodeState state;
    private final PacketDating dating = new PacketDating();
    private final List<Watch> watches = new ArrayList<>();
    private final Deque<SeenPacket> kept = new ArrayDeque<>();
    private Set<IpAddress> pair = Set.of();
    private long number;
    private boolean isComplete;

    PairWatch(NodeState state) {
        this.state = state;
    }

    /** Of each worker: another node asks for it, so it does not grow with their number. */
    static int ringBytes(int workers) {
        return Math.min(RING_BYTES, LiveStream.ringBytes(workers));
    }

    synchronized SeenPackets begin(IpAddress one, IpAddress other) {
        end(number);
        SessionStatus session = state.session;
        Backend backend = session == null ? null : session.backend();
        List<Datapath> datapaths = backend == null ? List.of() : backend.datapaths();
        if (datapaths.isEmpty()) {
            return new SeenPackets(false, "its packets do not pass through the daemon", List.of());
        }
        WatchFilter filter = new WatchFilter(Set.of(TracePoint.values()), null, one, other, -1, 0, KEPT_BYTES, 0);
        datapaths.forEach(path -> watches.add(path.watch(filter, ringBytes(path.workers()))));
        pair = Set.of(one, other);
        isComplete = true;
        long mine = ++number;
        CompletableFuture.delayedExecutor(LONGEST.toSeconds(), TimeUnit.SECONDS).execute(() -> end(mine));
        return new SeenPackets(true, "", List.of());
    }

    /** Those that were dropped and the first of the others, or those of a key. */
    synchronized SeenPackets seen(IpAddress one, IpAddress other, String key) {
        if (!pair.equals(Set.of(one, other))) {
            return new SeenPackets(false, "it watches them no more", List.of());
        }
        for (Watch watch : watches) {
            watch.poll(POLLED_AT_ONCE, copy -> SeenPacket.of(dating.event(copy)).ifPresent(this::keep));
            isComplete &= watch.lost() == 0;
        }
        List<SeenPacket> told = key.isEmpty()
                ? Stream.concat(
                                kept.stream()
                                        .filter(packet -> !packet.reason().isEmpty())
                                        .limit(MOST_TOLD / 2),
                                kept.stream()
                                        .filter(packet -> packet.reason().isEmpty())
                                        .limit(MOST_TOLD / 2))
                        .toList()
                : kept.stream()
                        .filter(packet -> packet.key().equals(key))
                        .limit(MOST_TOLD)
                        .toList();
        return new SeenPackets(isComplete, isComplete ? "" : "more passed than it could keep", told);
    }

    private void keep(SeenPacket packet) {
        kept.add(packet);
        if (kept.size() > MOST_KEPT) {
            kept.remove();
            isComplete = false;
        }
    }

    private synchronized void end(long which) {
        if (which == number) {
            watches.forEach(Watch::close);
            watches.clear();
            kept.clear();
            pair = Set.of();
        }
    }
}
