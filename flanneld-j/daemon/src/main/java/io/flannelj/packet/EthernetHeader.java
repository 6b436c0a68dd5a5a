package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * Ethernet II header (IEEE 802.3 §3.1.1) without a VLAN tag: a view over bytes someone else owns.
 *
 * <pre>
 * |      Destination (6)      |        Source (6)       | Type (2) |
 * </pre>
 *
 * Addresses are in the lower 48 bits of a long. Never allocates; the caller has checked the bounds.
 */
public final class EthernetHeader {
    public static final int BYTES = 14;
    public static final int TYPE_IPV4 = 0x0800;
    public static final int TYPE_IPV6 = 0x86dd;

    private EthernetHeader() {}

    public static long destination(ByteBuf packet, int offset) {
        return packet.getLong(offset) >>> 16;
    }

    public static long source(ByteBuf packet, int offset) {
        return packet.getLong(offset + 6) >>> 16;
    }

    public static int type(ByteBuf packet, int offset) {
        return packet.getUnsignedShort(offset + 12);
    }

    public static void write(ByteBuf packet, int offset, long destination, long source, int type) {
        packet.setLong(offset, destination << 16 | source >>> 32);
        packet.setInt(offset + 8, (int) source);
        packet.setShort(offset + 12, type);
    }
}
