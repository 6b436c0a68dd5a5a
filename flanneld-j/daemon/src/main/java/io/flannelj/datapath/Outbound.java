package io.flannelj.datapath;

import io.flannelj.datapath.Counters.Counter;
import io.flannelj.datapath.offload.AckFilter;
import io.flannelj.datapath.offload.SegmentSink;
import io.flannelj.datapath.offload.Segmenter;
import io.flannelj.device.Iovecs;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.packet.Ecn;
import io.flannelj.packet.IcmpError;
import io.flannelj.packet.Icmpv6Error;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Ipv6Header;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The way from the pods to the wire: read, look up, segment, wrap, send.
 *
 * <p>Packets are read into one arena, each with headroom in front, and stay there until the batch is sent. A packet that
 * needs no cutting gets its tunnel header written into the headroom (over the virtio header, which is used up by then).
 *
 * <p>Owned by one worker. Never allocates after construction.
 */
final class Outbound implements SegmentSink, AutoCloseable {
    private static final int ARENA_BYTES = 256 * 1024;
    private static final int MAX_READ_BYTES = 65_536 + VirtioNetHeader.BYTES;
    private static final int MAX_PACKETS = 64;
    private static final Peer NOBODY = new Peer(Cidr.host(IpAddress.ANY_V4), IpAddress.ANY_V4, 0, 0);

    private final TunQueue tun;
    private final TunnelEnd end;
    private final Encapsulator encapsulator;
    private final boolean ipv6;
    private final Counters counters;
    private final TxBatch batch;
    private final ByteBuf arena;
    private final long arenaAddress;
    private final int headroom;
    private final @Nullable AckFilter acknowledgements;
    private final ByteBuf answer;
    private final Iovecs answerParts;
    private final ReadRefusals refusals = new ReadRefusals();
    private final ErrorBudget errors = new ErrorBudget(System.nanoTime());

    private Peer segmentPeer;
    private int segmentEcn;

    Outbound(
            ByteBufAllocator allocator,
            TunQueue tun,
            UnderlaySocket socket,
            TunnelEnd end,
            Counters counters,
            Consumer<Peer> onSegmentationRefused) {
        this.tun = tun;
        this.end = end;
        this.encapsulator = end.encapsulator();
        this.counters = counters;
        this.batch = new TxBatch(allocator, socket, counters, onSegmentationRefused);
        this.arena = allocator.directBuffer(ARENA_BYTES);
        this.arenaAddress = arena.memoryAddress();
        this.headroom = encapsulator.headerBytes();
        this.ipv6 = end.subnet().isIpv6();
        this.acknowledgements = end.filterAcks() ? new AckFilter(ipv6) : null;
        this.answer = allocator.directBuffer(VirtioNetHeader.BYTES + Icmpv6Error.MAX_BYTES);
        this.answerParts = new Iovecs(allocator, 1);
        this.segmentPeer = NOBODY;
    }

    /**
     * Reads, wraps and sends one batch.
     *
     * @return packets read; 0 when none waited
     */
    int pump(RouteTable routes) {
        int at = 0;
        int packets = 0;
        while (packets < MAX_PACKETS && ARENA_BYTES - at >= headroom + MAX_READ_BYTES) {
            int read = tun.read(arena, at + headroom, MAX_READ_BYTES);
            counters.add(Counter.OUT_READS, 1);
            if (read < 0) {
                counters.add(Counter.OUT_READ_ERRORS, 1);
                refusals.refused(-read, System.nanoTime());
                break;
            }
            refusals.answered();
            if (read == 0) {
                break;
            }
            packets++;
            take(routes, at + headroom, read - VirtioNetHeader.BYTES);
            at = at + headroom + read + 63 & ~63;
        }
        sendAcknowledgements(routes);
        batch.flush();
        return packets;
    }

