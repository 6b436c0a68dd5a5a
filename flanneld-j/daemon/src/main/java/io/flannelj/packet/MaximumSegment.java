package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * The maximum segment size that a TCP SYN announces (RFC 9293 §3.7.1), limited to what a path takes, so that a connection need
 * not find that out by losing packets. What limits it is the MTU less headers without options (RFC 6691).
 *
 * <p>Never allocates; the caller has read the packet's upper layer, which is TCP.
 */
public final class MaximumSegment {
    private static final int SYN = 0x02;
    private static final int END = 0;
    private static final int PADDING = 1;
    private static final int MAXIMUM_SEGMENT = 2;
    private static final int OPTION_BYTES = 4;

    private MaximumSegment() {}

    /**
     * Limits the size that a packet announces, if it is a SYN that announces a larger one.
     *
     * @param length bytes of the whole packet
     * @param partial whether the checksum field holds the pseudo header's sum alone, for the kernel or the card to complete
     */
    public static void clamp(
            ByteBuf packet, int offset, int length, IpHeader ip, int upper, int mtuBytes, boolean partial) {
        int tcp = offset + IpHeader.headerBytes(upper);
        int end = offset + length;
        if (tcp + TcpHeader.MIN_BYTES > end || (TcpHeader.flags(packet, tcp) & SYN) == 0) {
            return;
        }
        end = Math.min(end, tcp + TcpHeader.headerBytes(packet, tcp));
        int at = tcp + TcpHeader.MIN_BYTES;
        while (at < end) {
            int kind = packet.getUnsignedByte(at);
            int bytes = kind == PADDING ? 1 : at + 1 < end ? packet.getUnsignedByte(at + 1) : 0;
            if (kind == END || bytes < 1 || kind != PADDING && bytes < 2 || at + bytes > end) {
                return;
            }
            if (kind == MAXIMUM_SEGMENT && bytes == OPTION_BYTES) {
                int most = mtuBytes - ip.minBytes() - TcpHeader.MIN_BYTES;
                limit(packet, tcp, at + 2, most, partial);
                return;
            }
            at += bytes;
        }
    }

    private static void limit(ByteBuf packet, int tcp, int at, int most, boolean partial) {
        int before = packet.getUnsignedShort(at);
        if (before <= most) {
            return;
        }
        packet.setShort(at, most);
        if (!partial) {
            boolean odd = (at - tcp & 1) != 0; // the sum has its bytes the other way round
            mend(packet, tcp + TcpHeader.CHECKSUM_OFFSET, odd ? swap(before) : before, odd ? swap(most) : most);
        }
    }

    /** RFC 1624, equation 3. */
    private static void mend(ByteBuf packet, int field, int before, int after) {
        int sum = (~packet.getUnsignedShort(field) & 0xffff) + (~before & 0xffff) + after;
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = (sum & 0xffff) + (sum >>> 16);
        packet.setShort(field, ~sum);
    }

    private static int swap(int word) {
        return (word & 0xff) << 8 | word >>> 8;
    }

    /** Whether a packet's checksum field holds the pseudo header's sum alone, as a kernel leaves it for a card to complete. */
    public static boolean isPartial(ByteBuf packet, int offset, int length, IpHeader ip, int upper) {
        int tcp = IpHeader.headerBytes(upper);
        if (tcp + TcpHeader.MIN_BYTES > length) {
            return false;
        }
        int sum = InternetChecksum.fold(ip.pseudoHeaderSum(packet, offset, Ipv4Header.PROTOCOL_TCP, length - tcp));
        return packet.getUnsignedShortLE(offset + tcp + TcpHeader.CHECKSUM_OFFSET) == sum;
    }
}
