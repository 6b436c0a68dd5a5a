package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * VXLAN header, RFC 7348 §5: a view over bytes someone else owns. Eight bytes, network order.
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |R|R|R|R|I|R|R|R|            Reserved (24 bits)                 |
 * |            VNI (24 bits)                      |  Reserved (8) |
 * </pre>
 *
 * Never allocates, never moves reader or writer indices; the caller has checked the bounds.
 */
public final class VxlanHeader {
    public static final int BYTES = 8;

    private static final int FLAG_VNI_VALID = 0x0800_0000;
    private static final int GROUP_POLICY_BITS = 0x80ff_ffff;

    private VxlanHeader() {}

    /** Whether the VNI flag stands and nothing else, as the kernel's receiver demands. */
    public static boolean isPlain(ByteBuf packet, int offset) {
        return packet.getInt(offset) == FLAG_VNI_VALID && packet.getByte(offset + 7) == 0;
    }

    /** Whether besides the VNI flag there is nothing but a group policy (draft-smith-vxlan-group-policy, as in Linux). */
    public static boolean isGroupPolicy(ByteBuf packet, int offset) {
        int flags = packet.getInt(offset);
        return flags < 0 && (flags & ~GROUP_POLICY_BITS) == FLAG_VNI_VALID && packet.getByte(offset + 7) == 0;
    }

    public static int vni(ByteBuf packet, int offset) {
        return packet.getUnsignedMedium(offset + 4);
    }

    public static void write(ByteBuf packet, int offset, int vni) {
        packet.setInt(offset, FLAG_VNI_VALID).setInt(offset + 4, vni << 8);
    }
}
