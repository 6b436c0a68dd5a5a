package io.flannelj.packet;

import io.flannelj.net.IpAddress;
import io.netty.buffer.ByteBuf;

/** Errors about IPv6 packets, RFC 4443, which quote as much of the packet as the smallest MTU leaves room for (§2.4 (c)). */
public final class Icmpv6Error implements IcmpError {
    public static final int TYPE_UNREACHABLE = 1;
    public static final int TYPE_PACKET_TOO_BIG = 2;
    public static final int CODE_NO_ROUTE = 0;

    private static final Ipv6Header IP = Ipv6Header.CODEC;
    private static final int HEADER_BYTES = 8;
    private static final int HOP_LIMIT = 64;
    private static final int REDIRECT = 137;

    Icmpv6Error() {}

    /**
     * RFC 4443 §2.4 (e): not an ICMPv6 error or redirect, not one to a multicast address (unless it is too big), not one from
     * an address that is none.
     */
    @Override
    public boolean mayAnswer(ByteBuf packet, int offset, int length, Reason reason) {
        long sourceHigh = IP.sourceHigh(packet, offset);
        boolean sourceIsNone = sourceHigh == 0 && IP.sourceLow(packet, offset) == 0;
        if (sourceIsNone || sourceHigh >>> 56 == 0xff || isToMany(packet, offset) && reason != Reason.TOO_BIG) {
            return false;
        }
        int upper = IP.upperLayer(packet, offset, length);
        if (IpHeader.protocol(upper) != Ipv6Header.PROTOCOL_ICMPV6) {
            return true;
        }
        int at = IpHeader.headerBytes(upper);
        int icmpType = at < length ? packet.getUnsignedByte(offset + at) : 0;
        return icmpType >= 128 && icmpType != REDIRECT;
    }

    private static boolean isToMany(ByteBuf packet, int offset) {
        return IP.destinationHigh(packet, offset) >>> 56 == 0xff;
    }

    @Override
    public int write(
            ByteBuf answer,
            int at,
            Reason reason,
            int mtuBytes,
            IpAddress ours,
            ByteBuf packet,
            int offset,
            int length) {
        boolean toMany = isToMany(packet, offset);
        boolean tooBig = reason == Reason.TOO_BIG;
        int quoted = Math.min(length, MAX_BYTES - Ipv6Header.BYTES - HEADER_BYTES);
        int icmpBytes = HEADER_BYTES + quoted;
        int icmp = at + Ipv6Header.BYTES;
        Ipv6Header.write(
                answer,
                at,
                icmpBytes,
                HOP_LIMIT,
                Ipv6Header.PROTOCOL_ICMPV6,
                toMany ? ours.highBits() : IP.destinationHigh(packet, offset),
                toMany ? ours.lowBits() : IP.destinationLow(packet, offset),
                IP.sourceHigh(packet, offset),
                IP.sourceLow(packet, offset));
        answer.setByte(icmp, tooBig ? TYPE_PACKET_TOO_BIG : TYPE_UNREACHABLE);
        answer.setByte(icmp + 1, CODE_NO_ROUTE); // 0 is the only code of packet-too-big as well
        answer.setShort(icmp + 2, 0);
        answer.setInt(icmp + 4, tooBig ? mtuBytes : 0);
        answer.setBytes(icmp + HEADER_BYTES, packet, offset, quoted);
        long sum = IP.pseudoHeaderSum(answer, at, Ipv6Header.PROTOCOL_ICMPV6, icmpBytes);
        InternetChecksum.store(answer, icmp + 2, InternetChecksum.add(sum, answer, icmp, icmpBytes));
        return Ipv6Header.BYTES + icmpBytes;
    }
}
