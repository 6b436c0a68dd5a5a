package io.flannelj.datapath;

import io.flannelj.datapath.offload.AckFilter;
import io.flannelj.datapath.offload.SegmentSink;
import io.flannelj.datapath.offload.Segmenter;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.Ecn;
import io.flannelj.packet.IcmpError;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.MaximumSegment;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The way from the pods to the wire: read, look up, segment, wrap, send.
 *
 * <p>Packets are read into one arena, each with headroom in front, and stay there until the batch is sent. A packet that
 * needs no cutting gets its tunnel header written into the headroom (over the virtio header, which is used up by then). A
 * super-packet leaves uncut where the kernel takes it so.
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
    private final IpHeader ip;
    private final IpHeader otherFamily;
    private final Segmenter segmenter;
    private final Counters counters;
    private final PacketTrace trace;
    private final TxBatch batch;
    private final @Nullable UncutSender uncut;
    private final ByteBuf arena;
    private final long arenaAddress;
    private final int headroom;
    private final @Nullable AckFilter acknowledgements;
    private final PodErrors errors;
    private final ReadRefusals refusals = new ReadRefusals();

    private Peer segmentPeer;
    private int segmentEcn;

    Outbound(
            ByteBufAllocator allocator,
            TunQueue tun,
            UnderlaySocket socket,
            TunnelEnd end,
            Counters counters,
            PacketTrace trace,
            Consumer<Peer> onSegmentationRefused,
            @Nullable TunnelSegmentation tunnelSegmentation) {
        this.tun = tun;
        this.end = end;
        this.encapsulator = end.encapsulator();
        this.counters = counters;
        this.trace = trace;
        this.batch = new TxBatch(allocator, socket, counters, trace, encapsulator.headerBytes(), onSegmentationRefused);
        this.arena = allocator.directBuffer(ARENA_BYTES);
        this.arenaAddress = arena.memoryAddress();
        this.headroom = encapsulator.headerBytes();
        IpFamily family = end.subnet().family();
        this.ip = IpHeader.of(family);
        this.otherFamily = IpHeader.of(family.other());
        this.segmenter = new Segmenter(ip);
        this.acknowledgements = end.filterAcks() ? new AckFilter(ip) : null;
        this.errors = new PodErrors(allocator, tun, end, counters);
        this.segmentPeer = NOBODY;
        this.uncut = tunnelSegmentation == null
                ? null
                : new UncutSender(
                        allocator, tunnelSegmentation, encapsulator, ip, counters, trace, (int) System.nanoTime());
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
        AckFilter.Outcome outcome = acknowledgements.offer(arena, virtio + VirtioNetHeader.BYTES, length);
        if (outcome == AckFilter.Outcome.PASS) {
            sendAcknowledgements(routes);
            forward(routes, virtio, length);
        } else if (outcome == AckFilter.Outcome.SUPERSEDES) {
            count(1, length);
            trace.drop(DropReason.ACK_FILTERED, 1);
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
        int at = virtio + VirtioNetHeader.BYTES;
        if (!ip.isWellFormed(arena, at, length)) {
            boolean foreign = otherFamily.isWellFormed(arena, at, length);
            count(1, length);
            drop(foreign ? DropReason.UNSUPPORTED_FAMILY : DropReason.MALFORMED, 1, at, length, null);
            return;
        }
        int gsoType = VirtioNetHeader.gsoType(arena, virtio);
        int gsoSize = VirtioNetHeader.gsoSize(arena, virtio);
        int upper = ip.upperLayer(arena, at, length);
        boolean isSuper = gsoType != VirtioNetHeader.GSO_NONE;
        if (isSuper && !segmenter.isSound(arena, at, length, upper, gsoType, gsoSize)) {
            count(1, length);
            drop(DropReason.MALFORMED, 1, at, length, null);
            return;
        }
        Peer peer = routes.lookup(ip.destinationHigh(arena, at), ip.destinationLow(arena, at));
        int wayMtu = peer == null ? Integer.MAX_VALUE : peer.way().mtuBytes();
        boolean isNarrow = wayMtu < end.mtuBytes();
        if (isNarrow && isSuper) {
            gsoSize = segmentBytes(wayMtu, at, upper, gsoSize);
        }
        int packets = isSuper ? Segmenter.segments(arena, at, length, upper, gsoSize) : 1;
        count(packets, length);
        if (peer == null) {
            drop(DropReason.NO_ROUTE, packets, at, length, null);
            errors.answer(IcmpError.Reason.NO_ROUTE, 0, arena, at, length);
            return;
        }
        if (encapsulator.isHop() && ip.decrementTimeToLive(arena, at) == 0) {
            drop(DropReason.TIME_TO_LIVE, packets, at, length, peer);
            return;
        }
        if (isNarrow && !narrow(peer, virtio, length, upper, isSuper ? gsoSize : 0)) {
            drop(DropReason.TOO_BIG, packets, at, length, peer);
        } else if (isSuper) {
            peer.countOut(counters.queue(), packets, length);
            if (trace.isWatched()) {
                trace.fromPod(peer, arenaAddress + at, length, packets, gsoSize);
            }
            sendSuper(peer, at, length, upper, gsoSize, packets);
        } else if (length > end.mtuBytes()) {
            drop(DropReason.TOO_BIG, 1, at, length, peer);
            errors.answer(
                    IcmpError.Reason.TOO_BIG,
                    Math.min(end.mtuBytes(), peer.way().mtuBytes()),
                    arena,
                    at,
                    length);
        } else if (VirtioNetHeader.needsChecksum(arena, virtio)
                && !PartialChecksum.complete(arena, virtio, length, upper)) {
            drop(DropReason.MALFORMED, 1, at, length, peer);
        } else {
            peer.countOut(counters.queue(), 1, length);
            if (trace.isWatched()) {
                trace.fromPod(peer, arenaAddress + at, length, 1, 0);
            }
            sendWhole(peer, at, length);
        }
    }

    private void drop(DropReason reason, int packets, int at, int length, @Nullable Peer peer) {
        trace.drop(reason, packets, arenaAddress + at, length, peer);
    }

    /**
     * Payload of each segment of a super-packet on a way that is narrower than the tunnel. TCP's may be cut smaller than their
     * sender thought, for it counts bytes; UDP's may not.
     */
    private int segmentBytes(int wayMtu, int at, int upper, int gsoSize) {
        return IpHeader.protocol(upper) == Ipv4Header.PROTOCOL_TCP
                ? Math.min(gsoSize, wayMtu - Segmenter.headerBytes(arena, at, upper))
                : gsoSize;
    }

    /**
     * Sees to it that a packet passes a way that is narrower than the tunnel. One that is too long and must not be cut (RFC 1191,
     * RFC 8201) does not go on, and its sender is told. If it may be cut, or the sender cannot be told, it goes on, and the
     * packet outside is cut: over IPv4 on its way, over IPv6 where this node knows of the narrow link.
     *
     * @param gsoSize of a super-packet, else 0
     * @return false when it does not go on
     */
    private boolean narrow(Peer peer, int virtio, int length, int upper, int gsoSize) {
        int at = virtio + VirtioNetHeader.BYTES;
        Peer.Way way = peer.way();
        int longest = gsoSize > 0 ? Math.min(length, Segmenter.headerBytes(arena, at, upper) + gsoSize) : length;
        if (longest > way.mtuBytes()) {
            return ip.mayBeFragmented(arena, at, longest)
                    || !errors.answer(IcmpError.Reason.TOO_BIG, way.mtuBytes(), arena, at, length);
        }
        if (way.clampsMss() && IpHeader.protocol(upper) == Ipv4Header.PROTOCOL_TCP && gsoSize == 0) {
            boolean partial = VirtioNetHeader.needsChecksum(arena, virtio);
            MaximumSegment.clamp(arena, at, length, ip, upper, way.mtuBytes(), partial);
        }
        return true;
    }

    private void count(int packets, int bytes) {
        counters.add(Counter.OUT_PACKETS, packets);
        counters.add(Counter.OUT_BYTES, bytes);
    }

    /** Sends a super-packet uncut where that is possible, else in segments by the socket. */
    private void sendSuper(Peer peer, int at, int length, int upper, int gsoSize, int packets) {
        if (uncut != null && uncut.trySend(batch, peer, arena, at, length, upper, gsoSize, packets)) {
            return;
        }
        segmentPeer = peer;
        segmentEcn = Ecn.encapsulate(ip.ecn(arena, at));
        segmenter.cut(arena, at, length, upper, gsoSize, this);
    }

    private void sendWhole(Peer peer, int at, int length) {
        int start = at - headroom;
        encapsulator.wrap(arena, start, peer);
        batch.begin(peer, headroom + length, Ecn.encapsulate(ip.ecn(arena, at)));
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

    @Override
    public void close() {
        batch.close();
        if (uncut != null) {
            uncut.close();
        }
        arena.release();
        errors.close();
    }
}