    /** Sends a packet, or holds it back for a moment: a later one may say the same. */
    private void take(RouteTable routes, int virtio, int length) {
        if (acknowledgements == null) {
            forward(routes, virtio, length);
            return;
        }
        int ip = virtio + VirtioNetHeader.BYTES;
        AckFilter.Outcome outcome = acknowledgements.offer(arena, ip, length);
        if (outcome == AckFilter.Outcome.PASS) {
            sendAcknowledgements(routes);
            forward(routes, virtio, length);
        } else if (outcome == AckFilter.Outcome.SUPERSEDES) {
            count(1, length);
            counters.drop(DropReason.ACK_FILTERED, 1);
        }
    }

    private void sendAcknowledgements(RouteTable routes) {
        if (acknowledgements != null) {
            for (int i = 0; i < acknowledgements.held(); i++) {
                forward(routes, acknowledgements.offset(i) - VirtioNetHeader.BYTES, acknowledgements.length(i));
            }
            acknowledgements.clear();
        }
    }

    /** Whether the TUN device can be read. */
    ReadRefusals refusals() {
        return refusals;
    }

    private void forward(RouteTable routes, int virtio, int length) {
        int ip = virtio + VirtioNetHeader.BYTES;
        if (!IpHeader.isWellFormed(arena, ip, length, ipv6)) {
            boolean otherFamily = IpHeader.isWellFormed(arena, ip, length, !ipv6);
            count(1, length);
            counters.drop(otherFamily ? DropReason.UNSUPPORTED_FAMILY : DropReason.MALFORMED, 1);
            return;
        }
        int gsoType = VirtioNetHeader.gsoType(arena, virtio);
        int gsoSize = VirtioNetHeader.gsoSize(arena, virtio);
        int upper = IpHeader.upperLayer(arena, ip, length, ipv6);
        boolean isSuper = gsoType != VirtioNetHeader.GSO_NONE;
        if (isSuper && !Segmenter.isSound(arena, ip, length, ipv6, upper, gsoType, gsoSize)) {
            count(1, length);
            counters.drop(DropReason.MALFORMED, 1);
            return;
        }
        int packets = isSuper ? Segmenter.segments(arena, ip, length, upper, gsoSize) : 1;
        count(packets, length);

        Peer peer = ipv6
                ? routes.lookup(Ipv6Header.destinationHigh(arena, ip), Ipv6Header.destinationLow(arena, ip))
                : routes.lookup(Ipv4Header.destination(arena, ip));
        if (peer == null) {
            counters.drop(DropReason.NO_ROUTE, packets);
            answer(false, ip, length);
            return;
        }
        if (encapsulator.isHop() && IpHeader.decrementTimeToLive(arena, ip, ipv6) == 0) {
            counters.drop(DropReason.TIME_TO_LIVE, packets);
            return;
        }
        if (isSuper) {
            peer.countOut(counters.queue(), packets, length);
            segmentPeer = peer;
            segmentEcn = Ecn.encapsulate(IpHeader.ecn(arena, ip, ipv6));
            Segmenter.cut(arena, ip, length, ipv6, upper, gsoSize, this);
        } else if (length > end.mtuBytes()) {
            counters.drop(DropReason.TOO_BIG, 1);
            answer(true, ip, length);
        } else if (VirtioNetHeader.needsChecksum(arena, virtio) && !completeChecksum(virtio, ip, length, upper)) {
            counters.drop(DropReason.MALFORMED, 1);
        } else {
            peer.countOut(counters.queue(), 1, length);
            sendWhole(peer, ip, length);
        }
    }

    private void count(int packets, int bytes) {
        counters.add(Counter.OUT_PACKETS, packets);
        counters.add(Counter.OUT_BYTES, bytes);
    }

