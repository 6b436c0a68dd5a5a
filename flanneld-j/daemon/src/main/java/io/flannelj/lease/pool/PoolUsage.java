package io.flannelj.lease.pool;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.PodSubnets;
import java.util.Collection;

/**
 * How much of the pool is left, in the family that has the least.
 *
 * @param size how many subnets nodes may lease
 * @param free how many of them nobody holds any part of
 */
public record PoolUsage(long size, long free) {
    public static PoolUsage of(NetworkConfig config, Collection<PodSubnets> taken) {
        return config.pools().values().stream()
                .map(pool -> new PoolUsage(
                        pool.size(), SubnetChooser.free(pool, SubnetChooser.subnets(taken, pool.family()))))
                .reduce((one, other) -> one.free <= other.free ? one : other)
                .orElseThrow(() -> new IllegalArgumentException("a network without any family"));
    }
}
