package io.flannelj.datapath.offload;

import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Ipv6Header;
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
    private static final int MAX_HEADER_BYTES = 128; // what a SegmentSink has room for

    private Segmenter() {}

    /** Whether a packet of {@code gsoType} is what it says, and lengths fit together, so that {@link #cut} can be called. */
    public static boolean isSound(
            ByteBuf packet, int offset, int length, boolean ipv6, int upper, int gsoType, int gsoSize) {
        int protocol = IpHeader.protocol(upper);
        boolean tcp = protocol == Ipv4Header.PROTOCOL_TCP;
        int ip = IpHeader.headerBytes(upper);
        if (gsoSize <= 0
                || (!tcp && protocol != Ipv4Header.PROTOCOL_UDP)
                || gsoType != VirtioNetHeader.gsoType(tcp, ipv6)
                || ip + (tcp ? TcpHeader.MIN_BYTES : UdpHeader.BYTES) > length) {
            return false;
        }
        int header = ip + (tcp ? TcpHeader.headerBytes(packet, offset + ip) : UdpHeader.BYTES);
        return header >= ip + (tcp ? TcpHeader.MIN_BYTES : UdpHeader.BYTES)
                && header < length
                && header <= MAX_HEADER_BYTES;
    }

    /** How many packets a sound super-packet stands for. */
    public static int segments(ByteBuf packet, int offset, int length, int upper, int gsoSize) {
        int payload = length - headerBytes(packet, offset, upper);
        return (payload + gsoSize - 1) / gsoSize;
    }

    /** IP and transport header together. */
    public static int headerBytes(ByteBuf packet, int offset, int upper) {
        int ip = IpHeader.headerBytes(upper);
        return ip
                + (IpHeader.protocol(upper) == Ipv4Header.PROTOCOL_TCP
                        ? TcpHeader.headerBytes(packet, offset + ip)
                        : UdpHeader.BYTES);
    }

    /**
     * Cuts the super-packet. Its own header is used up.
     *
     * @param length octets of the super-packet, from its IP header on
     * @param gsoSize transport payload of each segment but the last
     */
    public static void cut(
            ByteBuf packet, int offset, int length, boolean ipv6, int upper, int gsoSize, SegmentSink sink) {
        int protocol = IpHeader.protocol(upper);
        boolean tcp = protocol == Ipv4Header.PROTOCOL_TCP;
        int ipBytes = IpHeader.headerBytes(upper);
        int transport = offset + ipBytes;
        int transportBytes = tcp ? TcpHeader.headerBytes(packet, transport) : UdpHeader.BYTES;
        int headerBytes = ipBytes + transportBytes;
        int checksumAt = tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET;
        int identification = ipv6 ? 0 : Ipv4Header.identification(packet, offset);
        int sequence = tcp ? TcpHeader.sequence(packet, transport) : 0;
        int flags = tcp ? TcpHeader.flags(packet, transport) : 0;

        // What varies is cleared, so that the sums of the rest hold for every segment.
        if (!ipv6) {
            packet.setShort(offset + 2, 0);
            packet.setShort(offset + 4, 0);
            packet.setShort(offset + 10, 0);
        }
        packet.setShort(transport + checksumAt, 0);
        if (tcp) {
            packet.setInt(transport + 4, 0);
            packet.setByte(transport + 13, 0);
        } else {
            packet.setShort(transport + 4, 0);
        }
        long ipSum = ipv6 ? 0 : InternetChecksum.add(0, packet, offset, ipBytes);
        long transportSum = InternetChecksum.add(
                IpHeader.pseudoHeaderSum(packet, offset, ipv6, protocol, 0), packet, transport, transportBytes);

        int payloadAt = offset + headerBytes;
        int end = offset + length;
        ByteBuf headers = sink.headers();
        for (int index = 0, at = payloadAt; at < end; index++, at += gsoSize) {
            int payloadBytes = Math.min(gsoSize, end - at);
            int segmentBytes = headerBytes + payloadBytes;
            int header = sink.nextHeader();
            headers.setBytes(header, packet, offset, headerBytes);

            if (ipv6) {
                Ipv6Header.setPayloadBytes(headers, header, segmentBytes - Ipv6Header.BYTES);
            } else {
                int id = identification + index & 0xffff;
                Ipv4Header.setTotalBytes(headers, header, segmentBytes);
                Ipv4Header.setIdentification(headers, header, id);
                InternetChecksum.store(
                        headers,
                        header + 10,
                        InternetChecksum.addShort(InternetChecksum.addShort(ipSum, segmentBytes), id));
            }

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
