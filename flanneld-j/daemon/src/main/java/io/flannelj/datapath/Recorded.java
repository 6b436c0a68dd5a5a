package io.flannelj.datapath;

import io.flannelj.net.IpFamily;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * What a worker writes into Java's flight recorder. The classes of events are loaded once somebody records: with the first
 * of them Java sets up its recorder's metadata, which takes 90 ms of the processor.
 *
 * <p>Owned by one worker.
 */
final class Recorded {
    /** Packets from other nodes. */
    final Batches in;

    /** Packets from pods. */
    final Batches out;

    private @Nullable DropEvent drop;

    Recorded(Counters counters) {
        this.in = new Batches("in", counters, Counter.IN_PACKETS, Counter.IN_BYTES);
        this.out = new Batches("out", counters, Counter.OUT_PACKETS, Counter.OUT_BYTES);
    }

    /** The batches of one direction. */
    static final class Batches {
        private final String direction;
        private final Counters counters;
        private final Counter packets;
        private final Counter bytes;
        private @Nullable BatchEvent event;

        Batches(String direction, Counters counters, Counter packets, Counter bytes) {
            this.direction = direction;
            this.counters = counters;
            this.packets = packets;
            this.bytes = bytes;
        }

        /** Packets are about to be carried. */
        void open() {
            if (FlightRecorder.isInitialized()) {
                BatchEvent batch = event;
                if (batch == null) {
                    batch = new BatchEvent(direction, counters, packets, bytes);
                    event = batch;
                }
                batch.open();
            }
        }

        /** They are carried. */
        void close(int carried) {
            if (event != null) {
                event.close(carried);
            }
        }
    }

    /** A packet is dropped. */
    void drop(DropReason reason, TraceContext context, IpFamily underlay, long dropsSoFar) {
        if (FlightRecorder.isInitialized()) {
            DropEvent event = drop;
            if (event == null) {
                event = new DropEvent();
                drop = event;
            }
            event.record(reason, context, underlay, dropsSoFar);
        }
    }
}
