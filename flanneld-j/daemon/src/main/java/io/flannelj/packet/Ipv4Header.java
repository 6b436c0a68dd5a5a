package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * IPv4 header, RFC 791 §3.1: a view over bytes someone else owns.
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |Version|  IHL  |Type of Service|          Total Length         |
 * |         Identification        |Flags|      Fragment Offset    |
 * |  Time to Live |    Protocol   |         Header Checksum       |
 * |                       Source Address                          |
 * |                    Destination Address                        |
 * </pre>
 *
 * Never allocates, never moves reader or writer indices; the caller has checked the bounds.
 */
public final class Ipv4Header {
    /** Length without options, in octets. */
    public static final int MIN_BYTES = 20;

    public static final int PROTOCOL_ICMP = 1;
    public static final int PROTOCOL_TCP = 6;
    public static final int PROTOCOL_UDP = 17;

    public static final int DONT_FRAGMENT = 0x4000;
    private static final int MORE_FRAGMENTS_OR_OFFSET = 0x3fff;

    private Ipv4Header() {}

    /**
     * Whether {@code length} octets hold a header that agrees with itself: version 4, its own length within the packet,
     * and a total length that is exactly what is there.
     */
    public static boolean isWellFormed(ByteBuf packet, int offset, int length) {
        if (length < MIN_BYTES || packet.getUnsignedByte(offset) >>> 4 != 4) {
            return false;
        }
        int header = headerBytes(packet, offset);
        return header >= MIN_BYTES && header <= length && totalBytes(packet, offset) == length;
    }

    public static int headerBytes(ByteBuf packet, int offset) {
        return (packet.getByte(offset) & 0x0f) << 2;
    }

    public static int typeOfService(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset + 1);
    }

    /** Sets the congestion mark and mends the checksum by the difference (RFC 1624), so that a damaged header stays one. */
    static void setEcn(ByteBuf packet, int offset, int ecn) {
        int before = packet.getUnsignedShort(offset);
        int after = before & ~Ecn.MASK | ecn;
        int sum = (~packet.getUnsignedShort(offset + 10) & 0xffff) + (~before & 0xffff) + after;
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = (sum & 0xffff) + (sum >>> 16);
        packet.setShort(offset, after);
        packet.setShort(offset + 10, ~sum);
    }

    public static int totalBytes(ByteBuf packet, int offset) {
        return packet.getUnsignedShort(offset + 2);
    }

    public static int identification(ByteBuf packet, int offset) {
        return packet.getUnsignedShort(offset + 4);
    }

    /** Three flag bits and the fragment offset, as they stand. */
    public static int flagsAndOffset(ByteBuf packet, int offset) {
        return packet.getUnsignedShort(offset + 6);
    }

    /** Whether this is a part of a larger packet: more fragments follow, or this is not the first. */
    public static boolean isFragment(ByteBuf packet, int offset) {
        return (flagsAndOffset(packet, offset) & MORE_FRAGMENTS_OR_OFFSET) != 0;
    }

    /** Whether this is a fragment other than the first, which has no transport header. */
    public static boolean isLaterFragment(ByteBuf packet, int offset) {
        return (flagsAndOffset(packet, offset) & 0x1fff) != 0;
    }

    public static int timeToLive(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset + 8);
    }

    public static int protocol(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset + 9);
    }

    public static int source(ByteBuf packet, int offset) {
        return packet.getInt(offset + 12);
    }

    public static int destination(ByteBuf packet, int offset) {
        return packet.getInt(offset + 16);
    }

    public static void setTotalBytes(ByteBuf packet, int offset, int bytes) {
        packet.setShort(offset + 2, bytes);
    }

    public static void setIdentification(ByteBuf packet, int offset, int identification) {
        packet.setShort(offset + 4, identification);
    }

    /** Computes the header checksum afresh. */
    public static void updateChecksum(ByteBuf packet, int offset) {
        packet.setShort(offset + 10, 0);
        InternetChecksum.store(
                packet, offset + 10, InternetChecksum.add(0, packet, offset, headerBytes(packet, offset)));
    }

    public static boolean hasValidChecksum(ByteBuf packet, int offset) {
        return InternetChecksum.isValid(InternetChecksum.add(0, packet, offset, headerBytes(packet, offset)));
    }

    /**
     * Takes one off the time to live and mends the checksum (RFC 1141).
     *
     * @return what is left; at 0 the packet must not go on
     */
    public static int decrementTimeToLive(ByteBuf packet, int offset) {
        int left = timeToLive(packet, offset) - 1;
        if (left < 0) {
            return 0;
        }
        packet.setByte(offset + 8, left);
        int sum = packet.getUnsignedShort(offset + 10) + 0x0100;
        packet.setShort(offset + 10, sum + (sum >>> 16));
        return left;
    }

    /** The pseudo header's part of a TCP or UDP checksum (RFC 793, RFC 768), to be added to the rest. */
    public static long pseudoHeaderSum(ByteBuf packet, int offset, int protocol, int transportBytes) {
        long sum = (packet.getIntLE(offset + 12) & 0xffff_ffffL) + (packet.getIntLE(offset + 16) & 0xffff_ffffL);
        return InternetChecksum.addShort(InternetChecksum.addShort(sum, protocol), transportBytes);
    }

    /** Writes a header of 20 octets, without options, with its checksum. */
    public static void write(
            ByteBuf packet, int offset, int totalBytes, int timeToLive, int protocol, int source, int destination) {
        packet.setShort(offset, 0x4500);
        packet.setShort(offset + 2, totalBytes);
        packet.setInt(offset + 4, 0);
        packet.setByte(offset + 8, timeToLive);
        packet.setByte(offset + 9, protocol);
        packet.setShort(offset + 10, 0);
        packet.setInt(offset + 12, source);
        packet.setInt(offset + 16, destination);
        updateChecksum(packet, offset);
    }
}
