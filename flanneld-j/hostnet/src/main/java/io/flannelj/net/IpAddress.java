package io.flannelj.net;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * An IPv4 or IPv6 address: a value of 32 or 128 bits in network order, never a name to be resolved.
 *
 * <p>Texts are those of RFC 791 dotted quads and of RFC 5952 (lower case, longest run of zeros compressed), which is
 * also what Go prints, so that keys and files are the same as flannel's.
 */
public final class IpAddress implements Comparable<IpAddress> {
    public static final IpAddress ANY_V4 = ofIpv4(0);

    private final IpFamily family;
    private final long high;
    private final long low;

    private IpAddress(IpFamily family, long high, long low) {
        this.family = family;
        this.high = high;
        this.low = low;
    }

    /** An IPv4 address from its 32 bits, most significant byte first. */
    public static IpAddress ofIpv4(int bits) {
        return new IpAddress(IpFamily.IPV4, 0, Integer.toUnsignedLong(bits));
    }

    /** An IPv6 address from its 128 bits, most significant byte first. */
    public static IpAddress ofIpv6(long high, long low) {
        return new IpAddress(IpFamily.IPV6, high, low);
    }

    /**
     * An address from 4 or 16 bytes in network order.
     *
     * @throws IllegalArgumentException when there are neither 4 nor 16
     */
    public static IpAddress ofBytes(byte[] bytes) {
        if (bytes.length == 4) {
            return new IpAddress(IpFamily.IPV4, 0, bits(bytes, 0, 4));
        }
        if (bytes.length == 16) {
            return new IpAddress(IpFamily.IPV6, bits(bytes, 0, 8), bits(bytes, 8, 16));
        }
        throw new IllegalArgumentException("an IP address has 4 or 16 bytes, not " + bytes.length);
    }

    /**
     * Reads a dotted quad or an IPv6 text. Never asks a resolver; leading zeros in a quad are refused.
     *
     * @throws IllegalArgumentException naming the text
     */
    public static IpAddress parse(String text) {
        return text.indexOf(':') >= 0 ? parseIpv6(text) : parseIpv4(text);
    }

    public IpFamily family() {
        return family;
    }

    public boolean isIpv4() {
        return family == IpFamily.IPV4;
    }

    public boolean isIpv6() {
        return family == IpFamily.IPV6;
    }

    /**
     * The 32 bits of an IPv4 address.
     *
     * @throws IllegalStateException on an IPv6 address
     */
    public int ipv4Bits() {
        if (isIpv6()) {
            throw new IllegalStateException(this + " is not an IPv4 address");
        }
        return (int) low;
    }

    /** The upper 64 bits of an IPv6 address; 0 on IPv4. */
    public long highBits() {
        return high;
    }

    /** The lower 64 bits; on IPv4 the address itself. */
    public long lowBits() {
        return low;
    }

    /** 4 or 16 bytes in network order. */
    public byte[] toBytes() {
        byte[] bytes = new byte[family.bits() / 8];
        for (int i = 0; i < bytes.length; i++) {
            int shift = 8 * (bytes.length - 1 - i);
            bytes[i] = (byte) (shift >= 64 ? high >>> (shift - 64) : low >>> shift);
        }
        return bytes;
    }

    /**
     * This address plus {@code step}, which wraps around at the end of the family's range.
     *
     * @param step addresses to go forward (or back, when negative)
     */
    public IpAddress plus(long step) {
        if (isIpv4()) {
            return ofIpv4((int) (low + step));
        }
        long newLow = low + step;
        long carry = step >= 0
                ? (Long.compareUnsigned(newLow, low) < 0 ? 1 : 0)
                : (Long.compareUnsigned(newLow, low) > 0 ? -1 : 0);
        return ofIpv6(high + carry, newLow);
    }

    /** This address with all but the first {@code length} bits cleared. */
    public IpAddress masked(int length) {
        if (isIpv4()) {
            return ofIpv4(length == 0 ? 0 : (int) low & -1 << (32 - length));
        }
        long highMask = length == 0 ? 0 : length >= 64 ? -1L : -1L << (64 - length);
        long lowMask = length <= 64 ? 0 : -1L << (128 - length);
        return ofIpv6(high & highMask, low & lowMask);
    }

