package io.flannelj.observe;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes a capture file in the pcapng format (draft-ietf-opsawg-pcapng): one section, interfaces, and packets with a time in
 * nanoseconds, a direction and a comment. Blocks are multiples of four bytes, the least
 * significant byte first.
 */
public final class PcapngWriter {
    /**
     * LINKTYPE_NULL: in front of each packet its address family, four bytes in the order of the section. LINKTYPE_RAW would do
     * without, but libpcap up to 1.10 refuses a file with two interfaces of it, and so does tcpdump.
     */
    public static final int LINK_TYPE = 0;

    /** Bytes in front of each packet. */
    public static final int LINK_HEADER_BYTES = 4;

    private static final int FAMILY_IPV4 = 2;
    private static final int FAMILY_IPV6 = 30; // Darwin's, which all readers know

    private static final int SECTION_HEADER = 0x0A0D0D0A;
    private static final int BYTE_ORDER_MAGIC = 0x1A2B3C4D;
    private static final int INTERFACE_DESCRIPTION = 1;
    private static final int ENHANCED_PACKET = 6;
    private static final int END_OF_OPTIONS = 0;
    private static final int COMMENT = 1;
    private static final int SECTION_APPLICATION = 4;
    private static final int INTERFACE_NAME = 2;
    private static final int INTERFACE_DESCRIPTION_TEXT = 3;
    private static final int INTERFACE_TIME_RESOLUTION = 9;
    private static final byte NANOSECONDS = 9;
    private static final int PACKET_FLAGS = 2;
    private static final int INBOUND = 1;
    private static final int OUTBOUND = 2;
    private static final int MOST_TEXT_BYTES = 4096;

    private final OutputStream out;
    private long bytes;
    private int interfaces;

    /** @param out owned by the caller, who flushes it */
    public PcapngWriter(OutputStream out) {
        this.out = out;
    }

    /** Writes the section's header; first of all. */
    public void begin(String application, String comment) throws IOException {
        byte[] body = buffer(16)
                .putInt(BYTE_ORDER_MAGIC)
                .putShort((short) 1) // version 1.0
                .putShort((short) 0)
                .putLong(-1) // the section's length is not known
                .array();
        block(SECTION_HEADER, body, options(List.of(text(COMMENT, comment), text(SECTION_APPLICATION, application))));
    }

    /**
     * Adds an interface, before its packets.
     *
     * @return its number
     */
    public int addInterface(String name, String description) throws IOException {
        byte[] body = buffer(8)
                .putShort((short) LINK_TYPE)
                .putShort((short) 0)
                .putInt(0) // no limit of a packet's length
                .array();
        block(
                INTERFACE_DESCRIPTION,
                body,
                options(List.of(
                        text(INTERFACE_NAME, name),
                        text(INTERFACE_DESCRIPTION_TEXT, description),
                        option(INTERFACE_TIME_RESOLUTION, new byte[] {NANOSECONDS}))));
        return interfaces++;
    }

    /**
     * Adds a packet.
     *
     * @param data the first bytes, from the IPv4 or IPv6 header on; at least one
     * @param length bytes that there were, of which {@code data} has the first
     * @param outwards whether it leaves by the interface
     * @param comment empty for none
     */
    public void addPacket(int number, long epochNanos, byte[] data, int length, boolean outwards, String comment)
            throws IOException {
        byte[] body = buffer(20 + padded(LINK_HEADER_BYTES + data.length))
                .putInt(number)
                .putInt((int) (epochNanos >>> 32))
                .putInt((int) epochNanos)
                .putInt(LINK_HEADER_BYTES + data.length)
                .putInt(LINK_HEADER_BYTES + length)
                .putInt((data[0] >>> 4 & 15) == 6 ? FAMILY_IPV6 : FAMILY_IPV4)
                .put(data)
                .array();
        byte[] direction = buffer(4).putInt(outwards ? OUTBOUND : INBOUND).array();
        block(
                ENHANCED_PACKET,
                body,
                options(
                        comment.isEmpty()
                                ? List.of(option(PACKET_FLAGS, direction))
                                : List.of(text(COMMENT, comment), option(PACKET_FLAGS, direction))));
    }

    /** Bytes written so far. */
    public long bytes() {
        return bytes;
    }

    private void block(int type, byte[] body, byte[] options) throws IOException {
        int total = 12 + body.length + options.length;
        out.write(buffer(total)
                .putInt(type)
                .putInt(total)
                .put(body)
                .put(options)
                .putInt(total)
                .array());
        bytes += total;
    }

    private static byte[] text(int code, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return option(code, utf8.length > MOST_TEXT_BYTES ? new byte[0] : utf8);
    }

    private static byte[] option(int code, byte[] value) {
        return buffer(4 + padded(value.length))
                .putShort((short) code)
                .putShort((short) value.length)
                .put(value)
                .array();
    }

    private static byte[] options(List<byte[]> options) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        options.forEach(all::writeBytes);
        all.writeBytes(
                buffer(4).putShort((short) END_OF_OPTIONS).putShort((short) 0).array());
        return all.toByteArray();
    }

    private static int padded(int length) {
        return length + 3 & ~3;
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
