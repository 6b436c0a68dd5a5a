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
    /** The counters other than drops. */
    public enum Counter {
        /** Packets that pods and node handed to the TUN device. */
        OUT_PACKETS,
        /** Their octets, from the IP header on. */
        OUT_BYTES,
        /** Those of them that the underlay socket took. */
        OUT_DELIVERED,
        /** System calls that read from the TUN device. */
        OUT_READS,
        /** Those that the kernel refused. */
        OUT_READ_ERRORS,
        /** System calls that sent to the underlay. */
        OUT_SENDS,
        /** Datagrams that came from the underlay. */
        IN_PACKETS,
        /** Octets of inner packets delivered, from the IP header on. */
        IN_BYTES,
        /** Inner packets that the node's IP stack took. */
        IN_DELIVERED,
        /** System calls that received from the underlay. */
        IN_RECEIVES,
        /** System calls that wrote to the TUN device. */
        IN_WRITES,
        /** ICMP errors that we sent to pods. */
        ICMP_ERRORS,
        /** Peers for which UDP segmentation was given up after the kernel refused it. */
        SEGMENTATION_FALLBACKS
    }

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
