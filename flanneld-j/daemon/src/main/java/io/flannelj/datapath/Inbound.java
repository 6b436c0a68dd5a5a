package io.flannelj.datapath;

import io.flannelj.datapath.Counters.Counter;
import io.flannelj.datapath.offload.Coalescer;
import io.flannelj.datapath.offload.PacketSink;
import io.flannelj.device.Iovecs;
import io.flannelj.device.ReceiveVector;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.packet.Ecn;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Ipv6Header;
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
    private final ReceiveVector slots;
    private final ByteBuf data;
    private final long dataAddress;
    private final Coalescer coalescer;
    private final boolean ipv6;
    private final boolean underlayIpv6;
    private final Peer ourselves;

    Inbound(ByteBufAllocator allocator, TunQueue tun, UnderlaySocket socket, TunnelEnd end, Counters counters) {
        this.tun = tun;
        this.socket = socket;
        this.encapsulator = end.encapsulator();
        this.counters = counters;
        this.ipv6 = end.subnet().isIpv6();
        this.underlayIpv6 = socket.isIpv6();
        this.ourselves = new Peer(end.subnet(), end.address(), 0, 0);
        this.slots = new ReceiveVector(allocator, SLOTS, SLOT_BYTES);
        this.data = slots.data();
        this.dataAddress = data.memoryAddress();
        this.coalescer = new Coalescer(allocator, end.features(), end.mtuBytes(), this);
    }

    /**
     * Receives, unwraps and delivers one batch.
     *
     * @return messages received; 0 when none waited
     */
    int pump(RouteTable routes) {
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
            counters.drop(DropReason.TRUNCATED, 1);
            return;
        }
        Peer sender = underlayIpv6
                ? routes.byUnderlay(slots.sourceHigh(slot), slots.sourceLow(slot))
                : routes.byUnderlay(slots.source(slot));
        int ecn = slots.trafficClass(slot) & Ecn.MASK;
        int at = 0;
        do {
            int length = Math.min(segment, bytes - at);
            counters.add(Counter.IN_PACKETS, 1);
            DropReason reason = deliver(routes, sender, start + at, length, ecn);
            if (reason != null) {
                counters.drop(reason, 1);
            }
            at += segment;
        } while (at < bytes);
    }

    private @Nullable DropReason deliver(RouteTable routes, @Nullable Peer sender, int offset, int length, int ecn) {
        if (sender == null) {
            return DropReason.UNKNOWN_PEER; // a stranger costs no look at what he sent
        }
        DropReason reason = encapsulator.check(data, offset, length);
        if (reason != null) {
            return reason;
        }
        int headerBytes = encapsulator.headerBytes(data, offset);
        int ip = offset + headerBytes;
        int ipBytes = length - headerBytes;
        if (!IpHeader.isWellFormed(data, ip, ipBytes, ipv6)) {
            return DropReason.MALFORMED_INNER;
        }
        Peer owner = ipv6 ? ipv6Owner(routes, sender, ip) : ipv4Owner(routes, sender, ip);
        if (owner == null) {
            return DropReason.SPOOFED;
        }
        if (!(ipv6
                ? ourselves.covers(Ipv6Header.destinationHigh(data, ip), Ipv6Header.destinationLow(data, ip))
                : ourselves.covers(Ipv4Header.destination(data, ip)))) {
            return DropReason.NOT_OUR_SUBNET;
        }
        if (ecn != Ecn.NOT_ECT && !takeMark(ip, ecn)) {
            return DropReason.BAD_CONGESTION_MARK;
        }
        if (encapsulator.isHop() && IpHeader.decrementTimeToLive(data, ip, ipv6) == 0) {
            return DropReason.TIME_TO_LIVE_IN;
        }
        owner.countIn(counters.queue(), 1, ipBytes);
        return coalescer.accept(data, dataAddress, ip, ipBytes, ipv6) ? null : DropReason.BAD_INNER_CHECKSUM;
    }

    /** Lets the inner header say what the network said of the outer one; false when it cannot. */
    private boolean takeMark(int ip, int outer) {
        int before = IpHeader.ecn(data, ip, ipv6);
        int after = Ecn.decapsulate(outer, before);
        if (after >= 0 && after != before) {
            IpHeader.setEcn(data, ip, ipv6, after);
        }
        return after >= 0;
    }

    /** Which of the leases at the sender's node the inner source lies in; null when in none. */
    private @Nullable Peer ipv4Owner(RouteTable routes, Peer sender, int ip) {
        int source = Ipv4Header.source(data, ip);
        if (sender.covers(source) || (!underlayIpv6 && source == sender.underlayBits())) {
            return sender;
        }
        return ifAtNode(sender, routes.lookup(source));
    }

    private @Nullable Peer ipv6Owner(RouteTable routes, Peer sender, int ip) {
        long high = Ipv6Header.sourceHigh(data, ip);
        long low = Ipv6Header.sourceLow(data, ip);
        if (sender.covers(high, low)
                || (underlayIpv6 && high == sender.underlayHigh() && low == sender.underlayLow())) {
            return sender;
        }
        return ifAtNode(sender, routes.lookup(high, low));
    }

    private static @Nullable Peer ifAtNode(Peer sender, @Nullable Peer owner) {
        return owner != null && owner.isAtSameNodeAs(sender) ? owner : null;
    }

    @Override
    public void write(Iovecs packet, int packets) {
        int errno = tun.write(packet);
        counters.add(Counter.IN_WRITES, 1);
        if (errno == 0) {
            counters.add(Counter.IN_DELIVERED, packets);
            counters.add(Counter.IN_BYTES, packet.bytes() - VirtioNetHeader.BYTES);
        } else {
            counters.drop(DropReason.TUN_REFUSED, packets);
        }
    }

    @Override
    public void close() {
        coalescer.close();
        slots.close();
    }
}
