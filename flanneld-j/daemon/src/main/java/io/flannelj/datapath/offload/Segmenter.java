package io.flannelj.datapath.offload;

import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.UdpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;

/**
 * Cuts a TCP or UDP super-packet into the packets it stands for, as a network card with TSO would.
 *
 * <p>The rules (Linux, Documentation/networking/segmentation-offloads.rst; RFC 3168 §6.1.2 for CWR): on IPv4 the IP
 * identification counts up; the TCP sequence number advances with the payload, FIN and PSH stand only on the last
 * segment, CWR only on the first. The header's part of each checksum is summed once; only what varies is added per
 * segment. Payload is not copied. Stateless; never allocates.
 *
 * <p>The caller has read the packet's upper layer ({@link IpHeader#upperLayer}) and passes it on.
 */
public final class Segmenter {
    /**
     * More packets than the kernel makes a super-packet of: for TCP 64 KiB in segments of 36 bytes (net.ipv4.tcp_min_snd_mss,
     * without the timestamps). A pod with a packet socket writes any size; of segments of one byte a few super-packets a second
     * would keep a worker from all others.
     */
    static final int MOST_TCP_SEGMENTS = 65_535 / 36;

    static final int MOST_UDP_SEGMENTS = 128; // linux/udp.h, UDP_MAX_SEGMENTS

    private static final int MAX_HEADER_BYTES = 128; // what a SegmentSink has room for

    private final IpHeader ip;

    /** @param ip codec of all packets */
    public Segmenter(IpHeader ip) {
        this.ip = ip;
    }

    /**
     * Whether a packet of {@code gsoType} is what it says, lengths fit together, and it stands for no more packets than the kernel
     * would make one of, so that {@link #cut} can be called.
     */
    public boolean isSound(ByteBuf packet, int offset, int length, int upper, int gsoType, int gsoSize) {
        int protocol = IpHeader.protocol(upper);
        boolean tcp = protocol == Ipv4Header.PROTOCOL_TCP;
        int ipBytes = IpHeader.headerBytes(upper);
        if (gsoSize <= 0
                || (!tcp && protocol != Ipv4Header.PROTOCOL_UDP)
                || gsoType != (tcp ? ip.tcpGsoType() : VirtioNetHeader.GSO_UDP_L4)
                || ipBytes + (tcp ? TcpHeader.MIN_BYTES : UdpHeader.BYTES) > length) {
            return false;
        }
        int header = ipBytes + (tcp ? TcpHeader.headerBytes(packet, offset + ipBytes) : UdpHeader.BYTES);
        return header >= ipBytes + (tcp ? TcpHeader.MIN_BYTES : UdpHeader.BYTES)
                && header < length
                && header <= MAX_HEADER_BYTES
                && length - header <= (long) gsoSize * (tcp ? MOST_TCP_SEGMENTS : MOST_UDP_SEGMENTS);
    }

    /** How many packets a sound super-packet stands for. */
    public static int segments(ByteBuf packet, int offset, int length, int upper, int gsoSize) {
        int payload = length - headerBytes(packet, offset, upper);
        return (payload + gsoSize - 1) / gsoSize;
    }

    /** IP and transport header together. */
    public static int headerBytes(ByteBuf packet, int offset, int upper) {
        int ipBytes = IpHeader.headerBytes(upper);
        return ipBytes
                + (IpHeader.protocol(upper) == Ipv4Header.PROTOCOL_TCP
                        ? TcpHeader.headerBytes(packet, offset + ipBytes)
                        : UdpHeader.BYTES);
    }

    /**
     * Cuts the super-packet. Its own header is used up.
     *
     * @param length bytes of the super-packet, from its IP header on
     * @param gsoSize transport payload of each segment but the last
     */
    public void cut(ByteBuf packet, int offset, int length, int upper, int gsoSize, SegmentSink sink) {
        int protocol = IpHeader.protocol(upper);
        boolean tcp = protocol == Ipv4Header.PROTOCOL_TCP;
        int ipBytes = IpHeader.headerBytes(upper);
        int transport = offset + ipBytes;
        int transportBytes = tcp ? TcpHeader.headerBytes(packet, transport) : UdpHeader.BYTES;
        int headerBytes = ipBytes + transportBytes;
        int checksumAt = tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET;
        int identification = ip.identification(packet, offset);
        int sequence = tcp ? TcpHeader.sequence(packet, transport) : 0;
        int flags = tcp ? TcpHeader.flags(packet, transport) : 0;

        // What varies is cleared, so that the sums of the rest hold for every segment.
        long template = ip.prepareTemplate(packet, offset, ipBytes);
        packet.setShort(transport + checksumAt, 0);
        if (tcp) {
            packet.setInt(transport + 4, 0);
            packet.setByte(transport + 13, 0);
        } else {
            packet.setShort(transport + 4, 0);
        }
        long transportSum = InternetChecksum.add(
                ip.pseudoHeaderSum(packet, offset, protocol, 0), packet, transport, transportBytes);

        int payloadAt = offset + headerBytes;
        int end = offset + length;
        ByteBuf headers = sink.headers();
        for (int index = 0, at = payloadAt; at < end; index++, at += gsoSize) {
            int payloadBytes = Math.min(gsoSize, end - at);
            int header = sink.nextHeader();
            headers.setBytes(header, packet, offset, headerBytes);
            ip.completeSegment(headers, header, template, headerBytes + payloadBytes, identification + index);

            int out = header + ipBytes;
            long sum = InternetChecksum.addShort(transportSum, transportBytes + payloadBytes);
            if (tcp) {
                int segmentSequence = sequence + (at - payloadAt);
                int segmentFlags = flags;
                if (at + payloadBytes < end) {
                    segmentFlags &= ~(TcpHeader.FIN | TcpHeader.PSH);
                }
                if (index > 0) {
                    segmentFlags &= ~TcpHeader.CWR;
                }
                TcpHeader.setSequence(headers, out, segmentSequence);
                TcpHeader.setFlags(headers, out, segmentFlags);
                sum = InternetChecksum.addShort(InternetChecksum.addInt(sum, segmentSequence), segmentFlags);
                InternetChecksum.store(headers, out + checksumAt, InternetChecksum.add(sum, packet, at, payloadBytes));
            } else {
                UdpHeader.setTotalBytes(headers, out, UdpHeader.BYTES + payloadBytes);
                sum = InternetChecksum.addShort(sum, UdpHeader.BYTES + payloadBytes);
                InternetChecksum.storeUdp(
                        headers, out + checksumAt, InternetChecksum.add(sum, packet, at, payloadBytes));
            }
            sink.accept(header, headerBytes, at, payloadBytes);
        }
    }
}
