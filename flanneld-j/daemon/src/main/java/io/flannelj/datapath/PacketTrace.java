package io.flannelj.datapath;

import io.flannelj.device.Iovecs;
import io.flannelj.device.SendVector;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.VirtioNetHeader;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What others may see of a worker's packets: the last that were dropped, always; and all others while somebody watches.
 *
 * <p>Owned by one worker, which looks once a batch whether somebody watches. {@link #watches} and {@link #drops} are for other
 * threads. Nothing is allocated for a packet.
 */
final class PacketTrace {
    private static final WatchRing[] NOBODY = {};

    private final Counters counters;
    private final IpFamily underlay;
    private final DropRing ring = new DropRing(System.nanoTime());
    private final TraceContext context = new TraceContext();
    private final Recorded recorded;
    private volatile WatchRing[] watches = NOBODY;
    private WatchRing[] current = NOBODY;

    /** @param underlay family of the peers' addresses */
    PacketTrace(Counters counters, Recorded recorded, IpFamily underlay) {
        this.counters = counters;
        this.recorded = recorded;
        this.underlay = underlay;
    }

    /** Looks whether somebody watches, from now on; by the worker, before each batch. */
    void beginBatch() {
        current = watches;
    }

    /** Whether somebody watches; then the packet is to be shown. */
    boolean isWatched() {
        return current.length > 0;
    }

    /** Counts what was dropped and is not worth a copy. */
    void drop(DropReason reason, long packets) {
        counters.drop(reason, packets);
    }

    /** Counts a packet that does not go on, and keeps its beginning: the inner packet lies in one piece, with no tunnel header. */
    void drop(DropReason reason, int packets, long address, int bytes, @Nullable Peer peer) {
        counters.drop(reason, packets);
        context.begin(TracePoint.DROPPED, reason, bytes, 0, packets, 0);
        context.peer(peer);
        keep(reason, address, bytes);
    }

    /**
     * The same of a datagram that came from somebody.
     *
     * @param innerAt where in it the inner packet begins; -1 where none was found
     */
    void dropReceived(DropReason reason, long address, int bytes, int innerAt, long high, long low) {
        counters.drop(reason, 1);
        context.begin(TracePoint.DROPPED, reason, bytes, innerAt, 1, 0);
        context.encapsulated();
        context.peer(high, low, 0);
        keep(reason, address, bytes);
    }

    private void keep(DropReason reason, long address, int bytes) {
        long now = System.nanoTime();
        if (beginCopy(reason, now)) {
            ring.add(address, bytes);
            ring.complete();
        }
        if (isWatched()) {
            show(address, bytes, now);
        }
    }

    /** Begins to keep a packet, if the reason's limit allows one more. */
    private boolean beginCopy(DropReason reason, long now) {
        long dropsSoFar = counters.dropped(reason);
        if (!ring.begin(reason, context, dropsSoFar, now)) {
            return false;
        }
        recorded.drop(reason, context, underlay, dropsSoFar);
        return true;
    }

    /**
     * The same of a message that the kernel did not take: its first datagram.
     *
     * @param innerAt bytes of the tunnel's header
     */
    void dropMessage(DropReason reason, SendVector messages, int message, @Nullable Peer peer, int innerAt) {
        int datagrams = messages.datagrams(message);
        counters.drop(reason, datagrams);
        int first = messages.firstPart(message);
        int last = endOfDatagram(messages, message, first);
        context.begin(TracePoint.DROPPED, reason, bytes(messages, first, last), innerAt, datagrams, 0);
        context.encapsulated();
        context.peer(peer);
        long now = System.nanoTime();
        if (beginCopy(reason, now)) {
            for (int part = first; part < last; part++) {
                ring.add(messages.partAddress(part), messages.partBytes(part));
            }
            ring.complete();
        }
        if (isWatched()) {
            show(messages, first, last, now);
        }
    }

    /** The same of a packet that the node's IP stack did not take. */
    void dropWrite(DropReason reason, Iovecs packet, int packets, @Nullable Peer peer) {
        counters.drop(reason, packets);
        beginWrite(TracePoint.DROPPED, reason, packet, packets, peer);
        long now = System.nanoTime();
        if (beginCopy(reason, now)) {
            addTo(ring, packet);
            ring.complete();
        }
        if (isWatched()) {
            showWrite(packet, now);
        }
    }

    private static void addTo(DropRing ring, Iovecs packet) {
        int skip = VirtioNetHeader.BYTES;
        for (int part = 0; part < packet.count(); part++) {
            int skipped = Math.min(skip, packet.length(part));
            ring.add(packet.partAddress(part) + skipped, packet.length(part) - skipped);
            skip -= skipped;
        }
    }

    /** Shows a packet that is about to be encapsulated. */
    void fromPod(Peer peer, long address, int bytes, int packets, int segmentBytes) {
        context.begin(TracePoint.FROM_POD, null, bytes, 0, packets, segmentBytes);
        context.peer(peer);
        show(address, bytes, System.nanoTime());
    }

    /** Shows a datagram that came. */
    void fromWire(long address, int bytes, int innerAt, long high, long low) {
        context.begin(TracePoint.FROM_WIRE, null, bytes, innerAt, 1, 0);
        context.encapsulated();
        context.peer(high, low, 0);
        show(address, bytes, System.nanoTime());
    }

    /** Shows each datagram of a message that the kernel took. */
    void toWire(SendVector messages, int message, @Nullable Peer peer, int innerAt) {
        int end = messages.firstPart(message + 1);
        int part = messages.firstPart(message);
        long now = System.nanoTime();
        while (part < end) {
            int last = endOfDatagram(messages, message, part);
            context.begin(TracePoint.TO_WIRE, null, bytes(messages, part, last), innerAt, 1, 0);
            context.encapsulated();
            context.peer(peer);
            show(messages, part, last, now);
            part = last;
        }
    }

    /**
     * Shows a super-packet that the kernel took uncut.
     *
     * @param skip bytes of outer headers in front of the tunnel's, in the first part
     * @param innerAt bytes of the tunnel's header
     */
    void toWireUncut(Iovecs frame, int skip, int innerAt, int packets, int segmentBytes, Peer peer) {
        context.begin(TracePoint.TO_WIRE, null, frame.bytes() - skip, innerAt, packets, segmentBytes);
        context.encapsulated();
        context.peer(peer);
        show(frame, skip, System.nanoTime());
    }

    /** Shows a packet that the node's IP stack took. */
    void toPod(Iovecs packet, int packets, @Nullable Peer peer) {
        beginWrite(TracePoint.TO_POD, null, packet, packets, peer);
        showWrite(packet, System.nanoTime());
    }

    private void beginWrite(
            TracePoint point, @Nullable DropReason reason, Iovecs packet, int packets, @Nullable Peer peer) {
        context.begin(point, reason, packet.bytes() - VirtioNetHeader.BYTES, 0, packets, 0);
        context.peer(peer);
    }

    /** Datagrams begin where parts begin, so that no part is cut. */
    private static int endOfDatagram(SendVector messages, int message, int first) {
        int end = messages.firstPart(message + 1);
        int bytes = messages.partBytes(first);
        int part = first + 1;
        while (part < end && bytes + messages.partBytes(part) <= messages.segmentBytes(message)) {
            bytes += messages.partBytes(part++);
        }
        return part;
    }

    private static int bytes(SendVector messages, int first, int last) {
        int bytes = 0;
        for (int part = first; part < last; part++) {
            bytes += messages.partBytes(part);
        }
        return bytes;
    }

    private void show(long address, int bytes, long now) {
        for (WatchRing watch : current) {
            if (watch.begin(context, dropsSoFar(), now)) {
                watch.add(address, bytes, context.innerAt);
                watch.complete(context.innerAt, now);
            }
        }
    }

    private void show(SendVector messages, int first, int last, long now) {
        for (WatchRing watch : current) {
            if (watch.begin(context, dropsSoFar(), now)) {
                for (int part = first; part < last; part++) {
                    watch.add(messages.partAddress(part), messages.partBytes(part), context.innerAt);
                }
                watch.complete(context.innerAt, now);
            }
        }
    }

    private void showWrite(Iovecs packet, long now) {
        show(packet, VirtioNetHeader.BYTES, now);
    }

    private void show(Iovecs packet, int before, long now) {
        for (WatchRing watch : current) {
            if (watch.begin(context, dropsSoFar(), now)) {
                int skip = before;
                for (int part = 0; part < packet.count(); part++) {
                    int skipped = Math.min(skip, packet.length(part));
                    watch.add(packet.partAddress(part) + skipped, packet.length(part) - skipped, context.innerAt);
                    skip -= skipped;
                }
                watch.complete(context.innerAt, now);
            }
        }
    }

    private long dropsSoFar() {
        DropReason reason = context.reason;
        return reason == null ? 0 : counters.dropped(reason);
    }

    /** What was dropped last, in no order; from any thread. */
    List<PacketCopy> drops() {
        return ring.read(underlay);
    }

    IpFamily underlay() {
        return underlay;
    }

    /** Lets others watch from now on; from any thread, one at a time. */
    void watches(List<WatchRing> all) {
        watches = all.toArray(NOBODY);
    }
}
