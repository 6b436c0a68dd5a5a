package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * TCP header, RFC 9293 §3.1: a view over bytes someone else owns.
 *
 * <pre>
 * |          Source Port          |       Destination Port        |
 * |                        Sequence Number                        |
 * |                    Acknowledgment Number                      |
 * | Offset| Rsrvd |C|E|U|A|P|R|S|F|            Window             |
 * |           Checksum            |         Urgent Pointer        |
 * |                           [Options]                           |
 * </pre>
 *
 * Never allocates, never moves reader or writer indices; the caller has checked the bounds.
 */
public final class TcpHeader {
    public static final int MIN_BYTES = 20;
    public static final int CHECKSUM_OFFSET = 16;

    public static final int FIN = 0x01;
    public static final int PSH = 0x08;
    public static final int ACK = 0x10;
    public static final int CWR = 0x80;

    private TcpHeader() {}

    public static int sequence(ByteBuf packet, int offset) {
        return packet.getInt(offset + 4);
    }

    public static int acknowledgment(ByteBuf packet, int offset) {
        return packet.getInt(offset + 8);
    }

    /** Header length with options, in bytes: 0 to 60; less than 20 is malformed. */
    public static int headerBytes(ByteBuf packet, int offset) {
        return (packet.getByte(offset + 12) & 0xf0) >>> 2;
    }

    public static int flags(ByteBuf packet, int offset) {
        return packet.getUnsignedByte(offset + 13);
    }

    public static int window(ByteBuf packet, int offset) {
        return packet.getUnsignedShort(offset + 14);
    }

    public static void setSequence(ByteBuf packet, int offset, int sequence) {
        packet.setInt(offset + 4, sequence);
    }

    public static void setFlags(ByteBuf packet, int offset, int flags) {
        packet.setByte(offset + 13, flags);
    }
}
