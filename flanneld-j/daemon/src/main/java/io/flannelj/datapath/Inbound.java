package io.flannelj.datapath;

import io.flannelj.datapath.offload.Coalescer;
import io.flannelj.datapath.offload.PacketSink;
import io.flannelj.device.Iovecs;
import io.flannelj.device.ReceiveVector;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.packet.Ecn;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.MaximumSegment;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * The way from the wire to the pods: receive, unwrap, check the source, join, write.
 *
 * <p>The source check is what kernel VXLAN and flannel lack: an inner source must lie in the subnet that the outer
 * source has leased, or be the peer node's own address (its answers to pods that were not masqueraded).
 *
 * <p>Owned by one worker. Never allocates after construction.
 */
final class Inbound implements PacketSink, AutoCloseable {
    private static final int SLOTS = 16;
    private static final int SLOT_BYTES = 65_536;

    private final TunQueue tun;
    private final UnderlaySocket socket;
    private final Encapsulator encapsulator;
    private final Counters counters;
    private final PacketTrace trace;
    private final ReceiveVector slots;
    private final ByteBuf data;
    private final long dataAddress;
    private final Coalescer coalescer;
    private final IpHeader ip;
    private final boolean nodeMaySend;
    private final int mtuBytes;
    private final Peer ourselves;

    private RouteTable table = RouteTable.EMPTY;
    private int innerAt;

    Inbound(
            ByteBufAllocator allocator,
            TunQueue tun,
            UnderlaySocket socket,
            TunnelEnd end,
            Counters counters,
            PacketTrace trace) {
        this.tun = tun;
        this.socket = socket;
        this.encapsulator = end.encapsulator();
        this.counters = counters;
        this.trace = trace;
        this.ip = IpHeader.of(end.subnet().family());
        this.nodeMaySend = socket.family() == end.subnet().family();
        this.mtuBytes = end.mtuBytes();
        this.ourselves = new Peer(end.subnet(), end.address(), 0, 0);
        this.slots = new ReceiveVector(allocator, socket.family(), SLOTS, SLOT_BYTES);
        this.data = slots.data();
        this.dataAddress = data.memoryAddress();
        this.coalescer = new Coalescer(allocator, ip, end.features(), end.mtuBytes(), this);
    }

    /**
     * Receives, unwraps and delivers one batch.
     *
     * @return messages received; 0 when none waited
     */
    int pump(RouteTable routes) {
        table = routes;
        slots.clear();
        int received = socket.receive(slots);
        counters.add(Counter.IN_RECEIVES, 1);
        for (int slot = 0; slot < received; slot++) {
            unpack(routes, slot);
        }
        coalescer.flush(data);
        return Math.max(0, received);
    }

    private void unpack(RouteTable routes, int slot) {
        int bytes = slots.bytes(slot);
        int segment = slots.segmentBytes(slot);
        int start = slots.offset(slot);
        if (slots.isTruncated(slot)) {
            counters.add(Counter.IN_PACKETS, 1);
            trace.dropReceived(
                    DropReason.TRUNCATED,
                    dataAddress + start,
                    bytes,
                    -1,
                    slots.sourceHigh(slot),
                    slots.sourceLow(slot));
            return;
        }
        Peer sender = routes.byUnderlay(slots.sourceHigh(slot), slots.sourceLow(slot));
        int ecn = slots.trafficClass(slot) & Ecn.MASK;
        boolean isUncut = sender != null && segment < bytes && isUncut(start, bytes);
        int step = isUncut ? bytes : segment;
        int innerSegment = isUncut ? segment : 0;
        int at = 0;
        do {
            int length = Math.min(step, bytes - at);
            counters.add(Counter.IN_PACKETS, 1);
            innerAt = -1;
            DropReason reason = deliver(routes, sender, start + at, length, ecn, innerSegment);
            if (reason != null) {
                trace.dropReceived(
                        reason,
                        dataAddress + start + at,
                        length,
                        innerAt,
                        slots.sourceHigh(slot),
                        slots.sourceLow(slot));
            }
            at += step;
        } while (at < bytes);
    }

    /**
     * Whether these bytes are no run of datagrams but one that nobody has cut, with a UDP super-packet inside: for such a one
     * the kernel tells the inner segment size.
     */
    private boolean isUncut(int start, int bytes) {
        if (encapsulator.check(data, start, bytes) != null) {
            return false;
        }
        int headerBytes = encapsulator.headerBytes(data, start);
        return ip.isWellFormed(data, start + headerBytes, bytes - headerBytes);
    }

