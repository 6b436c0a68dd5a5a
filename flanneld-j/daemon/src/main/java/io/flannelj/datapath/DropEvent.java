package io.flannelj.datapath;

import io.flannelj.net.IpFamily;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * A dropped packet in Java's flight recorder: as many of each reason as {@link DropRing} keeps, so that a flood fills no disk.
 *
 * <p>Owned by one worker, which fills in the same one again.
 */
@Name("io.flannelj.Drop")
@Label("Drop")
@Category("flanneld-j")
@Description("A dropped packet; of each reason 32 at once, and one each 2 seconds")
@StackTrace(false)
final class DropEvent extends Event {
    @Label("Direction")
    String direction = "";

    @Label("Reason")
    String reason = "";

    @Label("Peer")
    @Description("Underlay address of the other node, where there is one")
    @Nullable
    String peer;

    @Label("Packets")
    @Description("How many it stands for")
    int packets;

    @Label("Bytes")
    @DataAmount
    int bytes;

    @Label("Total")
    @Description("Packets that this worker has dropped for this reason so far")
    long total;

    /** Records the packet, if there is a recording. */
    void record(DropReason why, TraceContext context, IpFamily underlay, long dropsSoFar) {
        if (!isEnabled()) {
            return;
        }
        direction = why.direction().label();
        reason = why.label();
        peer = context.hasPeer
                ? CopyLayout.address(underlay, context.peerHigh, context.peerLow)
                        .toString()
                : null;
        packets = context.packets;
        bytes = context.bytes;
        total = dropsSoFar;
        begin();
        end(); // else it would last from one to the next
        commit();
    }
}
