package io.flannelj.main;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.BackendProvider.Prepared;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.firewall.DesiredRules;
import io.flannelj.firewall.Firewalls;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.LeaseFollower;
import io.flannelj.lease.LeaseKeeper;
import io.flannelj.lease.LeaseTable;
import io.flannelj.lease.StoreHealth;
import io.flannelj.lease.SubnetManager;
import io.flannelj.metrics.DatapathMetrics;
import io.flannelj.net.Cidr;
import io.flannelj.net.SubnetEnv;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node while it holds one lease: carries traffic, follows the other nodes, keeps rules and lease in force. Ends when
 * it is closed, or when the lease is lost to another node.
 *
 * <p>Two threads: {@code flannel-control} owns the lease table, the backend and the firewall; {@code flannel-lease} waits
 * for the store when the lease must be renewed.
 */
final class Session implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Session.class);
    private static final Duration SECURE_AGAIN = Duration.ofSeconds(10);
    private static final Duration REPAIR_EVERY = Duration.ofSeconds(10);

    private final DaemonOptions options;
    private final NodeState state;
    private final NetworkConfig config;
    private final LeaseKeeper keeper;
    private final LeaseAttributes attributes;
    private final Firewalls firewall;
    private final List<DesiredRules> rules;
    private final Backend backend;
    private final LeaseTable table = new LeaseTable();
    private final LeaseFollower follower;
    private final ScheduledExecutorService control =
            Executors.newSingleThreadScheduledExecutor(named("flannel-control"));
    private final ScheduledExecutorService leaseThread =
            Executors.newSingleThreadScheduledExecutor(named("flannel-lease"));
    private final CountDownLatch synced = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private final @Nullable DatapathMetrics metrics;
    private volatile boolean again;
    private boolean applyPending;
    private boolean fenced;
    private boolean securePending; // the lease thread's
    private String backendTrouble = "";
    private String firewallTrouble = "";

    /** Everything a session needs, made by the daemon. */
    record Parts(
            DaemonOptions options,
            NodeState state,
            NetworkConfig config,
            SubnetManager store,
            StoreHealth health,
            LeaseKeeper keeper,
            Firewalls firewall,
            MeterRegistry registry) {}

    /**
     * Begins to carry traffic for {@code own}.
     *
     * @throws IOException when the host refuses; what was made is undone
     */
    Session(Parts parts, Prepared prepared, Lease own) throws IOException {
        this.options = parts.options();
        this.state = parts.state();
        this.config = parts.config();
        this.keeper = parts.keeper();
        this.attributes = prepared.attributes();
        this.firewall = parts.firewall();
        this.rules = Stream.concat(
                        rules(config.network(), own.subnets().ipv4(), options),
                        rules(config.ipv6Network(), own.subnets().ipv6(), options))
                .toList();
        this.backend = prepared.start(own, this::onBackendLost);
        this.follower = new LeaseFollower(
                parts.store(), parts.health(), new SecureRandom(), parts.store().relistAfter(), this::onLeaseEvent);
        try {
            table.setOwn(own.subnets());
            firewall.apply(rules);
            new SubnetEnv(
                            config.network(),
                            own.subnets().ipv4(),
                            config.ipv6Network(),
                            own.subnets().ipv6(),
                            backend.podMtuBytes(),
                            options.ipMasq())
                    .write(options.subnetFile());
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
        state.own = own;
        state.backend = backend;
        List<TrafficCounters> counters =
                backend.datapaths().stream().map(Datapath::counters).toList();
        this.metrics =
                counters.isEmpty() ? null : new DatapathMetrics(TrafficCounters.sumOf(counters), parts.registry());
    }

    private static Stream<DesiredRules> rules(@Nullable Cidr network, @Nullable Cidr subnet, DaemonOptions options) {
        return network == null || subnet == null
                ? Stream.empty()
                : Stream.of(new DesiredRules(
                        network, subnet, options.ipMasq(), options.randomFully(), options.forwardRules()));
    }

    /** Follows the store, and returns once the table is complete and in force, or the session has ended. */
    void start() throws InterruptedException {
        follower.start();
        long resync = options.firewallResync().toMillis();
        repeat(control, this::resyncFirewall, resync);
        repeat(control, this::repair, REPAIR_EVERY.toMillis());
        scheduleRenewal();
        synced.await();
    }

    /** Waits for the end; true when lease or device were lost, and a new session shall begin. */
    boolean awaitEnd() throws InterruptedException {
        ended.await();
        return again;
    }

    /** Ends the session from any thread; {@link #awaitEnd} returns. */
    void end() {
        ended.countDown();
        synced.countDown();
    }

    private void onBackendLost(String what) {
        log.error("{}; making it anew", what);
        again = true;
        end();
    }

    private void onLeaseEvent(LeaseEvent event) {
        try {
            control.execute(() -> take(event));
        } catch (RejectedExecutionException e) {
            log.debug("an event came after the end: {}", event);
        }
    }

    private void take(LeaseEvent event) {
        boolean changed = table.apply(event);
        if ((changed || event instanceof LeaseEvent.Reset) && !applyPending) {
            // Events that queue up behind this one are taken before the backend is told.
            applyPending = true;
            control.execute(this::applyPeers);
        }
        if (!table.holdsOwn()) {
            leaseThread.execute(this::secure);
        }
    }

    private void applyPeers() {
        applyPending = false;
        state.peers = table.peers();
        try {
            backend.apply(fenced ? List.of() : state.peers);
            backendTrouble = "";
        } catch (IOException e) {
            backendTrouble = "not every peer can be reached: " + e.getMessage();
        }
        tellTrouble();
        synced.countDown();
    }

    /** The same call as for changes: what somebody else took away comes back. */
    private void repair() {
        boolean expired = keeper.hasExpired();
        if (expired != fenced) {
            fenced = expired;
            log.warn(
                    expired
                            ? "our lease has ended and the store does not answer: sending nothing from it until it is"
                                    + " renewed"
                            : "our lease is renewed: sending again");
        }
        if (synced.getCount() == 0) {
            applyPeers();
        }
    }

    private void resyncFirewall() {
        try {
            if (firewall.apply(rules)) {
                state.firewallRepairs.incrementAndGet();
                log.warn("firewall rules had been changed by somebody else; put right");
            }
            firewallTrouble = "";
        } catch (IOException e) {
            firewallTrouble = "firewall rules cannot be checked: " + e.getMessage();
        }
        tellTrouble();
    }

    private void tellTrouble() {
        String text = Stream.of(backendTrouble, firewallTrouble)
                .filter(trouble -> !trouble.isEmpty())
                .collect(Collectors.joining("; "));
        if (!text.equals(state.trouble)) {
            state.trouble = text;
            if (!text.isEmpty()) {
                log.warn("{}", text);
            }
        }
    }

    private void scheduleRenewal() {
        leaseThread.schedule(
                () -> {
                    secure();
                    scheduleRenewal();
                },
                keeper.untilRenewal().toMillis(),
                TimeUnit.MILLISECONDS);
    }

    private void secure() {
        switch (keeper.secure(attributes)) {
            case HELD -> state.own = keeper.own();
            case LOST -> {
                log.error("giving up our lease and starting over");
                again = true;
                end();
            }
            case UNKNOWN -> {
                if (!securePending) {
                    securePending = true;
                    leaseThread.schedule(this::secureAgain, SECURE_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
                }
            }
        }
    }

    private void secureAgain() {
        securePending = false;
        secure();
    }

    private static void repeat(ScheduledExecutorService executor, Runnable task, long everyMillis) {
        Future<?> unused = executor.scheduleWithFixedDelay(
                () -> {
                    try {
                        task.run();
                    } catch (RuntimeException e) {
                        log.error("{}", e.toString(), e); // an executor would silently stop repeating
                    }
                },
                everyMillis,
                everyMillis,
                TimeUnit.MILLISECONDS);
    }

    private static ThreadFactory named(String name) {
        return task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    @Override
    public void close() {
        end();
        follower.close();
        leaseThread.shutdownNow();
        control.shutdown();
        try {
            if (!control.awaitTermination(5, TimeUnit.SECONDS)) {
                control.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        state.ready = false;
        state.backend = null;
        state.trouble = "";
        if (metrics != null) {
            metrics.close();
        }
        backend.close();
        try {
            firewall.remove();
        } catch (IOException e) {
            log.warn("firewall rules could not be removed: {}", e.getMessage());
        }
    }
}
