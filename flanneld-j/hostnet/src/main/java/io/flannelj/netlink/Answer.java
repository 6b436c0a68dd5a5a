package io.flannelj.netlink;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One object out of the kernel's answer: a family header, and attributes by type. */
final class Answer {
    private static final int TYPE_MASK = 0x3fff;

    private final ByteBuffer header;
    private final Map<Integer, byte[]> attributes;

    private Answer(ByteBuffer header, Map<Integer, byte[]> attributes) {
        this.header = header;
        this.attributes = attributes;
    }

    /**
     * Reads a message's payload.
     *
     * @param headerBytes length of the family header in front of the attributes
     */
    static Answer of(byte[] payload, int headerBytes) {
        ByteBuffer all = ByteBuffer.wrap(payload).order(ByteOrder.nativeOrder());
        return new Answer(all, attributes(payload, headerBytes));
    }

    private static Map<Integer, byte[]> attributes(byte[] bytes, int from) {
        Map<Integer, byte[]> found = new HashMap<>();
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        int at = from;
        while (at + 4 <= bytes.length) {
            int length = buffer.getShort(at) & 0xffff;
            if (length < 4 || at + length > bytes.length) {
                break;
            }
            byte[] value = new byte[length - 4];
            buffer.get(at + 4, value);
            found.put(buffer.getShort(at + 2) & TYPE_MASK, value);
            at += length + 3 & ~3;
        }
        return found;
    }

    int u8(int offset) {
        return header.get(offset) & 0xff;
    }

    int u16(int offset) {
        return header.getShort(offset) & 0xffff;
    }

    int u32(int offset) {
        return header.getInt(offset);
    }

    byte @Nullable [] bytes(int type) {
        return attributes.get(type);
    }

    int u32Attribute(int type, int otherwise) {
        byte[] value = attributes.get(type);
        return value == null || value.length < 4
                ? otherwise
                : ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getInt();
    }

    int u8Attribute(int type, int otherwise) {
        byte[] value = attributes.get(type);
        return value == null || value.length < 1 ? otherwise : value[0] & 0xff;
    }

    String text(int type) {
        byte[] value = attributes.get(type);
        if (value == null) {
            return "";
        }
        int length = value.length > 0 && value[value.length - 1] == 0 ? value.length - 1 : value.length;
        return new String(value, 0, length, StandardCharsets.UTF_8);
    }

    @Nullable
    IpAddress address(int type) {
        byte[] value = attributes.get(type);
        return value == null || (value.length != 4 && value.length != 16) ? null : IpAddress.ofBytes(value);
    }

    /** The attributes inside one; empty when it is absent. */
    Answer nested(int type) {
        byte[] value = attributes.get(type);
        byte[] content = value == null ? new byte[0] : value;
        return new Answer(ByteBuffer.wrap(content), attributes(content, 0));
    }
}
