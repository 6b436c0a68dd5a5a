package io.flannelj.lease.pool;

import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Picks the subnets for a node that has none: the previous ones where they are free and still fit, else any free ones,
 * each as likely as the other. (flannel looks at the first hundred only, so that nodes which start together collide.)
 */
public final class SubnetChooser {
    private SubnetChooser() {}

    /** Whether a lease fits the config: right length, within the bounds, and no family too many or too few. */
    public static boolean fits(NetworkConfig config, PodSubnets subnets) {
        return fits(config.ipv4(), subnets.ipv4()) && fits(config.ipv6(), subnets.ipv6());
    }

    /** What a subnet must be, for people. */
    public static String describe(NetworkConfig config) {
        return Stream.of(Optional.ofNullable(config.ipv4()), Optional.ofNullable(config.ipv6()))
                .flatMap(Optional::stream)
                .map(SubnetPool::describe)
                .collect(Collectors.joining(", and "));
    }

    private static boolean fits(@Nullable SubnetPool pool, @Nullable Cidr subnet) {
        return pool == null ? subnet == null : subnet != null && pool.offers(subnet);
    }

    /** Whether what a store assigned lies in the network: it may cut it into pieces of its own. */
    public static boolean lies(NetworkConfig config, PodSubnets subnets) {
        return lies(config.network(), subnets.ipv4()) && lies(config.ipv6Network(), subnets.ipv6());
    }

    private static boolean lies(@Nullable Cidr network, @Nullable Cidr subnet) {
        return network == null ? subnet == null : subnet != null && network.contains(subnet);
    }

    /**
     * Picks. Previous subnets are taken whole or not at all, but where the network has gained or lost a family, the
     * other one keeps its subnet.
     *
     * @param taken subnets of every live lease
     * @param previous what this node had in an earlier life; null when it had nothing
     * @return empty when nothing is free
     */
    public static Optional<PodSubnets> choose(
            NetworkConfig config, Collection<PodSubnets> taken, @Nullable PodSubnets previous, RandomGenerator random) {
        if (previous != null && fits(config, previous) && taken.stream().noneMatch(previous::overlaps)) {
            return Optional.of(previous);
        }
        boolean sameFamilies = previous == null
                || (previous.ipv4() == null) == (config.ipv4() == null)
                        && (previous.ipv6() == null) == (config.ipv6() == null);
        PodSubnets kept = sameFamilies ? null : previous;
        Cidr ipv4 = pick(
                config.ipv4(),
                kept == null ? null : kept.ipv4(),
                taken.stream().map(PodSubnets::ipv4).filter(Objects::nonNull).toList(),
                random);
        Cidr ipv6 = pick(
                config.ipv6(),
                kept == null ? null : kept.ipv6(),
                taken.stream().map(PodSubnets::ipv6).filter(Objects::nonNull).toList(),
                random);
        boolean complete = (config.ipv4() == null) == (ipv4 == null) && (config.ipv6() == null) == (ipv6 == null);
        return complete ? Optional.of(new PodSubnets(ipv4, ipv6)) : Optional.empty();
    }

    private static @Nullable Cidr pick(
            @Nullable SubnetPool pool, @Nullable Cidr previous, List<Cidr> taken, RandomGenerator random) {
        boolean stays = pool != null
                && previous != null
                && pool.offers(previous)
                && taken.stream().noneMatch(previous::overlaps);
        return stays ? previous : free(pool, taken, random);
    }

    private record Span(long from, long to) {}

    /** One free subnet; null when there is no pool or nothing free in it. */
    private static @Nullable Cidr free(
            @Nullable SubnetPool pool, List<? extends @Nullable Cidr> taken, RandomGenerator random) {
        if (pool == null) {
            return null;
        }
        List<Span> gaps = gaps(pool, taken);
        long free = gaps.stream().mapToLong(gap -> gap.to() - gap.from() + 1).sum();
        if (free == 0) {
            return null;
        }
        long pick = random.nextLong(free);
        for (Span gap : gaps) {
            long width = gap.to() - gap.from() + 1;
            if (pick < width) {
                return pool.subnet(gap.from() + pick);
            }
            pick -= width;
        }
        throw new AssertionError("a number below the sum of widths lies in a gap");
    }

    /** How many subnets of the pool nobody holds any part of. */
    static long free(SubnetPool pool, List<? extends @Nullable Cidr> taken) {
        long free = 0;
        for (Span gap : gaps(pool, taken)) {
            free += gap.to() - gap.from() + 1;
        }
        return free;
    }

    private static List<Span> gaps(SubnetPool pool, List<? extends @Nullable Cidr> taken) {
        List<Span> spans = new ArrayList<>();
        for (Cidr cidr : taken) {
            if (cidr != null) {
                span(pool, cidr).ifPresent(spans::add);
            }
        }
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
        IpAddress poolEnd = new Cidr(pool.last(), pool.subnetLength()).lastAddress();
        if (lease.isIpv6() != pool.network().isIpv6()
                || to.compareTo(pool.first()) < 0
                || from.compareTo(poolEnd) > 0) {
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
