package io.flannelj.net;

/** One of the two families of IP addresses. */
public enum IpFamily {
    IPV4("IPv4", 2, 32),
    IPV6("IPv6", 10, 128);

    private final String text;
    private final int number;
    private final int bits;

    IpFamily(String text, int number, int bits) {
        this.text = text;
        this.number = number;
        this.bits = bits;
    }

    /** The kernel's number: AF_INET or AF_INET6. */
    public int number() {
        return number;
    }

    /** Width of an address: 32 or 128. */
    public int bits() {
        return bits;
    }

    public IpFamily other() {
        return this == IPV4 ? IPV6 : IPV4;
    }

    /** 0.0.0.0/0 or ::/0. */
    public Cidr everything() {
        return new Cidr(this == IPV4 ? IpAddress.ANY_V4 : IpAddress.ofIpv6(0, 0), 0);
    }

    /** 224.0.0.0/4 or ff00::/8. */
    public Cidr multicast() {
        return this == IPV4
                ? new Cidr(IpAddress.ofIpv4(0xe000_0000), 4)
                : new Cidr(IpAddress.ofIpv6(0xffL << 56, 0), 8);
    }

    /** {@code IPv4} or {@code IPv6}. */
    @Override
    public String toString() {
        return text;
    }
}
