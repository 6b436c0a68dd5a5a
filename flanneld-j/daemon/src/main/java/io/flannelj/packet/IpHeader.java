package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * What an IP header says whatever its family: a view over a packet whose family is known, which callers pass on so that
 * it is decided once for each packet.
 *
 * <p>An <em>upper layer</em> is one int: the protocol in the low octet, above it the octets of all IP headers in front.
 * Fragments of either family have {@link Ipv6Header#FRAGMENT} for a protocol, since their transport header is not to be
 * relied on.
 *
 * <p>Never allocates; the caller has checked that the packet is well-formed.
 */
public final class IpHeader {
    private IpHeader() {}

    public static boolean isIpv6(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset) >>> 4 == 6;
    }

    /** Whether these octets are one whole packet of that family. */
    public static boolean isWellFormed(ByteBuf packet, int offset, int length, boolean ipv6) {
        return ipv6 ? Ipv6Header.isWellFormed(packet, offset, length) : Ipv4Header.isWellFormed(packet, offset, length);
    }

    /** Where the headers end and what follows them. */
    public static int upperLayer(ByteBuf packet, int offset, int length, boolean ipv6) {
        if (ipv6) {
            return Ipv6Header.upperLayer(packet, offset, length);
        }
        int protocol =
                Ipv4Header.isFragment(packet, offset) ? Ipv6Header.FRAGMENT : Ipv4Header.protocol(packet, offset);
        return upperLayer(Ipv4Header.headerBytes(packet, offset), protocol);
    }

    static int upperLayer(int headerBytes, int protocol) {
        return headerBytes << 8 | protocol;
    }

    /** Octets of the IP headers in front of an upper layer. */
    public static int headerBytes(int upperLayer) {
        return upperLayer >>> 8;
    }

    /** Protocol number of an upper layer. */
    public static int protocol(int upperLayer) {
        return upperLayer & 0xff;
    }

    /** Octets of a header without options or extensions. */
    public static int minBytes(boolean ipv6) {
        return ipv6 ? Ipv6Header.BYTES : Ipv4Header.MIN_BYTES;
    }

    /** The pseudo header's part of a transport checksum. */
    public static long pseudoHeaderSum(ByteBuf packet, int offset, boolean ipv6, int protocol, int transportBytes) {
        return ipv6
                ? Ipv6Header.pseudoHeaderSum(packet, offset, protocol, transportBytes)
                : Ipv4Header.pseudoHeaderSum(packet, offset, protocol, transportBytes);
    }

    /** The packet's congestion mark, an {@link Ecn} value. */
    public static int ecn(ByteBuf packet, int offset, boolean ipv6) {
        return packet.getByte(offset + 1) >>> (ipv6 ? 4 : 0) & Ecn.MASK;
    }

    /** Sets the congestion mark, and on IPv4 mends the header checksum. */
    public static void setEcn(ByteBuf packet, int offset, boolean ipv6, int ecn) {
        if (ipv6) {
            packet.setByte(offset + 1, packet.getByte(offset + 1) & ~(Ecn.MASK << 4) | ecn << 4);
        } else {
            Ipv4Header.setEcn(packet, offset, ecn);
        }
    }

    /**
     * Takes one off the time to live or hop limit.
     *
     * @return what is left; at 0 the packet must not go on
     */
    public static int decrementTimeToLive(ByteBuf packet, int offset, boolean ipv6) {
        return ipv6 ? Ipv6Header.decrementHopLimit(packet, offset) : Ipv4Header.decrementTimeToLive(packet, offset);
    }

    /** Sets the length of the whole packet, and on IPv4 the header checksum. */
    public static void setTotalBytes(ByteBuf packet, int offset, int totalBytes, boolean ipv6) {
        if (ipv6) {
            Ipv6Header.setPayloadBytes(packet, offset, totalBytes - Ipv6Header.BYTES);
        } else {
            Ipv4Header.setTotalBytes(packet, offset, totalBytes);
            Ipv4Header.updateChecksum(packet, offset);
        }
    }

    /** Whether source and destination of two packets in one buffer are the same. */
    public static boolean haveSameAddresses(ByteBuf packets, int a, int b, boolean ipv6) {
        int from = ipv6 ? 8 : 12;
        int to = minBytes(ipv6);
        for (int at = from; at < to; at += 8) {
            if (packets.getLong(a + at) != packets.getLong(b + at)) {
                return false;
            }
        }
        return true;
    }
}
