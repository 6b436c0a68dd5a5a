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
    private final Counters counters;
    private @Nullable BatchEvent in;
    private @Nullable BatchEvent out;
    private @Nullable DropEvent drop;

    Recorded(Counters counters) {
        this.counters = counters;
    }

    /** Packets from other nodes are about to be carried. */
    void openIn() {
        if (FlightRecorder.isInitialized()) {
            BatchEvent event = in;
            if (event == null) {
                event = new BatchEvent("in", counters, Counter.IN_PACKETS, Counter.IN_BYTES);
                in = event;
            }
            event.open();
        }
    }

    /** They are carried. */
    void closeIn(int carried) {
        if (in != null) {
            in.close(carried);
        }
    }

    /** Packets from pods are about to be carried. */
    void openOut() {
        if (FlightRecorder.isInitialized()) {
            BatchEvent event = out;
            if (event == null) {
                event = new BatchEvent("out", counters, Counter.OUT_PACKETS, Counter.OUT_BYTES);
                out = event;
            }
            event.open();
        }
    }

    /** They are carried. */
    void closeOut(int carried) {
        if (out != null) {
            out.close(carried);
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
