package io.flannelj.net;

import java.util.Optional;

/**
 * An address with a prefix length, as in {@code 10.5.52.1/24}. Host bits are kept; {@link #network()} clears them.
 *
 * @param address any address, IPv4 or IPv6
 * @param length prefix length in bits, 0 to the width of the family
 */
public record Cidr(IpAddress address, int length) {
    public Cidr {
        if (length < 0 || length > address.family().bits()) {
            throw new IllegalArgumentException("prefix length of " + address + " must be 0 to "
                    + address.family().bits() + ", was " + length);
        }
    }

    /**
     * Reads {@code address/length}.
     *
     * @throws IllegalArgumentException naming the text
     */
    public static Cidr parse(String text) {
        int slash = text.indexOf('/');
        String digits = text.substring(slash + 1);
        if (slash < 0
                || digits.isEmpty()
                || digits.length() > 3
                || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new IllegalArgumentException("not a CIDR (address/length): \"" + text + "\"");
        }
        return new Cidr(IpAddress.parse(text.substring(0, slash)), Integer.parseInt(digits));
    }

    /** What {@link #parse} gives, or nothing where it throws. */
    public static Optional<Cidr> tryParse(String text) {
        try {
            return Optional.of(parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** The single address as a network of its own: /32 or /128. */
    public static Cidr host(IpAddress address) {
        return new Cidr(address, address.family().bits());
    }

    public IpFamily family() {
        return address.family();
    }

    public boolean isIpv4() {
        return address.isIpv4();
    }

    public boolean isIpv6() {
        return address.isIpv6();
    }

    /** The same prefix with the host bits cleared. */
    public Cidr network() {
        return new Cidr(address.masked(length), length);
    }

    /** Whether no host bit is set. */
    public boolean isNetwork() {
        return address.masked(length).equals(address);
    }

    public boolean contains(IpAddress other) {
        return other.family() == address.family() && other.masked(length).equals(address.masked(length));
    }

    /** Whether every address of {@code other} is one of ours. */
    public boolean contains(Cidr other) {
        return other.length >= length && contains(other.address);
    }

    /** Whether {@code other} is a part of this network, and not the whole of it. */
    public boolean containsPart(Cidr other) {
        return contains(other) && !equals(other);
    }

    public boolean overlaps(Cidr other) {
        return contains(other) || other.contains(this);
    }

    /** The first address after the network's own, which flannel gives to the node's bridge: {@code x.y.z.1}. */
    public Cidr gateway() {
        return new Cidr(address.masked(length).plus(1), length);
    }

    /**
     * The first of its two halves.
     *
     * @throws IllegalArgumentException on a single address
     */
    public Cidr lowerHalf() {
        return new Cidr(network().address, length + 1);
    }

    /**
     * The second of its two halves.
     *
     * @throws IllegalArgumentException on a single address
     */
    public Cidr upperHalf() {
        return new Cidr(new Cidr(lastAddress(), length + 1).network().address, length + 1);
    }

    /**
     * The last address of the prefix; on IPv4 its broadcast address.
     *
     * <p>Exact for IPv4 and for IPv6 prefixes of any length.
     */
    public IpAddress lastAddress() {
        IpAddress mask = mask();
        return isIpv4()
                ? IpAddress.ofIpv4(address.ipv4Bits() | ~mask.ipv4Bits())
                : IpAddress.ofIpv6(address.highBits() | ~mask.highBits(), address.lowBits() | ~mask.lowBits());
    }

    /** The network's mask: as many ones as the prefix is long. */
    public IpAddress mask() {
        return (isIpv4() ? IpAddress.ofIpv4(-1) : IpAddress.ofIpv6(-1L, -1L)).masked(length);
    }

    @Override
    public String toString() {
        return address + "/" + length;
    }
}
