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

    private final boolean v6;
    private final long high;
    private final long low;

    private IpAddress(boolean v6, long high, long low) {
        this.v6 = v6;
        this.high = high;
        this.low = low;
    }

    /** An IPv4 address from its 32 bits, most significant octet first. */
    public static IpAddress ofIpv4(int bits) {
        return new IpAddress(false, 0, Integer.toUnsignedLong(bits));
    }

    /** An IPv6 address from its 128 bits, most significant octet first. */
    public static IpAddress ofIpv6(long high, long low) {
        return new IpAddress(true, high, low);
    }

    /**
     * An address from 4 or 16 octets in network order.
     *
     * @throws IllegalArgumentException when there are neither 4 nor 16
     */
    public static IpAddress ofBytes(byte[] octets) {
        if (octets.length == 4) {
            return new IpAddress(false, 0, bits(octets, 0, 4));
        }
        if (octets.length == 16) {
            return new IpAddress(true, bits(octets, 0, 8), bits(octets, 8, 16));
        }
        throw new IllegalArgumentException("an IP address has 4 or 16 octets, not " + octets.length);
    }

    /**
     * Reads a dotted quad or an IPv6 text. Never asks a resolver; leading zeros in a quad are refused.
     *
     * @throws IllegalArgumentException naming the text
     */
    public static IpAddress parse(String text) {
        return text.indexOf(':') >= 0 ? parseIpv6(text) : parseIpv4(text);
    }

    public boolean isIpv4() {
        return !v6;
    }

    public boolean isIpv6() {
        return v6;
    }

    /** Width in bits: 32 or 128. */
    public int bits() {
        return v6 ? 128 : 32;
    }

    /**
     * The 32 bits of an IPv4 address.
     *
     * @throws IllegalStateException on an IPv6 address
     */
    public int ipv4Bits() {
        if (v6) {
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

    /** 4 or 16 octets in network order. */
    public byte[] toBytes() {
        byte[] octets = new byte[v6 ? 16 : 4];
        for (int i = 0; i < octets.length; i++) {
            int shift = 8 * (octets.length - 1 - i);
            octets[i] = (byte) (shift >= 64 ? high >>> (shift - 64) : low >>> shift);
        }
        return octets;
    }

    /**
     * This address plus {@code step}, which wraps around at the end of the family's range.
     *
     * @param step addresses to go forward (or back, when negative)
     */
    public IpAddress plus(long step) {
        if (!v6) {
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
        if (!v6) {
            return ofIpv4(length == 0 ? 0 : (int) low & -1 << (32 - length));
        }
        long highMask = length == 0 ? 0 : length >= 64 ? -1L : -1L << (64 - length);
        long lowMask = length <= 64 ? 0 : -1L << (128 - length);
        return ofIpv6(high & highMask, low & lowMask);
    }

    /** 0.0.0.0 or ::. */
    public boolean isUnspecified() {
        return high == 0 && low == 0;
    }

    /** 127.0.0.0/8 or ::1. */
    public boolean isLoopback() {
        return v6 ? high == 0 && low == 1 : low >>> 24 == 127;
    }

    /** 169.254.0.0/16 or fe80::/10. */
    public boolean isLinkLocal() {
        return v6 ? high >>> 54 == 0xfe80 >>> 6 : low >>> 16 == 0xa9fe;
    }

    /** 224.0.0.0/4 or ff00::/8. */
    public boolean isMulticast() {
        return v6 ? high >>> 56 == 0xff : low >>> 28 == 0xe;
    }

    @Override
    public int compareTo(IpAddress other) {
        if (v6 != other.v6) {
            return v6 ? 1 : -1;
        }
        int byHigh = Long.compareUnsigned(high, other.high);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof IpAddress that && v6 == that.v6 && high == that.high && low == that.low;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(high * 31 + low) + (v6 ? 1 : 0);
    }

    @Override
    public String toString() {
        if (!v6) {
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

    private static long bits(byte[] octets, int from, int to) {
        long bits = 0;
        for (int i = from; i < to; i++) {
            bits = bits << 8 | octets[i] & 0xff;
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
                byte[] octets = InetAddress.getByName(text).getAddress();
                // Java hands back four octets for an IPv4-mapped address; keep it the IPv6 address it was written as.
                if (octets.length == 4) {
                    byte[] mapped = new byte[16];
                    Arrays.fill(mapped, 10, 12, (byte) 0xff);
                    System.arraycopy(octets, 0, mapped, 12, 4);
                    return ofBytes(mapped);
                }
                return ofBytes(octets);
            } catch (UnknownHostException e) {
                throw new IllegalArgumentException("not an IP address: \"" + text + "\"", e);
            }
        }
        throw new IllegalArgumentException("not an IP address: \"" + text + "\"");
    }
}
