package io.flannelj.lease.pool;

import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Picks the subnets for a node that has none: the previous ones where they are free and still fit, else any free ones,
 * each as likely as the other. (flannel looks at the first hundred only, so that nodes which start together collide.)
 */
public final class SubnetChooser {
    private SubnetChooser() {}

    /** Whether a lease fits the config: right length, within the bounds, and no family too many or too few. */
    public static boolean fits(NetworkConfig config, PodSubnets subnets) {
        return config.families().equals(subnets.families())
                && subnets.all().stream()
                        .allMatch(subnet ->
                                config.pools().require(subnet.family()).offers(subnet));
    }

    /** What a subnet must be, human-readable. */
    public static String describe(NetworkConfig config) {
        return config.pools().values().stream().map(SubnetPool::describe).collect(Collectors.joining(", and "));
    }

    /** Whether what a store assigned lies in the network: it may cut it into pieces of its own. */
    public static boolean lies(NetworkConfig config, PodSubnets subnets) {
        return config.families().equals(subnets.families())
                && subnets.all().stream()
                        .allMatch(subnet ->
                                config.networks().require(subnet.family()).contains(subnet));
    }

    /**
     * Picks. Previous subnets are taken whole or not at all, but where the network has gained or lost a family, the
     * other one keeps its subnet.
     *
     * @param taken subnets of every live lease
     * @param previous what this node had in the previous run; null when it had nothing
     * @return empty when nothing is free
     */
    public static Optional<PodSubnets> choose(
            NetworkConfig config, Collection<PodSubnets> taken, @Nullable PodSubnets previous, RandomGenerator random) {
        if (previous != null && fits(config, previous) && taken.stream().noneMatch(previous::overlaps)) {
            return Optional.of(previous);
        }
        PerFamily<Cidr> kept = previous == null || previous.families().equals(config.families())
                ? PerFamily.none()
                : previous.byFamily();
        PerFamily<Cidr> picked = PerFamily.of(family -> config.pools()
                .get(family)
                .flatMap(pool -> pick(pool, kept.get(family), subnets(taken, family), random)));
        return picked.families().equals(config.families()) ? Optional.of(new PodSubnets(picked)) : Optional.empty();
    }

    private static Optional<Cidr> pick(
            SubnetPool pool, Optional<Cidr> previous, List<Cidr> taken, RandomGenerator random) {
        return previous.filter(subnet -> pool.offers(subnet) && taken.stream().noneMatch(subnet::overlaps))
                .or(() -> free(pool, taken, random));
    }

    static List<Cidr> subnets(Collection<PodSubnets> taken, IpFamily family) {
        return taken.stream().flatMap(subnets -> subnets.get(family).stream()).toList();
    }

    private record Span(long from, long to) {}

    /** One free subnet; empty when nothing is free. */
    private static Optional<Cidr> free(SubnetPool pool, List<Cidr> taken, RandomGenerator random) {
        List<Span> gaps = gaps(pool, taken);
        long free = gaps.stream().mapToLong(gap -> gap.to() - gap.from() + 1).sum();
        if (free == 0) {
            return Optional.empty();
        }
        long pick = random.nextLong(free);
        for (Span gap : gaps) {
            long width = gap.to() - gap.from() + 1;
            if (pick < width) {
                return Optional.of(pool.subnet(gap.from() + pick));
            }
            pick -= width;
        }
        throw new AssertionError("a number below the sum of widths lies in a gap");
    }

    /** How many subnets of the pool nobody holds any part of. */
    static long free(SubnetPool pool, List<Cidr> taken) {
        long free = 0;
        for (Span gap : gaps(pool, taken)) {
            free += gap.to() - gap.from() + 1;
        }
        return free;
    }

    private static List<Span> gaps(SubnetPool pool, List<Cidr> taken) {
        List<Span> spans = new ArrayList<>();
        taken.forEach(subnet -> span(pool, subnet).ifPresent(spans::add));
        spans.sort(Comparator.comparingLong(Span::from));
        List<Span> gaps = new ArrayList<>();
        long next = 0;
        for (Span span : spans) {
            if (span.from() > next) {
                gaps.add(new Span(next, span.from() - 1));
            }
            next = Math.max(next, span.to() + 1);
        }
        if (next < pool.size()) {
            gaps.add(new Span(next, pool.size() - 1));
        }
        return gaps;
    }

    /** The numbers of the pool's subnets that a lease, of whatever length, lies in. */
    private static Optional<Span> span(SubnetPool pool, Cidr lease) {
        IpAddress from = lease.network().address();
        IpAddress to = lease.lastAddress();
        if (lease.family() != pool.family()
                || to.compareTo(pool.first()) < 0
                || from.compareTo(pool.lastAddress()) > 0) {
            return Optional.empty();
        }
        return Optional.of(new Span(index(pool, from), index(pool, to)));
    }

    private static long index(SubnetPool pool, IpAddress address) {
        if (address.compareTo(pool.first()) <= 0) {
            return 0;
        }
        if (address.compareTo(pool.last()) >= 0) {
            return pool.size() - 1;
        }
        IpAddress subnet = address.masked(pool.subnetLength());
        return new SubnetPool(pool.network(), pool.subnetLength(), pool.first(), subnet).size() - 1;
    }
}
