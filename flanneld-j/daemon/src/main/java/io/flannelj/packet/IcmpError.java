package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * ICMP errors about IPv4 packets, RFC 792 and RFC 1191: writes the whole answer, IP header included.
 *
 * <p>As flannel's udp backend answers: time to live 8, no identification, the quoted packet's header and first eight
 * octets.
 */
public final class IcmpError {
    public static final int TYPE_UNREACHABLE = 3;
    public static final int CODE_NET_UNREACHABLE = 0;
    public static final int CODE_FRAGMENTATION_NEEDED = 4;

    /** What an answer takes at most: two IP headers of 60 octets would be 136; ours has no options. */
    public static final int MAX_BYTES = 20 + 8 + 60 + 8;

    private static final int HEADER_BYTES = 8;
    private static final int TIME_TO_LIVE = 8;

    private IcmpError() {}

    /**
     * Whether a packet may be answered at all, RFC 1122 §3.2.2: not an ICMP error, a later fragment, multicast or an
     * unspecified source.
     */
    public static boolean mayAnswer(ByteBuf packet, int offset) {
        int source = Ipv4Header.source(packet, offset);
        int destination = Ipv4Header.destination(packet, offset);
        if (Ipv4Header.isLaterFragment(packet, offset)
                || source == 0
                || source >>> 28 == 0xe
                || destination >>> 28 == 0xe) {
            return false;
        }
        if (Ipv4Header.protocol(packet, offset) != Ipv4Header.PROTOCOL_ICMP) {
            return true;
        }
        int header = Ipv4Header.headerBytes(packet, offset);
        if (Ipv4Header.totalBytes(packet, offset) <= header) {
            return false;
        }
        int type = packet.getUnsignedByte(offset + header);
        return type == 0 || type == 8; // echo and its reply are no errors
    }

    /**
     * Writes the answer to {@code packet}.
     *
     * @param nextHopMtuBytes for {@link #CODE_FRAGMENTATION_NEEDED}, else 0
     * @param from the address that answers
     * @return octets written, at most {@link #MAX_BYTES}
     */
    public static int write(
            ByteBuf answer, int at, int code, int nextHopMtuBytes, int from, ByteBuf packet, int offset) {
        int total = Ipv4Header.totalBytes(packet, offset);
        int quoted = Math.min(total, Ipv4Header.headerBytes(packet, offset) + 8);
        int bytes = Ipv4Header.MIN_BYTES + HEADER_BYTES + quoted;
        int icmp = at + Ipv4Header.MIN_BYTES;
        answer.setByte(icmp, TYPE_UNREACHABLE);
        answer.setByte(icmp + 1, code);
        answer.setShort(icmp + 2, 0);
        answer.setShort(icmp + 4, 0);
        answer.setShort(icmp + 6, nextHopMtuBytes);
        answer.setBytes(icmp + HEADER_BYTES, packet, offset, quoted);
        InternetChecksum.store(answer, icmp + 2, InternetChecksum.add(0, answer, icmp, HEADER_BYTES + quoted));
        Ipv4Header.write(
                answer, at, bytes, TIME_TO_LIVE, Ipv4Header.PROTOCOL_ICMP, from, Ipv4Header.source(packet, offset));
        return bytes;
    }
}
