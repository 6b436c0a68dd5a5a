package io.flannelj.datapath;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What one worker did, as counters that only grow. One writer, the worker; anybody may read at any time and sees each
 * number whole, if a moment old.
 *
 * <p>A super-packet counts as the packets it stands for.
 */
@SuppressWarnings("EnumOrdinal") // an index into this process's own array, never stored or sent
public final class Counters implements TrafficCounters {
    private static final int DROPS_AT = Counter.values().length;

    private final int queue;
    private final AtomicLongArray values = new AtomicLongArray(DROPS_AT + DropReason.values().length);

    /**
     * @param queue number of the worker that these are of, from 0 on
     */
    Counters(int queue) {
        this.queue = queue;
    }

    /** Number of the worker that writes them. */
    int queue() {
        return queue;
    }

    void add(Counter counter, long amount) {
        int at = counter.ordinal();
        values.setOpaque(at, values.getPlain(at) + amount);
    }

    void drop(DropReason reason, long packets) {
        int at = DROPS_AT + reason.ordinal();
        values.setOpaque(at, values.getPlain(at) + packets);
    }

    @Override
    public long get(Counter counter) {
        return values.getOpaque(counter.ordinal());
    }

    @Override
    public long dropped(DropReason reason) {
        return values.getOpaque(DROPS_AT + reason.ordinal());
    }
}
