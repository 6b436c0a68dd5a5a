package io.flannelj.packet;

import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBuf;

/**
 * ICMP echo, RFC 792, and ICMPv6 echo, RFC 4443 §4: writes the whole request, IP header included, with a token of eight bytes
 * at the begin of its payload, and finds the token in an answer.
 *
 * <pre>
 * |     Type      |     Code      |          Checksum             |
 * |           Identifier          |        Sequence Number        |
 * |                       Token (8 bytes)                        |
 * |     the token's last byte, again and again                   |
 * </pre>
 */
public final class IcmpEcho {
    private static final int REQUEST = 8;
    private static final int REQUEST_V6 = 128;
    private static final int HEADER_BYTES = 8;
    private static final int TOKEN_BYTES = 8;
    private static final int TIME_TO_LIVE = 64;

    private IcmpEcho() {}

    /** Bytes in front of the payload's end, at least. */
    public static int minBytes(IpFamily family) {
        return IpHeader.of(family).minBytes() + HEADER_BYTES + TOKEN_BYTES;
    }

    /**
     * Writes a request over IPv4.
     *
     * @param bytes its length, at least {@link #minBytes}
     * @param dontFragment whether it must not be cut
     */
    public static void write(
            ByteBuf packet,
            int offset,
            int bytes,
            int source,
            int destination,
            int identifier,
            long token,
            boolean dontFragment) {
        Ipv4Header.write(packet, offset, bytes, TIME_TO_LIVE, Ipv4Header.PROTOCOL_ICMP, source, destination);
        if (dontFragment) {
            packet.setShort(offset + 6, Ipv4Header.DONT_FRAGMENT);
            Ipv4Header.updateChecksum(packet, offset);
        }
        int icmp = offset + Ipv4Header.MIN_BYTES;
        int length = bytes - Ipv4Header.MIN_BYTES;
        writeMessage(packet, icmp, length, REQUEST, identifier, token);
        InternetChecksum.store(packet, icmp + 2, InternetChecksum.add(0, packet, icmp, length));
    }

    /**
     * Writes a request over IPv6.
     *
     * @param bytes its length, at least {@link #minBytes}
     */
    public static void writeIpv6(
            ByteBuf packet,
            int offset,
            int bytes,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int identifier,
            long token) {
        int length = bytes - Ipv6Header.BYTES;
        Ipv6Header.write(
                packet,
                offset,
                length,
                TIME_TO_LIVE,
                Ipv6Header.PROTOCOL_ICMPV6,
                sourceHigh,
                sourceLow,
                destinationHigh,
                destinationLow);
        int icmp = offset + Ipv6Header.BYTES;
        writeMessage(packet, icmp, length, REQUEST_V6, identifier, token);
        long sum = Ipv6Header.CODEC.pseudoHeaderSum(packet, offset, Ipv6Header.PROTOCOL_ICMPV6, length);
        InternetChecksum.store(packet, icmp + 2, InternetChecksum.add(sum, packet, icmp, length));
    }

    /**
     * Writes a request without an IP header, which the kernel writes; of ICMPv6 it sums up the message as well.
     *
     * @param bytes its length, at least that of the ICMP header and the token
     */
    public static void writeBare(ByteBuf message, int offset, int bytes, IpFamily family, int identifier, long token) {
        writeMessage(message, offset, bytes, family == IpFamily.IPV4 ? REQUEST : REQUEST_V6, identifier, token);
        if (family == IpFamily.IPV4) {
            InternetChecksum.store(message, offset + 2, InternetChecksum.add(0, message, offset, bytes));
        }
    }

    private static void writeMessage(ByteBuf packet, int at, int length, int type, int identifier, long token) {
        packet.setByte(at, type);
        packet.setByte(at + 1, 0);
        packet.setShort(at + 2, 0);
        packet.setShort(at + 4, identifier);
        packet.setShort(at + 6, (int) token);
        packet.setLong(at + HEADER_BYTES, token);
        for (int i = HEADER_BYTES + TOKEN_BYTES; i < length; i++) {
            packet.setByte(at + i, (int) token);
        }
    }

    /** Where the ICMP message begins in what a raw socket receives: of IPv4, the header comes with it. */
    public static int messageAt(ByteBuf received, int offset, IpFamily family) {
        return family == IpFamily.IPV4 ? offset + Ipv4Header.headerBytes(received, offset) : offset;
    }

    /** Whether a message of so many bytes is long enough for a token. */
    public static boolean hasToken(int bytes) {
        return bytes >= HEADER_BYTES + TOKEN_BYTES;
    }

    /** The token of a message that has one. */
    public static long token(ByteBuf received, int at) {
        return received.getLong(at + HEADER_BYTES);
    }
}
