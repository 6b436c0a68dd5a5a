package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.pool.PoolUsage;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a session shows of itself.
 *
 * @param config in force
 * @param own our lease
 * @param peers leases of other nodes that are obeyed
 * @param fenced whether our lease has ended and nothing is sent
 * @param trouble what is wrong though we run; empty when nothing is
 */
record SessionStatus(
        NetworkConfig config, Lease own, Backend backend, List<Lease> peers, boolean fenced, String trouble) {
    /** How much of the pool is left. */
    PoolUsage pool() {
        return PoolUsage.of(
                config,
                Stream.concat(Stream.of(own), peers.stream())
                        .map(Lease::subnets)
                        .toList());
    }
}