    /** {@code 10.5.1.2:80} or {@code [fd00::2]:80}. */
    public String withPort(int port) {
        return (isIpv4() ? this : "[" + this + "]") + ":" + port;
    }

    /** 0.0.0.0 or ::. */
    public boolean isUnspecified() {
        return high == 0 && low == 0;
    }

    /** 127.0.0.0/8 or ::1. */
    public boolean isLoopback() {
        return isIpv6() ? high == 0 && low == 1 : low >>> 24 == 127;
    }

    /** 169.254.0.0/16 or fe80::/10. */
    public boolean isLinkLocal() {
        return isIpv6() ? high >>> 54 == 0xfe80 >>> 6 : low >>> 16 == 0xa9fe;
    }

    /** 224.0.0.0/4 or ff00::/8. */
    public boolean isMulticast() {
        return isIpv6() ? high >>> 56 == 0xff : low >>> 28 == 0xe;
    }

    @Override
    public int compareTo(IpAddress other) {
        if (family != other.family) {
            return family.compareTo(other.family);
        }
        int byHigh = Long.compareUnsigned(high, other.high);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof IpAddress that && family == that.family && high == that.high && low == that.low;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(high * 31 + low) + (isIpv6() ? 1 : 0);
    }

    @Override
    public String toString() {
        if (isIpv4()) {
            return (low >>> 24) + "." + (low >>> 16 & 255) + "." + (low >>> 8 & 255) + "." + (low & 255);
        }
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (int) ((i < 4 ? high >>> (48 - 16 * i) : low >>> (112 - 16 * i)) & 0xffff);
        }
        int runStart = -1;
        int runLength = 1; // a single zero group is not compressed, RFC 5952 section 4.2.2
        for (int i = 0; i < 8; i++) {
            int length = 0;
            while (i + length < 8 && groups[i + length] == 0) {
                length++;
            }
            if (length > runLength) {
                runStart = i;
                runLength = length;
            }
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            if (i == runStart) {
                text.append("::");
                i += runLength - 1;
                continue;
            }
            if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
                text.append(':');
            }
            text.append(Integer.toHexString(groups[i]));
        }
        return text.toString();
    }

    private static long bits(byte[] bytes, int from, int to) {
        long bits = 0;
        for (int i = from; i < to; i++) {
            bits = bits << 8 | bytes[i] & 0xff;
        }
        return bits;
    }

    private static IpAddress parseIpv4(String text) {
        String[] parts = text.split("\\.", -1);
        long bits = 0;
        boolean good = parts.length == 4;
        for (int i = 0; good && i < 4; i++) {
            String part = parts[i];
            good = !part.isEmpty()
                    && part.length() <= 3
                    && part.chars().allMatch(c -> c >= '0' && c <= '9')
                    && (part.length() == 1 || part.charAt(0) != '0')
                    && Integer.parseInt(part) <= 255;
            if (good) {
                bits = bits << 8 | Integer.parseInt(part);
            }
        }
        if (!good) {
            throw new IllegalArgumentException("not an IP address: \"" + text + "\"");
        }
        return ofIpv4((int) bits);
    }

    private static IpAddress parseIpv6(String text) {
        boolean characters = text.chars().allMatch(c -> Character.digit(c, 16) >= 0 && c < 128 || c == ':' || c == '.');
        if (characters) {
            try {
                byte[] bytes = InetAddress.getByName(text).getAddress();
                // Java hands back four bytes for an IPv4-mapped address; keep it the IPv6 address it was written as.
                if (bytes.length == 4) {
                    byte[] mapped = new byte[16];
                    Arrays.fill(mapped, 10, 12, (byte) 0xff);
                    System.arraycopy(bytes, 0, mapped, 12, 4);
                    return ofBytes(mapped);
                }
                return ofBytes(bytes);
            } catch (UnknownHostException e) {
                throw new IllegalArgumentException("not an IP address: \"" + text + "\"", e);
            }
        }
        throw new IllegalArgumentException("not an IP address: \"" + text + "\"");
    }
}
