package io.flannelj.net;

import java.util.HexFormat;
import java.util.random.RandomGenerator;

/**
 * A 48-bit Ethernet address (IEEE 802).
 *
 * @param bits the address in the lower 48 bits, first byte most significant
 */
public record MacAddress(long bits) {
    private static final HexFormat COLONS = HexFormat.ofDelimiter(":");

    public MacAddress {
        if (bits >>> 48 != 0) {
            throw new IllegalArgumentException("a MAC address has 48 bits, was 0x" + Long.toHexString(bits));
        }
    }

    /**
     * Reads {@code aa:bb:cc:dd:ee:ff}.
     *
     * @throws IllegalArgumentException naming the text
     */
    public static MacAddress parse(String text) {
        try {
            return ofBytes(COLONS.parseHex(text));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("not a MAC address: \"" + text + "\"", e);
        }
    }

    /**
     * From 6 bytes.
     *
     * @throws IllegalArgumentException when there are not 6
     */
    public static MacAddress ofBytes(byte[] bytes) {
        if (bytes.length != 6) {
            throw new IllegalArgumentException("a MAC address has 6 bytes, not " + bytes.length);
        }
        long bits = 0;
        for (byte value : bytes) {
            bits = bits << 8 | value & 0xff;
        }
        return new MacAddress(bits);
    }

    /** A random unicast address from the locally administered range, as flannel makes for its VTEPs. */
    public static MacAddress randomLocal(RandomGenerator random) {
        return new MacAddress(random.nextLong() >>> 16 & ~(1L << 40) | 2L << 40);
    }

    /** Whether one station can have it: neither all zeros, nor the address of a group (IEEE 802 section 8.2). */
    public boolean isUnicast() {
        return bits != 0 && (bits >>> 40 & 1) == 0;
    }

    /** 6 bytes. */
    public byte[] toBytes() {
        byte[] bytes = new byte[6];
        for (int i = 0; i < 6; i++) {
            bytes[i] = (byte) (bits >>> (40 - 8 * i));
        }
        return bytes;
    }

    @Override
    public String toString() {
        return COLONS.formatHex(toBytes());
    }
}
