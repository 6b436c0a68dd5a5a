package io.flannelj.datapath;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * A batch of a worker's in Java's flight recorder, which times it, system calls included. Off unless a recording asks for it: there
 * are thousands a second.
 *
 * <p>Owned by one worker, which fills in the same ones again, so that nothing is allocated.
 */
@Name("io.flannelj.Batch")
@Label("Batch")
@Category("flanneld-j")
@Description("Packets that a worker carried in one go")
@Enabled(false)
@StackTrace(false)
final class BatchEvent extends Event {
    @Label("Direction")
    final String direction;

    @Label("Worker")
    final int worker;

    @Label("Packets")
    long packets;

    @Label("Bytes")
    @Description("From the inner IP header on; of those from other nodes what was delivered")
    @DataAmount
    long bytes;

    private final transient Counters counters;
    private final transient Counter ofPackets;
    private final transient Counter ofBytes;
    private transient boolean isOpen;

    BatchEvent(String direction, Counters counters, Counter ofPackets, Counter ofBytes) {
        this.direction = direction;
        this.worker = counters.queue();
        this.counters = counters;
        this.ofPackets = ofPackets;
        this.ofBytes = ofBytes;
    }

    /** A batch begins, if there is a recording. */
    void open() {
        isOpen = isEnabled();
        if (isOpen) {
            packets = counters.get(ofPackets);
            bytes = counters.get(ofBytes);
            begin();
        }
    }

    /** It is over; one that carried nothing is not recorded. */
    void close(int carried) {
        if (isOpen && carried > 0) {
            end();
            packets = counters.get(ofPackets) - packets;
            bytes = counters.get(ofBytes) - bytes;
            commit();
        }
    }
}
