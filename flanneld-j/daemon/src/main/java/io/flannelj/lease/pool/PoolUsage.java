package io.flannelj.lease.pool;

import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.lease.PodSubnets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * How much of the pool is left, in the family that has the least.
 *
 * @param size how many subnets nodes may lease
 * @param free how many of them nobody holds any part of
 */
public record PoolUsage(long size, long free) {
    public static PoolUsage of(NetworkConfig config, Collection<PodSubnets> taken) {
        List<PoolUsage> families = new ArrayList<>();
        SubnetPool ipv4 = config.ipv4();
        if (ipv4 != null) {
            families.add(new PoolUsage(
                    ipv4.size(),
                    SubnetChooser.free(
                            ipv4, taken.stream().map(PodSubnets::ipv4).toList())));
        }
        SubnetPool ipv6 = config.ipv6();
        if (ipv6 != null) {
            families.add(new PoolUsage(
                    ipv6.size(),
                    SubnetChooser.free(
                            ipv6, taken.stream().map(PodSubnets::ipv6).toList())));
        }
        return families.stream()
                .reduce((one, other) -> one.free <= other.free ? one : other)
                .orElseThrow(() -> new IllegalArgumentException("a network without any family"));
    }
}
