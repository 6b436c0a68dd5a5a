package io.flannelj.datapath;

import io.flannelj.datapath.offload.Segmenter;
import io.flannelj.device.Iovecs;
import io.flannelj.device.SendVector;
import io.flannelj.linux.Errno;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.Ecn;
import io.flannelj.packet.EthernetHeader;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Ipv6Header;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.UdpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.flannelj.packet.VirtioTunnelHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * Sends super-packets uncut by {@link TunnelSegmentation}: headers from a buffer of its own, the packet where it was read,
 * one system call. It decides of each whether it can go that way; what cannot is cut and goes by the socket.
 *
 * <p>Owned by one worker. Never allocates after construction.
 */
final class UncutSender implements AutoCloseable {
    private static final int MAX_IP_BYTES = 65_535;
    private static final int ETHERNET_AT = VirtioTunnelHeader.BYTES;

    private final TunnelSegmentation way;
    private final Encapsulator encapsulator;
    private final IpHeader inner;
    private final IpFamily outer;
    private final Counters counters;
    private final PacketTrace trace;
    private final ByteBuf header;
    private final Iovecs parts;
    private final int outerIpBytes;
    private final int udpAt;
    private final int tunnelAt;
    private final int innerAt;
    private int identification;

    /**
     * @param inner codec of all packets
     * @param firstIdentification of IPv4 outside; anything
     */
    UncutSender(
            ByteBufAllocator allocator,
            TunnelSegmentation way,
            Encapsulator encapsulator,
            IpHeader inner,
            Counters counters,
            PacketTrace trace,
            int firstIdentification) {
        this.way = way;
        this.encapsulator = encapsulator;
        this.inner = inner;
        this.outer = way.local().family();
        this.counters = counters;
        this.trace = trace;
        this.identification = firstIdentification;
        this.outerIpBytes = outer == IpFamily.IPV4 ? Ipv4Header.MIN_BYTES : Ipv6Header.BYTES;
        this.udpAt = ETHERNET_AT + EthernetHeader.BYTES + outerIpBytes;
        this.tunnelAt = udpAt + UdpHeader.BYTES;
        this.innerAt = tunnelAt + encapsulator.headerBytes();
        this.header = allocator.directBuffer(innerAt);
        this.parts = new Iovecs(allocator, 2);
    }

    /**
     * Sends a super-packet, and before it what waits for the peer in the socket's batch, so that nothing is overtaken.
     *
     * @param length of the packet, whose IP header begins at {@code at}
     * @param upper its {@link IpHeader#upperLayer}
     * @param gsoSize transport payload of each segment but the last
     * @param segments how many packets it stands for
     * @return false when it cannot go this way, or the kernel refused, so that it still has to be sent
     */
    boolean trySend(
            TxBatch batch, Peer peer, ByteBuf packet, int at, int length, int upper, int gsoSize, int segments) {
        NextHop hop = peer.uncutHop();
        int protocol = IpHeader.protocol(upper);
        int headerBytes = Segmenter.headerBytes(packet, at, upper);
        if (hop == null
                || !isCut(protocol, segments)
                || IpHeader.headerBytes(upper) != inner.minBytes()
                || !fits(hop, peer, length, headerBytes + gsoSize)) {
            return false;
        }
        batch.flushFor(peer);
        complete(packet, at, length, protocol);
        writeHeaders(protocol, headerBytes, gsoSize);
        writeOuter(peer, hop, length, Ecn.encapsulate(inner.ecn(packet, at)));
        identification += segments;
        encapsulator.wrap(header, tunnelAt, peer);
        parts.clear();
        parts.add(header.memoryAddress(), innerAt);
        parts.add(packet.memoryAddress() + at, length);
        int errno = way.device().write(parts);
        counters.add(Counter.OUT_UNCUT_WRITES, 1);
        if (errno == 0 && trace.isWatched()) {
            show(peer, packet, at, length, protocol, segments, gsoSize);
        }
        return isSettled(peer, errno, segments);
    }

    /** Shows it with the checksum that it would have as one packet; what is on the wire has one for each segment. */
    private void show(Peer peer, ByteBuf packet, int at, int length, int protocol, int segments, int gsoSize) {
        int transport = at + inner.minBytes();
        long sum = InternetChecksum.add(0, packet, transport, length - inner.minBytes());
        InternetChecksum.store(packet, transport + checksumOffset(protocol), sum);
        trace.toWireUncut(parts, tunnelAt, innerAt - tunnelAt, segments, gsoSize, peer);
    }

