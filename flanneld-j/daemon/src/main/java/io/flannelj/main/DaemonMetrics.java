package io.flannelj.main;

import io.flannelj.admin.HttpCounters;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.loop.StoreHealth;
import io.flannelj.lease.pool.PoolUsage;
import io.flannelj.metrics.Gauges;
import io.flannelj.metrics.MetricNames;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** The metrics of the whole daemon; those of a data path are of the session that has it. */
final class DaemonMetrics {
    private final MeterRegistry registry;
    private final NodeState state;
    private final Clock clock;

    DaemonMetrics(MeterRegistry registry, NodeState state, Clock clock) {
        this.registry = registry;
        this.state = state;
        this.clock = clock;
    }

    void bind(StoreHealth health, SubnetManager store, HttpCounters http) {
        bindRuntime();
        Gauges.bind(registry, MetricNames.READY, () -> state.startup.ready() ? 1 : 0);
        bindPeers();
        bindHost();
        bindStore(health, store);
        bindLease();
        Gauges.bindCount(registry, MetricNames.HTTP_CLOSED, http, HttpCounters::closedConnections);
        Gauges.bindCount(registry, MetricNames.HTTP_REFUSED, http, HttpCounters::refusedRequests);
    }

    private void bindRuntime() {
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        JvmGcMetrics unclosed = new JvmGcMetrics(); // lives as long as the process
        unclosed.bindTo(registry);
    }

    private void bindPeers() {
        Gauges.bind(registry, MetricNames.PEERS, () -> state.peers().size());
        for (Refusal.Reason reason : Refusal.Reason.values()) {
            Gauges.bind(
                    registry,
                    MetricNames.LEASES_REFUSED,
                    Tags.of("reason", reason.label()),
                    () -> state.refusals.count(reason));
        }
        Gauges.bind(
                registry,
                MetricNames.PEERS_UNREACHED,
                () -> state.unreached.reasons().size());
        Gauges.bind(
                registry,
                MetricNames.ENCAPSULATION_CHANGED,
                () -> fromSession(session -> session.backend().migrated(), 1));
        PathMetrics.bind(registry, state.paths);
    }

    private void bindHost() {
        for (Repairs.Kind kind : Repairs.Kind.values()) {
            Gauges.bindCount(
                    registry,
                    MetricNames.REPAIRS,
                    Tags.of("kind", kind.label()),
                    state.repairs,
                    repairs -> repairs.of(kind));
        }
        Gauges.bind(registry, MetricNames.FIREWALL_DROPS, Tags.of("reason", "tunnel"), state.droppedToTunnel::get);
        Gauges.bind(registry, MetricNames.FIREWALL_DROPS, Tags.of("reason", "source"), state.droppedForged::get);
    }

    private void bindStore(StoreHealth health, SubnetManager store) {
        Gauges.bind(registry, MetricNames.STORE_REACHABLE, () -> health.status().reachable() ? 1 : 0);
        Gauges.bind(registry, MetricNames.STORE_AGE, () -> {
            Instant last = health.status().lastContact();
            return last.equals(Instant.EPOCH)
                    ? -1
                    : Duration.between(last, clock.instant()).toSeconds();
        });
        Gauges.bind(registry, MetricNames.STORE_LAG, () -> store.lagRevisions().orElse(-1));
    }

    private void bindLease() {
        Gauges.bind(registry, MetricNames.LEASE_FENCED, () -> fromSession(session -> session.fenced() ? 1 : 0, 0));
        Gauges.bind(
                registry,
                MetricNames.LEASE_REMAINING,
                () -> fromSession(session -> secondsUntil(session.own().expiresAt()), -1));
        Gauges.bind(
                registry,
                MetricNames.POOL_SIZE,
                () -> state.pool().map(PoolUsage::size).orElse(-1L));
        Gauges.bind(
                registry,
                MetricNames.POOL_FREE,
                () -> state.pool().map(PoolUsage::free).orElse(-1L));
        Gauges.bind(
                registry,
                MetricNames.POOL_EXHAUSTED_IN,
                () -> state.poolLasts().map(Duration::toSeconds).orElse(-1L));
    }

    private double fromSession(ToDoubleFunction<SessionStatus> value, double without) {
        SessionStatus session = state.session;
        return session == null ? without : value.applyAsDouble(session);
    }

    private double secondsUntil(@Nullable Instant end) {
        return end == null ? -1 : Duration.between(clock.instant(), end).toSeconds();
    }
}