    /**
     * Adds the payload to a checksum field that holds the pseudo header's sum. A pod with a packet socket of its own says
     * where (packet(7), PACKET_VNET_HDR): in the IP header it would rewrite an address that was checked already.
     */
    private boolean completeChecksum(int virtio, int ip, int length, int upper) {
        int start = VirtioNetHeader.checksumStart(arena, virtio);
        int field = start + VirtioNetHeader.checksumOffset(arena, virtio);
        if (start < IpHeader.headerBytes(upper) || start >= length || field + 2 > length) {
            return false;
        }
        long sum = InternetChecksum.add(0, arena, ip + start, length - start);
        if (IpHeader.protocol(upper) == Ipv4Header.PROTOCOL_UDP) {
            InternetChecksum.storeUdp(arena, ip + field, sum);
        } else {
            InternetChecksum.store(arena, ip + field, sum);
        }
        return true;
    }

    private void sendWhole(Peer peer, int ip, int length) {
        int start = ip - headroom;
        encapsulator.wrap(arena, start, peer);
        batch.begin(peer, headroom + length, Ecn.encapsulate(IpHeader.ecn(arena, ip, ipv6)));
        batch.add(arenaAddress + start, headroom + length);
    }

    @Override
    public ByteBuf headers() {
        return batch.headers();
    }

    @Override
    public int nextHeader() {
        return batch.headerSlot() + headroom;
    }

    @Override
    public void accept(int headerOffset, int headerBytes, int payloadOffset, int payloadBytes) {
        int start = headerOffset - headroom;
        encapsulator.wrap(batch.headers(), start, segmentPeer);
        batch.begin(segmentPeer, headroom + headerBytes + payloadBytes, segmentEcn);
        batch.add(batch.headerAddress(start), headroom + headerBytes);
        batch.add(arenaAddress + payloadOffset, payloadBytes);
    }

    /**
     * Tells the sender that a packet does not go on: too big for the tunnel, or to nowhere.
     *
     * <p>Over IPv6 the tunnel's address answers. Over IPv4 the kernel takes no packet from outside whose source is an address
     * of its own (a martian, unless accept_local is set, which a container may not), so there the answer comes from where the
     * packet was going, as those of the kernel's tunnels do (net/ipv4/ip_tunnel_core.c, iptunnel_pmtud_build_icmp).
     */
    private void answer(boolean tooBig, int ip, int length) {
        int at = VirtioNetHeader.BYTES;
        int mtu = tooBig ? end.mtuBytes() : 0;
        int bytes;
        if (ipv6) {
            int type = tooBig ? Icmpv6Error.TYPE_PACKET_TOO_BIG : Icmpv6Error.TYPE_UNREACHABLE;
            if (!Icmpv6Error.mayAnswer(arena, ip, length, type) || !errors.take(System.nanoTime())) {
                return;
            }
            // As with IPv4: our own address, coming from the tunnel, would be dropped as a forged one.
            boolean toMany = Ipv6Header.destinationHigh(arena, ip) >>> 56 == 0xff;
            long high = toMany ? end.address().highBits() : Ipv6Header.destinationHigh(arena, ip);
            long low = toMany ? end.address().lowBits() : Ipv6Header.destinationLow(arena, ip);
            bytes = Icmpv6Error.write(answer, at, type, mtu, high, low, arena, ip, length);
        } else {
            if (!IcmpError.mayAnswer(arena, ip) || !errors.take(System.nanoTime())) {
                return;
            }
            int code = tooBig ? IcmpError.CODE_FRAGMENTATION_NEEDED : IcmpError.CODE_NET_UNREACHABLE;
            bytes = IcmpError.write(answer, at, code, mtu, Ipv4Header.destination(arena, ip), arena, ip);
        }
        VirtioNetHeader.writePlain(answer, 0);
        answerParts.clear();
        answerParts.add(answer.memoryAddress(), at + bytes);
        if (tun.write(answerParts) == 0) {
            counters.add(Counter.ICMP_ERRORS, 1);
        }
    }

    @Override
    public void close() {
        batch.close();
        arena.release();
        answer.release();
        answerParts.close();
    }
}
