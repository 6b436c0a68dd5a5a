package io.flannelj.main;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.Refusals;
import io.flannelj.lease.pool.PoolForecast;
import io.flannelj.lease.pool.PoolUsage;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the daemon has reached so far: written by the thread that runs it, read by servers and metrics. Each field is
 * replaced whole.
 */
final class NodeState {
    volatile @Nullable Uplink uplink;
    volatile @Nullable NetworkConfig config;
    volatile @Nullable Lease own;
    volatile @Nullable Backend backend;
    volatile List<Lease> peers = List.of();
    final Refusals refusals = new Refusals();
    volatile String waitingFor = "starting";

    /** What an earlier life told the peers, where the store remembers. */
    volatile @Nullable LeaseAttributes earlier;

    /** What is wrong though we run; empty when nothing is. */
    volatile String trouble = "";

    final UnreachedPeers unreached = new UnreachedPeers();

    volatile boolean ready;

    /** Whether our lease has ended and nothing is sent. */
    volatile boolean fenced;

    private final PoolForecast forecast = new PoolForecast();
    final AtomicLong firewallRepairs = new AtomicLong();

    /** Kernel settings that somebody else had changed, put right. */
    final AtomicLong hostRepairs = new AtomicLong();

    /** Packets of pods to where tunnel packets arrive, dropped. */
    final AtomicLong droppedToTunnel = new AtomicLong();

    /** Packets whose source address cannot be where they came from, dropped. */
    final AtomicLong droppedForged = new AtomicLong();

    /** How much of the pool is left; empty while it is not known. */
    Optional<PoolUsage> pool() {
        NetworkConfig current = config;
        Lease mine = own;
        if (current == null || mine == null) {
            return Optional.empty();
        }
        return Optional.of(PoolUsage.of(
                current,
                Stream.concat(Stream.of(mine), peers.stream())
                        .map(Lease::subnets)
                        .toList()));
    }

    void samplePool() {
        pool().ifPresent(usage -> forecast.sample(Instant.now(), usage.free()));
    }

    /** Until the pool is used up; empty while it does not shrink. */
    Optional<Duration> poolLasts() {
        return forecast.untilExhausted();
    }
}
