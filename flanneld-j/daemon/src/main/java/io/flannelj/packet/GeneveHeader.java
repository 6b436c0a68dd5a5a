package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * Geneve header, RFC 8926 §3.4: a view over bytes someone else owns. Eight bytes and options, network order.
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |Ver|  Opt Len  |O|C|    Rsvd.  |          Protocol Type        |
 * |        Virtual Network Identifier (VNI)       |    Reserved   |
 * |                    Variable-Length Options                    |
 * </pre>
 *
 * Never allocates, never moves reader or writer indices; the caller has checked the bounds.
 */
public final class GeneveHeader {
    /** Length without options, in bytes. */
    public static final int MIN_BYTES = 8;

    /** The port that IANA assigned. */
    public static final int PORT = 6081;

    /** An Ethernet frame inside: what OVN and the kernel's devices speak. */
    public static final int TYPE_ETHERNET = 0x6558;

    private static final int CONTROL = 0x80;
    private static final int CRITICAL = 0x40;

    private GeneveHeader() {}

    public static int version(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset) >>> 6;
    }

    /** Length with options, in bytes: 8 to 260. */
    public static int bytes(ByteBuf packet, int offset) {
        return MIN_BYTES + (packet.getUnsignedByte(offset) & 0x3f) * 4;
    }

    /** Whether it is for the tunnel's end itself, not for what is behind it. */
    public static boolean isControl(ByteBuf packet, int offset) {
        return (packet.getByte(offset + 1) & CONTROL) != 0;
    }

    /** Whether an option must be understood by whoever reads on. */
    public static boolean hasCriticalOptions(ByteBuf packet, int offset) {
        return (packet.getByte(offset + 1) & CRITICAL) != 0;
    }

    public static int protocol(ByteBuf packet, int offset) {
        return packet.getUnsignedShort(offset + 2);
    }

    public static int vni(ByteBuf packet, int offset) {
        return packet.getUnsignedMedium(offset + 4);
    }

    /** Writes a header without options, for an Ethernet frame. */
    public static void write(ByteBuf packet, int offset, int vni) {
        packet.setInt(offset, TYPE_ETHERNET).setInt(offset + 4, vni << 8);
    }
}
