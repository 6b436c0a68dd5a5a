package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * IPv4 header, RFC 791 §3.1: a view over bytes that the caller owns.
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
public final class Ipv4Header implements IpHeader {
    public static final Ipv4Header CODEC = new Ipv4Header();

    /** Length without options, in bytes. */
    public static final int MIN_BYTES = 20;

    public static final int PROTOCOL_ICMP = 1;
    public static final int PROTOCOL_TCP = 6;
    public static final int PROTOCOL_UDP = 17;

    public static final int DONT_FRAGMENT = 0x4000;
    private static final int MORE_FRAGMENTS_OR_OFFSET = 0x3fff;

    private Ipv4Header() {}

    @Override
    public int minBytes() {
        return MIN_BYTES;
    }

    @Override
    public int tcpGsoType() {
        return VirtioNetHeader.GSO_TCPV4;
    }

    /** Version 4, its own length within the packet, and a total length that is exactly what is there. */
    @Override
    public boolean isWellFormed(ByteBuf packet, int offset, int length) {
        if (length < MIN_BYTES || packet.getUnsignedByte(offset) >>> 4 != 4) {
            return false;
        }
        int header = headerBytes(packet, offset);
        return header >= MIN_BYTES && header <= length && totalBytes(packet, offset) == length;
    }

    @Override
    public int withoutPadding(ByteBuf packet, int offset, int bytes) {
        return bytes < MIN_BYTES ? bytes : Math.min(bytes, totalBytes(packet, offset));
    }

    @Override
    public boolean mayBeFragmented(ByteBuf packet, int offset, int bytes) {
        return (flagsAndOffset(packet, offset) & DONT_FRAGMENT) == 0;
    }

    @Override
    public int upperLayer(ByteBuf packet, int offset, int length) {
        return IpHeader.upperLayer(
                headerBytes(packet, offset),
                isFragment(packet, offset) ? Ipv6Header.FRAGMENT : protocol(packet, offset));
    }

    public static int headerBytes(ByteBuf packet, int offset) {
        return (packet.getByte(offset) & 0x0f) << 2;
    }

    public static int typeOfService(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset + 1);
    }

    @Override
    public int ecn(ByteBuf packet, int offset) {
        return packet.getByte(offset + 1) & Ecn.MASK;
    }

    /** {@inheritDoc} As RFC 1624 has it. */
    @Override
    public void setEcn(ByteBuf packet, int offset, int ecn) {
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

    @Override
    public int identification(ByteBuf packet, int offset) {
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

    @Override
    public long sourceHigh(ByteBuf packet, int offset) {
        return 0;
    }

    @Override
    public long sourceLow(ByteBuf packet, int offset) {
        return packet.getUnsignedInt(offset + 12);
    }

    @Override
    public long destinationHigh(ByteBuf packet, int offset) {
        return 0;
    }

    @Override
    public long destinationLow(ByteBuf packet, int offset) {
        return packet.getUnsignedInt(offset + 16);
    }

    @Override
    public boolean haveSameAddresses(ByteBuf packets, int a, int b) {
        return packets.getLong(a + 12) == packets.getLong(b + 12);
    }

    @Override
    public boolean canShareHeader(ByteBuf packets, int a, int b) {
        return packets.getShort(a) == packets.getShort(b) // version, header length, type of service
                && packets.getShort(a + 8) == packets.getShort(b + 8) // time to live, protocol
                && flagsAndOffset(packets, a) == flagsAndOffset(packets, b);
    }

    public static void setTotalBytes(ByteBuf packet, int offset, int bytes) {
        packet.setShort(offset + 2, bytes);
    }

    @Override
    public void setLength(ByteBuf packet, int offset, int bytes) {
        setTotalBytes(packet, offset, bytes);
        updateChecksum(packet, offset);
    }

    /** {@inheritDoc} The sum of what all segments have in common. */
    @Override
    public long prepareTemplate(ByteBuf packet, int offset, int headerBytes) {
        packet.setShort(offset + 2, 0);
        packet.setShort(offset + 4, 0);
        packet.setShort(offset + 10, 0);
        return InternetChecksum.add(0, packet, offset, headerBytes);
    }

    @Override
    public void completeSegment(ByteBuf segment, int offset, long template, int bytes, int identification) {
        int id = identification & 0xffff;
        setTotalBytes(segment, offset, bytes);
        segment.setShort(offset + 4, id);
        InternetChecksum.store(
                segment, offset + 10, InternetChecksum.addShort(InternetChecksum.addShort(template, bytes), id));
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

    /** {@inheritDoc} The checksum is corrected as RFC 1141 has it. */
    @Override
    public int decrementTimeToLive(ByteBuf packet, int offset) {
        int left = timeToLive(packet, offset) - 1;
        if (left < 0) {
            return 0;
        }
        packet.setByte(offset + 8, left);
        int sum = packet.getUnsignedShort(offset + 10) + 0x0100;
        packet.setShort(offset + 10, sum + (sum >>> 16));
        return left;
    }

    /** {@inheritDoc} RFC 793, RFC 768. */
    @Override
    public long pseudoHeaderSum(ByteBuf packet, int offset, int protocol, int transportBytes) {
        long sum = (packet.getIntLE(offset + 12) & 0xffff_ffffL) + (packet.getIntLE(offset + 16) & 0xffff_ffffL);
        return InternetChecksum.addShort(InternetChecksum.addShort(sum, protocol), transportBytes);
    }

    /** Writes a header of 20 bytes, without options, with its checksum. */
    public static void write(
            ByteBuf packet, int offset, int totalBytes, int timeToLive, int protocol, int source, int destination) {
        write(packet, offset, 0, totalBytes, 0, timeToLive, protocol, source, destination);
    }

    /**
     * The same, with what is usually 0. It may be cut: DF is not set.
     *
     * @param identification the lower 16 bits count
     */
    public static void write(
            ByteBuf packet,
            int offset,
            int typeOfService,
            int totalBytes,
            int identification,
            int timeToLive,
            int protocol,
            int source,
            int destination) {
        packet.setShort(offset, 0x4500 | typeOfService);
        packet.setShort(offset + 2, totalBytes);
        packet.setInt(offset + 4, identification << 16);
        packet.setByte(offset + 8, timeToLive);
        packet.setByte(offset + 9, protocol);
        packet.setShort(offset + 10, 0);
        packet.setInt(offset + 12, source);
        packet.setInt(offset + 16, destination);
        updateChecksum(packet, offset);
    }
}
