package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * IPv6 header, RFC 8200 §3: a view over bytes that the caller owns.
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |Version| Traffic Class |           Flow Label                  |
 * |         Payload Length        |  Next Header  |   Hop Limit   |
 * |                    Source Address (16 bytes)                 |
 * |                  Destination Address (16 bytes)              |
 * </pre>
 *
 * Never allocates, never moves reader or writer indices; the caller has checked the bounds.
 */
public final class Ipv6Header implements IpHeader {
    public static final Ipv6Header CODEC = new Ipv6Header();

    /** Length without extension headers, in bytes. */
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

    @Override
    public int minBytes() {
        return BYTES;
    }

    @Override
    public int tcpGsoType() {
        return VirtioNetHeader.GSO_TCPV6;
    }

    /** Version 6, and as long as it says; jumbograms (RFC 2675) are not. */
    @Override
    public boolean isWellFormed(ByteBuf packet, int offset, int length) {
        return length >= BYTES
                && packet.getUnsignedByte(offset) >>> 4 == 6
                && packet.getUnsignedShort(offset + 4) + BYTES == length;
    }

    @Override
    public int withoutPadding(ByteBuf packet, int offset, int bytes) {
        return bytes < BYTES ? bytes : Math.min(bytes, BYTES + packet.getUnsignedShort(offset + 4));
    }

    /** {@inheritDoc} What every link carries is never too big for one. */
    @Override
    public boolean mayBeFragmented(ByteBuf packet, int offset, int bytes) {
        return bytes <= MIN_MTU_BYTES;
    }

    @Override
    public void setLength(ByteBuf packet, int offset, int bytes) {
        packet.setShort(offset + 4, bytes - BYTES);
    }

    @Override
    public int identification(ByteBuf packet, int offset) {
        return 0;
    }

    @Override
    public long prepareTemplate(ByteBuf packet, int offset, int headerBytes) {
        return 0;
    }

    @Override
    public void completeSegment(ByteBuf segment, int offset, long template, int bytes, int identification) {
        setLength(segment, offset, bytes);
    }

    @Override
    public int ecn(ByteBuf packet, int offset) {
        return packet.getByte(offset + 1) >>> 4 & Ecn.MASK;
    }

    @Override
    public void setEcn(ByteBuf packet, int offset, int ecn) {
        packet.setByte(offset + 1, packet.getByte(offset + 1) & ~(Ecn.MASK << 4) | ecn << 4);
    }

    public static int nextHeader(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset + 6);
    }

    public static int hopLimit(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset + 7);
    }

    @Override
    public long sourceHigh(ByteBuf packet, int offset) {
        return packet.getLong(offset + SOURCE);
    }

    @Override
    public long sourceLow(ByteBuf packet, int offset) {
        return packet.getLong(offset + SOURCE + 8);
    }

    @Override
    public long destinationHigh(ByteBuf packet, int offset) {
        return packet.getLong(offset + DESTINATION);
    }

    @Override
    public long destinationLow(ByteBuf packet, int offset) {
        return packet.getLong(offset + DESTINATION + 8);
    }

    @Override
    public boolean haveSameAddresses(ByteBuf packets, int a, int b) {
        for (int at = SOURCE; at < BYTES; at += 8) {
            if (packets.getLong(a + at) != packets.getLong(b + at)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean canShareHeader(ByteBuf packets, int a, int b) {
        return packets.getInt(a) == packets.getInt(b) // version, traffic class, flow label
                && packets.getShort(a + 6) == packets.getShort(b + 6); // next header, hop limit
    }

    /**
     * {@inheritDoc} Walks over hop-by-hop and destination options, RFC 8200 §4.
     *
     * <p>Stops at whatever else comes: a transport header; a routing header, behind which the checksum is about another
     * destination; a fragment header, behind which there may be no transport header. {@link #NO_NEXT_HEADER} where the
     * chain leads out of the packet.
     */
    @Override
    public int upperLayer(ByteBuf packet, int offset, int length) {
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

    @Override
    public int decrementTimeToLive(ByteBuf packet, int offset) {
        int left = hopLimit(packet, offset) - 1;
        if (left < 0) {
            return 0;
        }
        packet.setByte(offset + 7, left);
        return left;
    }

    /** {@inheritDoc} RFC 8200 §8.1. */
    @Override
    public long pseudoHeaderSum(ByteBuf packet, int offset, int protocol, int transportBytes) {
        long sum = InternetChecksum.add(0, packet, offset + SOURCE, 32);
        return InternetChecksum.addShort(InternetChecksum.addShort(sum, protocol), transportBytes);
    }

    /** Writes a header of 40 bytes, traffic class and flow label 0. */
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
