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

    /** Header and payload, in bytes. */
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

    /** Writes a header whose checksum is still missing. */
    public static void write(ByteBuf packet, int offset, int sourcePort, int destinationPort, int totalBytes) {
        packet.setShort(offset, sourcePort);
        packet.setShort(offset + 2, destinationPort);
        packet.setShort(offset + 4, totalBytes);
        packet.setShort(offset + CHECKSUM_OFFSET, 0);
    }
}
