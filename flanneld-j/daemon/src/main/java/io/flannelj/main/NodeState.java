package io.flannelj.main;

import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.Refusals;
import io.flannelj.lease.pool.PoolForecast;
import io.flannelj.lease.pool.PoolUsage;
import io.flannelj.probe.PathExaminer;
import io.flannelj.probe.PathStates;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What the daemon shows of itself to servers and metrics: two snapshots, each with one writer, and counters. */
final class NodeState {
    /** Written by the thread that runs the daemon. */
    volatile Startup startup = new Startup("starting", null, null);

    /** Written by the session; null while there is none. */
    volatile @Nullable SessionStatus session;

    final Refusals refusals = new Refusals();
    final UnreachedPeers unreached = new UnreachedPeers();

    /** What probes say of the paths to other nodes; empty where there are none. */
    final PathStates paths = new PathStates();

    /** Written by the session; looks at paths now. */
    volatile PathExaminer examiner = PathExaminer.NONE;

    private final PoolForecast forecast = new PoolForecast();
    final Repairs repairs = new Repairs();

    /** Packets of pods to where tunnel packets arrive, dropped. */
    final AtomicLong droppedToTunnel = new AtomicLong();

    /** Packets whose source address cannot be where they came from, dropped. */
    final AtomicLong droppedForged = new AtomicLong();

    /**
     * How far the way to a session has come.
     *
     * @param waitingFor what comes next, human-readable; empty when the node is ready
     */
    record Startup(
            String waitingFor,
            @Nullable Uplink uplink,
            @Nullable NetworkConfig config) {
        boolean ready() {
            return waitingFor.isEmpty();
        }
    }

    void waitFor(String next) {
        startup = new Startup(next, startup.uplink(), startup.config());
    }

    void ready() {
        waitFor("");
    }

    /** Leases of other nodes that are obeyed. */
    List<Lease> peers() {
        SessionStatus now = session;
        return now == null ? List.of() : now.peers();
    }

    /** How much of the pool is left; empty while it is not known. */
    Optional<PoolUsage> pool() {
        return Optional.ofNullable(session).map(SessionStatus::pool);
    }

    void samplePool() {
        pool().ifPresent(usage -> forecast.sample(Instant.now(), usage.free()));
    }

    /** Until the pool is used up; empty while it does not shrink. */
    Optional<Duration> poolLasts() {
        return forecast.untilExhausted();
    }
}
