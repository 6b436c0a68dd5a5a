package io.flannelj.netlink;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One object out of the kernel's answer: a family header, and attributes by type. It lies where it was received, and is
 * gone with the next message; what is taken out of it stays.
 */
final class Answer {
    private static final int TYPE_MASK = 0x3fff;
    private static final int ATTRIBUTE_HEADER_BYTES = 4;

    /** Turns an answer into what the caller wants; null when it is none of that. */
    interface Reader<T> {
        @Nullable
        T read(Answer answer);
    }

    private final ByteBuffer message;
    private final int headerAt;
    private final int attributesAt;
    private final int end;

    /**
     * @param message in native byte order
     * @param from where the family header begins
     * @param headerBytes its length; the attributes follow
     * @param end where the attributes end
     */
    Answer(ByteBuffer message, int from, int headerBytes, int end) {
        this.message = message;
        this.headerAt = from;
        this.attributesAt = from + headerBytes;
        this.end = end;
    }

    int u8(int offset) {
        return message.get(headerAt + offset) & 0xff;
    }

    int u16(int offset) {
        return message.getShort(headerAt + offset) & 0xffff;
    }

    int u32(int offset) {
        return message.getInt(headerAt + offset);
    }

    byte @Nullable [] bytes(int type) {
        int at = find(type);
        if (at < 0) {
            return null;
        }
        byte[] value = new byte[valueLength(at)];
        message.get(at + ATTRIBUTE_HEADER_BYTES, value);
        return value;
    }

    int u32Attribute(int type, int otherwise) {
        int at = find(type);
        return at < 0 || valueLength(at) < 4 ? otherwise : message.getInt(at + ATTRIBUTE_HEADER_BYTES);
    }

    /** A number within the bytes of an attribute; 0 where they are too few. */
    static int u32(byte[] value, int offset) {
        return offset + 4 > value.length
                ? 0
                : ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getInt(offset);
    }

    int u8Attribute(int type, int otherwise) {
        int at = find(type);
        return at < 0 || valueLength(at) < 1 ? otherwise : message.get(at + ATTRIBUTE_HEADER_BYTES) & 0xff;
    }

    String text(int type) {
        byte[] value = bytes(type);
        if (value == null) {
            return "";
        }
        int length = value.length > 0 && value[value.length - 1] == 0 ? value.length - 1 : value.length;
        return new String(value, 0, length, StandardCharsets.UTF_8);
    }

    @Nullable
    IpAddress address(int type) {
        byte[] value = bytes(type);
        return value == null || (value.length != 4 && value.length != 16) ? null : IpAddress.ofBytes(value);
    }

    /** The attributes inside one; none when it is absent. */
    Answer nested(int type) {
        int at = find(type);
        int from = at < 0 ? end : at + ATTRIBUTE_HEADER_BYTES;
        return new Answer(message, from, 0, at < 0 ? end : from + valueLength(at));
    }

    /**
     * The records inside one attribute, each of which begins with its own length in two bytes, as struct rtnexthop does;
     * none when it is absent.
     */
    List<Answer> records(int type, int headerBytes) {
        List<Answer> records = new ArrayList<>();
        int at = find(type);
        int next = at < 0 ? end : at + ATTRIBUTE_HEADER_BYTES;
        int recordsEnd = at < 0 ? end : next + valueLength(at);
        while (next + headerBytes <= recordsEnd) {
            int length = message.getShort(next) & 0xffff;
            if (length < headerBytes || next + length > recordsEnd) {
                break;
            }
            records.add(new Answer(message, next, headerBytes, next + length));
            next += length + 3 & ~3;
        }
        return records;
    }

    /** Where the attribute begins; -1 when there is none. Of several the last, as the kernel itself reads them. */
    private int find(int type) {
        int found = -1;
        int at = attributesAt;
        while (at + ATTRIBUTE_HEADER_BYTES <= end) {
            int length = message.getShort(at) & 0xffff;
            if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) {
                break;
            }
            if ((message.getShort(at + 2) & TYPE_MASK) == type) {
                found = at;
            }
            at += length + 3 & ~3;
        }
        return found;
    }

    private int valueLength(int at) {
        return (message.getShort(at) & 0xffff) - ATTRIBUTE_HEADER_BYTES;
    }
}
