package io.flannelj.packet;

import io.netty.buffer.ByteBuf;

/**
 * The header a TUN device with IFF_VNET_HDR puts in front of each packet: {@code struct virtio_net_hdr}, Virtio 1.2
 * §5.1.6, ten bytes, in the machine's own order, which is little-endian on every machine we are built for.
 *
 * <pre>
 * | flags (1) | gso_type (1) | hdr_len (2) | gso_size (2) | csum_start (2) | csum_offset (2) |
 * </pre>
 *
 * Offsets count from the packet behind it. Never allocates; the caller has checked the bounds.
 */
public final class VirtioNetHeader {
    public static final int BYTES = 10;

    public static final int GSO_NONE = 0;
    public static final int GSO_TCPV4 = 1;
    public static final int GSO_TCPV6 = 4;
    public static final int GSO_UDP_L4 = 5;
    private static final int GSO_ECN = 0x80;
    private static final int NEEDS_CHECKSUM = 1;

    private VirtioNetHeader() {}

    /** Whether the transport checksum holds only the pseudo header's sum and must be completed. */
    public static boolean needsChecksum(ByteBuf header, int offset) {
        return (header.getByte(offset) & NEEDS_CHECKSUM) != 0;
    }

    /** One of the {@code GSO_} values, without the ECN bit. */
    public static int gsoType(ByteBuf header, int offset) {
        return header.getUnsignedByte(offset + 1) & ~GSO_ECN;
    }

    /** Transport payload of each segment, in bytes. */
    public static int gsoSize(ByteBuf header, int offset) {
        return header.getUnsignedShortLE(offset + 4);
    }

    /** Where the sum begins. */
    public static int checksumStart(ByteBuf header, int offset) {
        return header.getUnsignedShortLE(offset + 6);
    }

    /** Where the sum goes, from its beginning. */
    public static int checksumOffset(ByteBuf header, int offset) {
        return header.getUnsignedShortLE(offset + 8);
    }

    /** An ordinary packet, complete as it stands. */
    public static void writePlain(ByteBuf header, int offset) {
        header.setLong(offset, 0);
        header.setShort(offset + 8, 0);
    }

    /** An ordinary packet whose transport checksum the kernel shall complete. */
    public static void writePartial(ByteBuf header, int offset, int checksumStart, int checksumOffset) {
        writeSuper(header, offset, GSO_NONE, 0, 0, checksumStart, checksumOffset);
    }

    /**
     * A super-packet, to be cut into segments where that becomes necessary.
     *
     * @param headerBytes IP and transport header together
     * @param gsoSize transport payload of each segment but the last
     */
    public static void writeSuper(
            ByteBuf header,
            int offset,
            int gsoType,
            int headerBytes,
            int gsoSize,
            int checksumStart,
            int checksumOffset) {
        header.setByte(offset, NEEDS_CHECKSUM);
        header.setByte(offset + 1, gsoType);
        header.setShortLE(offset + 2, headerBytes);
        header.setShortLE(offset + 4, gsoSize);
        header.setShortLE(offset + 6, checksumStart);
        header.setShortLE(offset + 8, checksumOffset);
    }
}
