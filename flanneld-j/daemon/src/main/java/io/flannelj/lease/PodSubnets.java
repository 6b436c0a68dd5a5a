package io.flannelj.lease;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The subnets of one node, one for each family of the network; what identifies a lease.
 *
 * @param byFamily network form; one at least
 */
public record PodSubnets(PerFamily<Cidr> byFamily) {
    public PodSubnets {
        if (byFamily.isEmpty()) {
            throw new IllegalArgumentException("a node's subnets need one family at least");
        }
        byFamily.byFamily().forEach((family, subnet) -> {
            if (subnet.family() != family || !subnet.isNetwork()) {
                throw new IllegalArgumentException("not a network of " + family + ": " + subnet);
            }
        });
    }

    /**
     * Subnets by their families.
     *
     * @throws IllegalArgumentException when there is none, or two of one family
     */
    public static PodSubnets of(Collection<Cidr> subnets) {
        return new PodSubnets(PerFamily.by(Cidr::family, subnets));
    }

    public static PodSubnets of(Cidr... subnets) {
        return of(List.of(subnets));
    }

    public Optional<Cidr> get(IpFamily family) {
        return byFamily.get(family);
    }

    public Set<IpFamily> families() {
        return byFamily.families();
    }

    /** All of them, IPv4's first. */
    public List<Cidr> all() {
        return byFamily.values();
    }

    /** Whether the two share an address in any family. */
    public boolean overlaps(PodSubnets other) {
        return all().stream().anyMatch(subnet -> other.all().stream().anyMatch(subnet::overlaps));
    }

    @Override
    public String toString() {
        return byFamily.toString();
    }
}
