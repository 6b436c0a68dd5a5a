package io.flannelj.main;

import io.flannelj.admin.PacketStream;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.Watch;
import io.flannelj.observe.EventCounts;
import io.flannelj.observe.EventWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Packets as they pass, of all data paths that there are at the moment: tunnels come and go while somebody watches. */
final class LiveStream implements PacketStream {
    private static final int RING_BYTES = 4 << 20;
    private static final int LEAST_RING_BYTES = 256 << 10;
    private static final int AT_ONCE = 16;
    private static final long COUNTS_EVERY_NANOS =
            1_000_000_000L; // so that a client knows the time, and is known to be there

    private final Supplier<List<Datapath>> datapaths;
    private final WatchRequest request;
    private final Runnable onClose;
    private final Map<Datapath, Watch> watches = new HashMap<>();
    private final EventWriter writer = new EventWriter().begin();
    private final PacketDating dating = new PacketDating();
    private long lostBefore;
    private long leftOutBefore;
    private boolean isPaused = true;
    private long countedAtNanos = System.nanoTime();
    private boolean isClosed;

    LiveStream(Supplier<List<Datapath>> datapaths, WatchRequest request, Runnable onClose) {
        this.datapaths = datapaths;
        this.request = request;
        this.onClose = onClose;
        follow();
        writer.addCounts(EventCounts.NONE); // tells the client that from now on nothing is missed
    }

    /** Watches new data paths, and no longer those that are gone. */
    private void follow() {
        List<Datapath> now = datapaths.get();
        for (Datapath gone : new ArrayList<>(watches.keySet())) {
            if (!now.contains(gone)) {
                Watch watch = watches.remove(gone);
                if (watch != null) {
                    lostBefore += watch.lost();
                    leftOutBefore += watch.leftOut();
                    watch.close();
                }
            }
        }
        for (Datapath path : now) {
            watches.computeIfAbsent(path, added -> added.watch(request.filter(), ringBytes(added.workers())));
        }
    }

    /** Of each worker, so that all together have {@link #RING_BYTES}. */
    static int ringBytes(int workers) {
        return Math.max(LEAST_RING_BYTES, Integer.highestOneBit(RING_BYTES / workers));
    }

    @Override
    public byte[] next(int mostBytes) {
        follow();
        int polled;
        do {
            polled = 0;
            for (Watch watch : watches.values()) {
                polled += watch.poll(AT_ONCE, copy -> writer.add(dating.event(copy)));
            }
            isPaused &= polled == 0;
        } while (polled > 0 && writer.size() < mostBytes);
        long now = System.nanoTime();
        if (polled == 0 && (!isPaused || now - countedAtNanos > COUNTS_EVERY_NANOS)) {
            isPaused = true;
            countedAtNanos = now;
            writer.addCounts(new EventCounts(
                    lostBefore
                            + watches.values().stream().mapToLong(Watch::lost).sum(),
                    leftOutBefore
                            + watches.values().stream()
                                    .mapToLong(Watch::leftOut)
                                    .sum()));
        }
        return writer.take();
    }

    @Override
    public boolean isOver() {
        return isClosed;
    }

    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            watches.values().forEach(Watch::close);
            watches.clear();
            onClose.run();
        }
    }
}
