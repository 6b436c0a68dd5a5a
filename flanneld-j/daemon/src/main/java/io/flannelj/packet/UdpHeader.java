package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * UDP header, RFC 768: a view over bytes someone else owns.
 *
 * <pre>
 * |          Source Port          |       Destination Port        |
 * |            Length             |           Checksum            |
 * </pre>
 *
 * Never allocates, never moves reader or writer indices; the caller has checked the bounds.
 */
public final class UdpHeader {
    public static final int BYTES = 8;
    public static final int CHECKSUM_OFFSET = 6;

    private UdpHeader() {}

    /** Header and payload, in octets. */
    public static int totalBytes(ByteBuf packet, int offset) {
        return packet.getUnsignedShort(offset + 4);
    }

    /** Whether the sender computed a checksum; over IPv4 it need not. */
    public static boolean hasChecksum(ByteBuf packet, int offset) {
        return packet.getShort(offset + CHECKSUM_OFFSET) != 0;
    }

    public static void setTotalBytes(ByteBuf packet, int offset, int bytes) {
        packet.setShort(offset + 4, bytes);
    }
}
