package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * IPv6 header, RFC 8200 §3: a view over bytes someone else owns. Addresses are two longs, most significant first.
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |Version| Traffic Class |           Flow Label                  |
 * |         Payload Length        |  Next Header  |   Hop Limit   |
 * |                    Source Address (16 octets)                 |
 * |                  Destination Address (16 octets)              |
 * </pre>
 *
 * Never allocates, never moves reader or writer indices; the caller has checked the bounds.
 */
public final class Ipv6Header {
    /** Length without extension headers, in octets. */
    public static final int BYTES = 40;

    /** Every link carries packets of this length, RFC 8200 §5. */
    public static final int MIN_MTU_BYTES = 1280;

    public static final int HOP_BY_HOP = 0;
    public static final int FRAGMENT = 44;
    public static final int NO_NEXT_HEADER = 59;
    public static final int DESTINATION_OPTIONS = 60;
    public static final int PROTOCOL_ICMPV6 = 58;

    private static final int SOURCE = 8;
    private static final int DESTINATION = 24;

    private Ipv6Header() {}

    /** Whether {@code length} octets are version 6 and as long as they say; jumbograms (RFC 2675) are not. */
    public static boolean isWellFormed(ByteBuf packet, int offset, int length) {
        return length >= BYTES
                && packet.getUnsignedByte(offset) >>> 4 == 6
                && packet.getUnsignedShort(offset + 4) + BYTES == length;
    }

    /** Octets behind the header: extension headers and what they lead to. */
    public static int payloadBytes(ByteBuf packet, int offset) {
        return packet.getUnsignedShort(offset + 4);
    }

    public static void setPayloadBytes(ByteBuf packet, int offset, int bytes) {
        packet.setShort(offset + 4, bytes);
    }

    public static int nextHeader(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset + 6);
    }

    public static int hopLimit(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset + 7);
    }

    public static long sourceHigh(ByteBuf packet, int offset) {
        return packet.getLong(offset + SOURCE);
    }

    public static long sourceLow(ByteBuf packet, int offset) {
        return packet.getLong(offset + SOURCE + 8);
    }

    public static long destinationHigh(ByteBuf packet, int offset) {
        return packet.getLong(offset + DESTINATION);
    }

    public static long destinationLow(ByteBuf packet, int offset) {
        return packet.getLong(offset + DESTINATION + 8);
    }

    /**
     * Walks over hop-by-hop and destination options, RFC 8200 §4.
     *
     * <p>Stops at whatever else comes: a transport header; a routing header, behind which the checksum is about another
     * destination; a fragment header, behind which there may be no transport header. {@link #NO_NEXT_HEADER} where the
     * chain leads out of the packet.
     *
     * @param length octets of the whole packet
     * @return an {@link IpHeader} upper layer
     */
    static int upperLayer(ByteBuf packet, int offset, int length) {
        int next = nextHeader(packet, offset);
        int at = BYTES;
        while (next == HOP_BY_HOP || next == DESTINATION_OPTIONS) {
            if (at + 8 > length) {
                return IpHeader.upperLayer(BYTES, NO_NEXT_HEADER);
            }
            next = packet.getUnsignedByte(offset + at);
            at += packet.getUnsignedByte(offset + at + 1) + 1 << 3;
        }
        return at > length ? IpHeader.upperLayer(BYTES, NO_NEXT_HEADER) : IpHeader.upperLayer(at, next);
    }

    /**
     * Takes one off the hop limit.
     *
     * @return what is left; at 0 the packet must not go on
     */
    public static int decrementHopLimit(ByteBuf packet, int offset) {
        int left = hopLimit(packet, offset) - 1;
        if (left < 0) {
            return 0;
        }
        packet.setByte(offset + 7, left);
        return left;
    }

    /** The pseudo header's part of a transport checksum (RFC 8200 §8.1), to be added to the rest. */
    public static long pseudoHeaderSum(ByteBuf packet, int offset, int protocol, int transportBytes) {
        long sum = InternetChecksum.add(0, packet, offset + SOURCE, 32);
        return InternetChecksum.addShort(InternetChecksum.addShort(sum, protocol), transportBytes);
    }

    /** Writes a header of 40 octets, traffic class and flow label 0. */
    public static void write(
            ByteBuf packet,
            int offset,
            int payloadBytes,
            int hopLimit,
            int nextHeader,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow) {
        packet.setInt(offset, 0x6000_0000);
        packet.setShort(offset + 4, payloadBytes);
        packet.setByte(offset + 6, nextHeader);
        packet.setByte(offset + 7, hopLimit);
        packet.setLong(offset + SOURCE, sourceHigh);
        packet.setLong(offset + SOURCE + 8, sourceLow);
        packet.setLong(offset + DESTINATION, destinationHigh);
        packet.setLong(offset + DESTINATION + 8, destinationLow);
    }
}