    /** Whether the kernel cuts so many segments: of one there is nothing to cut, of UDP datagrams older ones cut no more than 64. */
    private static boolean isCut(int protocol, int segments) {
        return segments > 1 && (protocol == Ipv4Header.PROTOCOL_TCP || segments <= SendVector.MAX_SEGMENTS);
    }

    private boolean fits(NextHop hop, Peer peer, int length, int longestSegment) {
        int outerBytes = outerIpBytes + UdpHeader.BYTES + encapsulator.headerBytes();
        return outerBytes + length <= MAX_IP_BYTES
                && outerBytes + longestSegment <= hop.mtuBytes()
                && longestSegment <= peer.way().mtuBytes();
    }

    /** What is summed up later begins with the pseudo header's sum, whatever the sender wrote. */
    private void complete(ByteBuf packet, int at, int length, int protocol) {
        InternetChecksum.storePartial(
                packet,
                at + inner.minBytes() + checksumOffset(protocol),
                inner.pseudoHeaderSum(packet, at, protocol, length - inner.minBytes()));
    }

    private void writeHeaders(int protocol, int headerBytes, int gsoSize) {
        boolean tcp = protocol == Ipv4Header.PROTOCOL_TCP;
        int ipAt = innerAt - ETHERNET_AT;
        VirtioTunnelHeader.write(
                header,
                0,
                outer,
                tcp ? inner.tcpGsoType() : VirtioNetHeader.GSO_UDP_L4,
                gsoSize,
                udpAt - ETHERNET_AT,
                ipAt,
                ipAt + inner.minBytes(),
                ipAt + headerBytes,
                checksumOffset(protocol));
    }

    private static int checksumOffset(int protocol) {
        return protocol == Ipv4Header.PROTOCOL_TCP ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET;
    }

    private void writeOuter(Peer peer, NextHop hop, int length, int ecn) {
        int udpBytes = innerAt - udpAt + length;
        int ipAt = ETHERNET_AT + EthernetHeader.BYTES;
        IpHeader codec;
        int etherType;
        if (outer == IpFamily.IPV4) {
            codec = Ipv4Header.CODEC;
            etherType = EthernetHeader.TYPE_IPV4;
            Ipv4Header.write(
                    header,
                    ipAt,
                    ecn,
                    outerIpBytes + udpBytes,
                    identification,
                    hop.timeToLive(),
                    Ipv4Header.PROTOCOL_UDP,
                    (int) way.local().lowBits(),
                    (int) peer.underlayLow());
        } else {
            codec = Ipv6Header.CODEC;
            etherType = EthernetHeader.TYPE_IPV6;
            Ipv6Header.write(
                    header,
                    ipAt,
                    udpBytes,
                    hop.timeToLive(),
                    Ipv4Header.PROTOCOL_UDP,
                    way.local().highBits(),
                    way.local().lowBits(),
                    peer.underlayHigh(),
                    peer.underlayLow());
            codec.setEcn(header, ipAt, ecn);
        }
        EthernetHeader.write(header, ETHERNET_AT, hop.destination(), hop.source(), etherType);
        UdpHeader.write(header, udpAt, way.port(), peer.port(), udpBytes);
        InternetChecksum.storePartial(
                header,
                udpAt + UdpHeader.CHECKSUM_OFFSET,
                codec.pseudoHeaderSum(header, ipAt, Ipv4Header.PROTOCOL_UDP, udpBytes));
    }

    private boolean isSettled(Peer peer, int errno, int segments) {
        if (errno == 0) {
            counters.add(Counter.OUT_DELIVERED, segments);
            return true;
        }
        if (errno == Errno.EAGAIN || errno == Errno.ENOBUFS) {
            trace.drop(DropReason.SEND_BUFFER_FULL, segments, parts.partAddress(1), parts.length(1), peer);
            return true;
        }
        if (errno == Errno.EBADFD || errno == Errno.EIO) {
            return false; // the device was deleted or set down: who follows the kernel repairs it
        }
        if (peer.refuseUncut(System.nanoTime())) {
            counters.add(Counter.UNCUT_FALLBACKS, 1);
            way.onRefused().accept(peer, errno);
        }
        return false;
    }

    @Override
    public void close() {
        parts.close();
        header.release();
    }
}
