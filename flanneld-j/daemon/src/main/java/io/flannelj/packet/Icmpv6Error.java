package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * ICMPv6 errors, RFC 4443: writes the whole answer, IP header included, quoting as much of the packet as the smallest
 * MTU leaves room for.
 */
public final class Icmpv6Error {
    public static final int TYPE_UNREACHABLE = 1;
    public static final int TYPE_PACKET_TOO_BIG = 2;
    public static final int CODE_NO_ROUTE = 0;

    /** What an answer takes at most, RFC 4443 §2.4 (c). */
    public static final int MAX_BYTES = Ipv6Header.MIN_MTU_BYTES;

    private static final int HEADER_BYTES = 8;
    private static final int HOP_LIMIT = 64;
    private static final int REDIRECT = 137;

    private Icmpv6Error() {}

    /**
     * Whether a packet may be answered at all, RFC 4443 §2.4 (e): not an ICMPv6 error or redirect, not one to a multicast
     * address (unless it is too big), not one from an address that is none.
     */
    public static boolean mayAnswer(ByteBuf packet, int offset, int length, int type) {
        long sourceHigh = Ipv6Header.sourceHigh(packet, offset);
        boolean sourceIsNone = sourceHigh == 0 && Ipv6Header.sourceLow(packet, offset) == 0;
        boolean toMany = Ipv6Header.destinationHigh(packet, offset) >>> 56 == 0xff;
        if (sourceIsNone || sourceHigh >>> 56 == 0xff || toMany && type != TYPE_PACKET_TOO_BIG) {
            return false;
        }
        int upper = Ipv6Header.upperLayer(packet, offset, length);
        if (IpHeader.protocol(upper) != Ipv6Header.PROTOCOL_ICMPV6) {
            return true;
        }
        int at = IpHeader.headerBytes(upper);
        int icmpType = at < length ? packet.getUnsignedByte(offset + at) : 0;
        return icmpType >= 128 && icmpType != REDIRECT;
    }

    /**
     * Writes the answer to {@code packet}.
     *
     * @param length octets of the packet
     * @param mtuBytes for {@link #TYPE_PACKET_TOO_BIG}, else 0
     * @return octets written, at most {@link #MAX_BYTES}
     */
    public static int write(
            ByteBuf answer,
            int at,
            int type,
            int mtuBytes,
            long fromHigh,
            long fromLow,
            ByteBuf packet,
            int offset,
            int length) {
        int quoted = Math.min(length, MAX_BYTES - Ipv6Header.BYTES - HEADER_BYTES);
        int icmpBytes = HEADER_BYTES + quoted;
        int icmp = at + Ipv6Header.BYTES;
        Ipv6Header.write(
                answer,
                at,
                icmpBytes,
                HOP_LIMIT,
                Ipv6Header.PROTOCOL_ICMPV6,
                fromHigh,
                fromLow,
                Ipv6Header.sourceHigh(packet, offset),
                Ipv6Header.sourceLow(packet, offset));
        answer.setByte(icmp, type);
        answer.setByte(icmp + 1, CODE_NO_ROUTE); // 0 is the only code of packet-too-big as well
        answer.setShort(icmp + 2, 0);
        answer.setInt(icmp + 4, mtuBytes);
        answer.setBytes(icmp + HEADER_BYTES, packet, offset, quoted);
        long sum = Ipv6Header.pseudoHeaderSum(answer, at, Ipv6Header.PROTOCOL_ICMPV6, icmpBytes);
        InternetChecksum.store(answer, icmp + 2, InternetChecksum.add(sum, answer, icmp, icmpBytes));
        return Ipv6Header.BYTES + icmpBytes;
    }
}
