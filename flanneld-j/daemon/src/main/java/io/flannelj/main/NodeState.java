package io.flannelj.main;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
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
    volatile Collection<Lease> peers = List.of();
    volatile String waitingFor = "starting";

    /** What an earlier life told the peers, where the store remembers. */
    volatile @Nullable LeaseAttributes earlier;

    /** What is wrong though we run; empty when nothing is. */
    volatile String trouble = "";

    volatile boolean ready;
    final AtomicLong firewallRepairs = new AtomicLong();
}
