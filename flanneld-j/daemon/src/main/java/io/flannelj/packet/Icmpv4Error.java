package io.flannelj.packet;

import io.flannelj.net.IpAddress;
import io.netty.buffer.ByteBuf;

/**
 * Errors about IPv4 packets, RFC 792 and RFC 1191, as flannel's udp backend writes them: time to live 8, no identification, the
 * quoted packet's header and first eight bytes.
 */
public final class Icmpv4Error implements IcmpError {
    public static final int TYPE_UNREACHABLE = 3;
    public static final int CODE_NET_UNREACHABLE = 0;
    public static final int CODE_FRAGMENTATION_NEEDED = 4;

    private static final int HEADER_BYTES = 8;
    private static final int TIME_TO_LIVE = 8;

    Icmpv4Error() {}

    /** RFC 1122 §3.2.2: not an ICMP error, a later fragment, multicast or an unspecified source. */
    @Override
    public boolean mayAnswer(ByteBuf packet, int offset, int length, Reason reason) {
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
        if (length <= header) {
            return false;
        }
        int type = packet.getUnsignedByte(offset + header);
        return type == 0 || type == 8; // echo and its reply are no errors
    }

    /** {@inheritDoc} As those of the kernel's tunnels (net/ipv4/ip_tunnel_core.c, iptunnel_pmtud_build_icmp). */
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
        int quoted = Math.min(length, Ipv4Header.headerBytes(packet, offset) + 8);
        int bytes = Ipv4Header.MIN_BYTES + HEADER_BYTES + quoted;
        int icmp = at + Ipv4Header.MIN_BYTES;
        int from = Ipv4Header.destination(packet, offset);
        int to = Ipv4Header.source(packet, offset);
        answer.setByte(icmp, TYPE_UNREACHABLE);
        answer.setByte(icmp + 1, reason == Reason.TOO_BIG ? CODE_FRAGMENTATION_NEEDED : CODE_NET_UNREACHABLE);
        answer.setShort(icmp + 2, 0);
        answer.setShort(icmp + 4, 0);
        answer.setShort(icmp + 6, reason == Reason.TOO_BIG ? mtuBytes : 0);
        answer.setBytes(icmp + HEADER_BYTES, packet, offset, quoted);
        InternetChecksum.store(answer, icmp + 2, InternetChecksum.add(0, answer, icmp, HEADER_BYTES + quoted));
        Ipv4Header.write(answer, at, bytes, TIME_TO_LIVE, Ipv4Header.PROTOCOL_ICMP, from, to);
        return bytes;
    }
}
