package io.flannelj.lease;

import io.flannelj.net.Cidr;
import org.jspecify.annotations.Nullable;

/**
 * The subnets of one node, one for each family of the network; what identifies a lease.
 *
 * @param ipv4 network form; null in an IPv6-only network
 * @param ipv6 network form; null in an IPv4-only network
 */
public record PodSubnets(@Nullable Cidr ipv4, @Nullable Cidr ipv6) {
    public PodSubnets {
        if (ipv4 == null && ipv6 == null) {
            throw new IllegalArgumentException("a node's subnets need one family at least");
        }
        if ((ipv4 != null && !(ipv4.isIpv4() && ipv4.isNetwork()))
                || (ipv6 != null && !(ipv6.isIpv6() && ipv6.isNetwork()))) {
            throw new IllegalArgumentException("not networks of their family: " + ipv4 + ", " + ipv6);
        }
    }

    public static PodSubnets ofIpv4(Cidr subnet) {
        return new PodSubnets(subnet, null);
    }

    /** Whether the two share an address in any family. */
    public boolean overlaps(PodSubnets other) {
        return (ipv4 != null && other.ipv4 != null && ipv4.overlaps(other.ipv4))
                || (ipv6 != null && other.ipv6 != null && ipv6.overlaps(other.ipv6));
    }

    @Override
    public String toString() {
        return ipv4 == null ? String.valueOf(ipv6) : ipv6 == null ? ipv4.toString() : ipv4 + "," + ipv6;
    }
}
