package io.flannelj.netlink;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * One rtnetlink request under construction: {@code struct nlmsghdr}, a family header, and attributes, which may nest
 * (netlink(7), rtnetlink(7)). Everything is padded to four bytes; numbers are in the machine's order.
 */
final class Request {
    static final int FLAG_REQUEST = 0x1;
    static final int FLAG_ACK = 0x4;
    static final int FLAG_DUMP = 0x300;
    static final int FLAG_REPLACE = 0x100;
    static final int FLAG_EXCL = 0x200;
    static final int FLAG_CREATE = 0x400;
    static final int FLAG_APPEND = 0x800;
    static final int AF_BRIDGE = 7;
    private static final int NESTED = 0x8000;
    static final int MAX_BYTES = 4096;

    private static final int KIND = 3; // rtnetlink's types go by fours: new, delete, get, set
    private static final int KIND_GET = 2;

    private final ByteBuffer buffer = ByteBuffer.allocate(MAX_BYTES).order(ByteOrder.nativeOrder());
    private final boolean acknowledged;

    Request(int type, int flags) {
        this.acknowledged = (type & KIND) != KIND_GET;
        buffer.putInt(0).putShort((short) type).putShort((short)
                (flags | FLAG_REQUEST | (acknowledged ? FLAG_ACK : 0)));
        buffer.putInt(0).putInt(0);
    }

    /** Whether an acknowledgement ends the answer; otherwise its object does. */
    boolean isAcknowledged() {
        return acknowledged;
    }

    Request u8(int value) {
        buffer.put((byte) value);
        return this;
    }

    Request u16(int value) {
        buffer.putShort((short) value);
        return this;
    }

    Request u32(int value) {
        buffer.putInt(value);
        return this;
    }

    Request attribute(int type, byte[] value) {
        buffer.putShort((short) (4 + value.length)).putShort((short) type).put(value);
        pad();
        return this;
    }

    Request attribute(int type, String text) {
        return attribute(type, (text + "\0").getBytes(StandardCharsets.UTF_8));
    }

    Request attribute(int type, IpAddress address) {
        return attribute(type, address.toBytes());
    }

    Request attributeU32(int type, int value) {
        buffer.putShort((short) 8).putShort((short) type).putInt(value);
        return this;
    }

    /** A structure of numbers of four bytes. */
    Request attributeU32s(int type, int... values) {
        buffer.putShort((short) (4 + 4 * values.length)).putShort((short) type);
        for (int value : values) {
            buffer.putInt(value);
        }
        return this;
    }

    Request attributeU8(int type, int value) {
        return attribute(type, new byte[] {(byte) value});
    }

    /** A port in network order, whatever the machine. */
    Request attributePort(int type, int port) {
        return attribute(type, new byte[] {(byte) (port >>> 8), (byte) port});
    }

    /** Everything that {@code content} adds stands inside one attribute. */
    Request nested(int type, Runnable content) {
        int start = buffer.position();
        buffer.putShort((short) 0).putShort((short) (type | NESTED));
        content.run();
        buffer.putShort(start, (short) (buffer.position() - start));
        pad();
        return this;
    }

    private void pad() {
        while (buffer.position() % 4 != 0) {
            buffer.put((byte) 0);
        }
    }

    /** Writes the finished message, ready to be sent; may be asked for again with another number. */
    void finish(int sequence, ByteBuffer into) {
        buffer.putInt(0, buffer.position()).putInt(8, sequence);
        into.clear();
        into.put(buffer.array(), 0, buffer.position()).flip();
    }
}
