package io.flannelj.datapath;

import io.flannelj.datapath.Counters.Counter;
import io.flannelj.datapath.offload.Coalescer;
import io.flannelj.datapath.offload.PacketOutlet;
import io.flannelj.device.Iovecs;
import io.flannelj.device.ReceiveVector;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UdpPort;
import io.flannelj.packet.Ipv4Header;
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
final class Inbound implements PacketOutlet, AutoCloseable {
    private static final int SLOTS = 16;
    private static final int SLOT_BYTES = 65_536;

    private final TunQueue tun;
    private final UdpPort port;
    private final Encapsulator encapsulator;
    private final Counters counters;
    private final ReceiveVector slots;
    private final ByteBuf data;
    private final long dataAddress;
    private final Coalescer coalescer;
    private final int ownSubnet;
    private final int ownMask;

    Inbound(ByteBufAllocator allocator, TunQueue tun, UdpPort port, TunnelEnd end, Counters counters) {
        this.tun = tun;
        this.port = port;
        this.encapsulator = end.encapsulator();
        this.counters = counters;
        this.slots = new ReceiveVector(allocator, SLOTS, SLOT_BYTES);
        this.data = slots.data();
        this.dataAddress = data.memoryAddress();
        this.coalescer = new Coalescer(allocator, end.features(), end.mtuBytes(), this);
        this.ownSubnet = end.subnet().address().ipv4Bits();
        this.ownMask = -1 << (32 - end.subnet().length());
    }

    /**
     * Receives, unwraps and delivers one batch.
     *
     * @return messages received; 0 when none waited
     */
    int pump(RouteTable routes) {
        slots.clear();
        int received = port.receive(slots);
        counters.add(Counter.IN_RECEIVES, 1);
        for (int slot = 0; slot < received; slot++) {
            message(routes, slot);
        }
        coalescer.flush(data);
        return Math.max(0, received);
    }

    private void message(RouteTable routes, int slot) {
        int bytes = slots.bytes(slot);
        int segment = slots.segmentBytes(slot);
        int start = slots.offset(slot);
        if (slots.isTruncated(slot)) {
            counters.add(Counter.IN_PACKETS, 1);
            counters.drop(DropReason.TRUNCATED, 1);
            return;
        }
        int source = slots.source(slot);
        Peer sender = routes.byUnderlay(source);
        int at = 0;
        do {
            int length = Math.min(segment, bytes - at);
            counters.add(Counter.IN_PACKETS, 1);
            DropReason reason = datagram(routes, sender, source, start + at, length);
            if (reason != null) {
                counters.drop(reason, 1);
            }
            at += segment;
        } while (at < bytes);
    }

    private @Nullable DropReason datagram(
            RouteTable routes, @Nullable Peer sender, int outerSource, int offset, int length) {
        DropReason reason = encapsulator.check(data, offset, length);
        if (reason != null) {
            return reason;
        }
        if (sender == null) {
            return DropReason.UNKNOWN_PEER;
        }
        int ip = offset + encapsulator.headerBytes();
        int ipBytes = length - encapsulator.headerBytes();
        if (!Ipv4Header.isWellFormed(data, ip, ipBytes)) {
            return DropReason.MALFORMED_INNER;
        }
        int source = Ipv4Header.source(data, ip);
        Peer owner = sender;
        if (!sender.covers(source)) {
            owner = source == outerSource ? sender : routes.lookup(source);
            if (owner == null || owner.underlayBits() != outerSource) {
                return DropReason.SPOOFED;
            }
        }
        if ((Ipv4Header.destination(data, ip) & ownMask) != ownSubnet) {
            return DropReason.NOT_OUR_SUBNET;
        }
        if (encapsulator.isHop() && Ipv4Header.decrementTimeToLive(data, ip) == 0) {
            return DropReason.TIME_TO_LIVE_IN;
        }
        owner.countIn(1, ipBytes);
        return coalescer.accept(data, dataAddress, ip, ipBytes) ? null : DropReason.BAD_INNER_CHECKSUM;
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
