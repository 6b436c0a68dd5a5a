package io.flannelj.packet;

import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBuf;

/**
 * The header in front of a packet in a UDP tunnel that the kernel cuts whole, outer headers included: {@code struct
 * virtio_net_hdr_v1_hash_tunnel}, Virtio 1.4 §5.1.6, Linux 6.17; 24 bytes, little-endian.
 *
 * <pre>
 * | as {@link VirtioNetHeader} (10) | buffers (2) | hash (4) | hash type (2) | padding (2) | outer UDP (2) | inner IP (2) |
 * </pre>
 *
 * Offsets count from the Ethernet header behind it. Type, segment size and checksum are those of the inner packet. Never
 * allocates; the caller has checked the bounds.
 */
public final class VirtioTunnelHeader {
    public static final int BYTES = 24;

    private static final int NEEDS_CHECKSUM = 1;
    private static final int OUTER_CHECKSUM = 8;
    private static final int TUNNEL_OVER_IPV4 = 0x20;
    private static final int TUNNEL_OVER_IPV6 = 0x40;
    private static final int OUTER_UDP_AT = 20;
    private static final int INNER_IP_AT = 22;

    private VirtioTunnelHeader() {}

    /**
     * Writes it for a super-packet. The kernel completes the inner transport checksum and that of the outer UDP header, both of
     * which hold the sums of their pseudo headers.
     *
     * @param outer family of the outer addresses
     * @param innerGsoType one of {@link VirtioNetHeader}'s, of what is inside
     * @param gsoSize transport payload of each segment but the last
     * @param outerUdpAt where the outer UDP header begins
     * @param innerIpAt where the inner IP header begins
     * @param innerTransportAt where the inner transport header begins
     * @param innerPayloadAt where its payload begins
     * @param checksumOffset of the inner transport header's checksum, from its beginning
     */
    public static void write(
            ByteBuf header,
            int offset,
            IpFamily outer,
            int innerGsoType,
            int gsoSize,
            int outerUdpAt,
            int innerIpAt,
            int innerTransportAt,
            int innerPayloadAt,
            int checksumOffset) {
        int tunnel = outer == IpFamily.IPV4 ? TUNNEL_OVER_IPV4 : TUNNEL_OVER_IPV6;
        VirtioNetHeader.writeSuper(
                header, offset, innerGsoType | tunnel, innerPayloadAt, gsoSize, innerTransportAt, checksumOffset);
        header.setByte(offset, NEEDS_CHECKSUM | OUTER_CHECKSUM);
        header.setShort(offset + VirtioNetHeader.BYTES, 0);
        header.setLong(offset + 12, 0);
        header.setShortLE(offset + OUTER_UDP_AT, outerUdpAt);
        header.setShortLE(offset + INNER_IP_AT, innerIpAt);
    }
}