    /**
     * @param innerSegment transport payload of each segment of an inner UDP super-packet; 0 where the kernel told none
     */
    private @Nullable DropReason deliver(
            RouteTable routes, @Nullable Peer sender, int offset, int length, int ecn, int innerSegment) {
        if (sender == null) {
            return DropReason.UNKNOWN_PEER; // a stranger costs no look at what he sent
        }
        DropReason reason = encapsulator.check(data, offset, length);
        if (reason != null) {
            return reason;
        }
        int headerBytes = encapsulator.headerBytes(data, offset);
        innerAt = headerBytes;
        int at = offset + headerBytes;
        int bytes = ip.withoutPadding(data, at, length - headerBytes);
        if (!ip.isWellFormed(data, at, bytes)) {
            return DropReason.MALFORMED_INNER;
        }
        Peer owner = owner(routes, sender, at);
        if (owner == null) {
            return DropReason.SPOOFED;
        }
        if (!ourselves.covers(ip.destinationHigh(data, at), ip.destinationLow(data, at))) {
            return DropReason.NOT_OUR_SUBNET;
        }
        if (trace.isWatched()) {
            trace.fromWire(dataAddress + offset, length, headerBytes, sender.underlayHigh(), sender.underlayLow());
        }
        if (ecn != Ecn.NOT_ECT && !takeMark(at, ecn)) {
            return DropReason.BAD_CONGESTION_MARK;
        }
        if (encapsulator.isHop() && ip.decrementTimeToLive(data, at) == 0) {
            return DropReason.TIME_TO_LIVE_IN;
        }
        if (owner.way().mtuBytes() < mtuBytes && owner.way().clampsMss()) {
            clamp(owner, at, bytes);
        }
        owner.countIn(counters.queue(), 1, bytes);
        return coalescer.accept(data, dataAddress, at, bytes, innerSegment) ? null : DropReason.BAD_INNER_CHECKSUM;
    }

    /** What a peer's TCP says it takes is limited to what the way to it takes. */
    private void clamp(Peer owner, int at, int length) {
        int upper = ip.upperLayer(data, at, length);
        if (IpHeader.protocol(upper) == Ipv4Header.PROTOCOL_TCP) {
            boolean partial = MaximumSegment.isPartial(data, at, length, ip, upper);
            MaximumSegment.clamp(data, at, length, ip, upper, owner.way().mtuBytes(), partial);
        }
    }

    /** Lets the inner header say what the network said of the outer one; false when it cannot. */
    private boolean takeMark(int at, int outer) {
        int before = ip.ecn(data, at);
        int after = Ecn.decapsulate(outer, before);
        if (after >= 0 && after != before) {
            ip.setEcn(data, at, after);
        }
        return after >= 0;
    }

    /** Which of the leases at the sender's node the inner source lies in; null when in none. */
    private @Nullable Peer owner(RouteTable routes, Peer sender, int at) {
        long high = ip.sourceHigh(data, at);
        long low = ip.sourceLow(data, at);
        if (sender.covers(high, low) || (nodeMaySend && high == sender.underlayHigh() && low == sender.underlayLow())) {
            return sender;
        }
        Peer owner = routes.lookup(high, low);
        return owner != null && owner.isAtSameNodeAs(sender) ? owner : null;
    }

    @Override
    public void write(Iovecs packet, int packets) {
        int errno = tun.write(packet);
        counters.add(Counter.IN_WRITES, 1);
        if (errno == 0) {
            counters.add(Counter.IN_DELIVERED, packets);
            counters.add(Counter.IN_BYTES, packet.bytes() - VirtioNetHeader.BYTES);
            if (trace.isWatched()) {
                trace.toPod(packet, packets, sender(packet));
            }
        } else {
            trace.dropWrite(DropReason.TUN_REFUSED, packet, packets, sender(packet));
        }
    }

    /** Whose a packet is that is on its way to the pods, for those who want to see that; null when its source is a node. */
    private @Nullable Peer sender(Iovecs packet) {
        int at = (int) (packet.partAddress(1) - dataAddress); // part 0 is the virtio header
        return table.lookup(ip.sourceHigh(data, at), ip.sourceLow(data, at));
    }

    @Override
    public void close() {
        coalescer.close();
        slots.close();
    }
}
