package io.flannelj.main;

import io.flannelj.admin.AdminServer;
import io.flannelj.admin.HttpCounters;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.BackendProvider.Context;
import io.flannelj.backend.BackendRegistry;
import io.flannelj.backend.NetworkOverlap;
import io.flannelj.backend.TunnelSettings;
import io.flannelj.backend.Uplink;
import io.flannelj.backend.UplinkFinder;
import io.flannelj.backend.alloc.AllocProvider;
import io.flannelj.backend.extension.ExtensionProvider;
import io.flannelj.backend.geneve.GeneveProvider;
import io.flannelj.backend.hostgw.HostGwProvider;
import io.flannelj.backend.ipip.IpipProvider;
import io.flannelj.backend.udp.UdpProvider;
import io.flannelj.backend.vxlan.VxlanProvider;
import io.flannelj.cni.engine.CniEngine;
import io.flannelj.config.ConfigException;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.DatapathOptions;
import io.flannelj.config.Instance;
import io.flannelj.config.KubeOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.UplinkOptions;
import io.flannelj.firewall.Firewalls;
import io.flannelj.firewall.Iptables;
import io.flannelj.firewall.Nftables;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.SavedLeases;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.loop.BootClock;
import io.flannelj.lease.loop.ClosedException;
import io.flannelj.lease.loop.LeaseLoop;
import io.flannelj.lease.loop.StartupReader;
import io.flannelj.lease.loop.StoreHealth;
import io.flannelj.lease.loop.TaskThread;
import io.flannelj.lease.machine.Goal;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.lease.machine.Terms;
import io.flannelj.lease.pool.PoolUsage;
import io.flannelj.metrics.Gauges;
import io.flannelj.metrics.MetricNames;
import io.flannelj.net.IpAddress;
import io.flannelj.net.SubnetEnv;
import io.flannelj.netlink.NetlinkSocket;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The composition root: who is made, in which order it starts, and in which it stops. */
final class Daemon {
    private static final Logger log = LoggerFactory.getLogger(Daemon.class);
    private static final int FAILED = 1;
    private static final int MISCONFIGURED = 2;
    private static final Duration RETRY_EVERY = Duration.ofSeconds(1);

    private final DaemonOptions options;
    private final Shutdown shutdown;
    private final SdNotify systemd = new SdNotify(System.getenv("NOTIFY_SOCKET"));
    private boolean settled;

    private @Nullable SessionPlan lastPlan;

    /** In force, or last in force. */
    private @Nullable NetworkConfig config;

    /** What an earlier run told the peers, where the store remembers. */
    private volatile @Nullable LeaseAttributes earlier;

    private final NodeState state = new NodeState();
    private final BackendRegistry backends;
    private final HttpCounters http = new HttpCounters();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

    Daemon(DaemonOptions options, Shutdown shutdown) {
        this.options = options;
        this.shutdown = shutdown;
        DatapathOptions datapath = options.datapath();
        Path stateDirectory = options.paths().stateDirectory();
        TunnelSettings tunnels = new TunnelSettings(
                datapath.tunDevice(),
                datapath.busyPoll(),
                datapath.workers(),
                datapath.pinWorkers(),
                datapath.thinAcks());
        this.backends = new BackendRegistry(List.of(
                new UdpProvider(tunnels),
                new VxlanProvider(tunnels, stateDirectory, datapath.vxlan(), () -> earlier),
                new GeneveProvider(tunnels, stateDirectory),
                new IpipProvider(tunnels),
                new HostGwProvider(),
                new ExtensionProvider(),
                new AllocProvider()));
    }

    /** Runs until asked to stop; returns the exit status. */
    int run() {
        try {
            Preflight.requireNetAdmin();
            serve();
            return 0;
        } catch (ConfigException e) {
            String.valueOf(e.getMessage()).lines().forEach(line -> log.error("{}", line));
            return MISCONFIGURED;
        } catch (ClosedException | InterruptedException e) {
            return 0; // asked to stop while waiting
        } catch (IOException e) {
            log.error("{}", e.getMessage());
            return FAILED;
        } catch (RuntimeException e) {
            log.error("failed: {}", e.toString(), e);
            return FAILED;
        }
    }

    private void serve() throws IOException, ConfigException, ClosedException, InterruptedException {
        Clock clock = BootClock.start();
        try (SubnetManager store = Stores.open(options.store(), clock);
                TaskThread turns = new TaskThread("flannel-lease");
                TaskThread calls = new TaskThread("flannel-store")) {
            StoreHealth health = new StoreHealth(clock, store.location());
            StartupReader reader = new StartupReader(store, health, clock, new SecureRandom());
            Terms terms =
                    new Terms(options.lease().timeToLive(), options.lease().renewMargin());
            LeaseLoop loop = new LeaseLoop(store, health, clock, new SecureRandom(), terms, turns, calls);
            LeaseArchive archive = new LeaseArchive(
                    options.paths().stateDirectory(), store.location() + ", " + store.configLocation(), clock);
            Leasing leasing = new Leasing(store, health, reader, loop, archive);
            Context context = new Context(backends, clock, options.paths().stateDirectory());
            shutdown.whenAsked(leasing::close);
            bindMetrics(clock, health);
            View view =
                    new View(state, store.location(), health::status, leasing::waitingFor, loop::duplicate, registry);
            CniEngine engine = cniEngine(view);
            try (AdminServer admin = new AdminServer(view, http);
                    Entrance entrance = new Entrance(admin, new CniCalls(engine), options);
                    TaskThread pods = new TaskThread("flannel-pods")) {
                entrance.openUnlessTaken();
                new PodRuleResync(engine, pods, options.hostRules().resync(), state.firewallRepairs).start();
                hold(leasing, context, entrance);
                leasing.close();
                calls.interrupt();
                if (options.lease().releaseOnStop() && loop.release()) {
                    archive.forget();
                }
            } finally {
                systemd.stopping();
                leasing.close();
                calls.interrupt();
            }
        }
    }

    /** One session after the other; usually there is just one. Once one was ready, what keeps the next from starting is awaited. */
    private void hold(Leasing leasing, Context context, Entrance entrance)
            throws IOException, ConfigException, ClosedException, InterruptedException {
        boolean again = true;
        String problem = "";
        while (again && !shutdown.isAsked()) {
            try {
                again = holdOnce(leasing, context, entrance);
                problem = "";
            } catch (IOException e) {
                if (!settled) {
                    throw e;
                }
                String now = String.valueOf(e.getMessage());
                if (!now.equals(problem)) {
                    log.error("{}; trying again every {} s until it works", now, RETRY_EVERY.toSeconds());
                }
                problem = now;
                state.waitFor("cannot start anew: " + now);
                shutdown.await(RETRY_EVERY);
            }
        }
    }

    /** Leases, and carries traffic until the session ends; true when another one shall begin. */
    private boolean holdOnce(Leasing leasing, Context context, Entrance entrance)
            throws IOException, ConfigException, ClosedException, InterruptedException {
        SessionPlan plan = plan(leasing.reader(), leasing.archive().read().orElse(null));
        lastPlan = plan;
        entrance.awaitOpen(shutdown::isAsked);
        if (shutdown.isAsked()) {
            return false;
        }
        state.waitFor("waiting for a lease");
        LeaseStatus.Held held = leasing.loop()
                .acquire(new Goal(
                        plan.config(),
                        plan.prepared().attributes(),
                        previous(),
                        plan.saved(),
                        leasing.store().assigns()));
        Lease own = held.lease().lease();
        state.waitFor("waiting for the list of peers");
        try (Session session = new Session(options, state, leasing, context, registry, plan, own)) {
            shutdown.whenAsked(() -> {
                leasing.close();
                session.end();
            });
            session.start(held.confirmed() ? null : plan.saved());
            removeLeftovers(plan.config());
            if (!shutdown.isAsked() && !session.hasEnded()) {
                state.ready();
                systemd.ready();
                leasing.store().onReady();
                settle();
                log.info(
                        "ready: leased {}, {} peers",
                        own.subnets(),
                        state.peers().size());
            }
            boolean again = session.awaitEnd();
            state.waitFor(again ? "starting anew" : "stopping");
            config = session.config();
            return again;
        }
    }

    /** Where a session ran before, a network config that cannot be used is not the end: the one before stays in force. */
    private SessionPlan plan(StartupReader reader, @Nullable SavedLeases saved)
            throws IOException, ConfigException, ClosedException {
        NetworkConfig before = config;
        if (lastPlan != null) {
            lastPlan.uplinks().find(lastPlan.uplink()); // first, for the store is usually asked through it
        }
        state.waitFor("waiting for the network config");
        try {
            NetworkConfig newest = reader.awaitNetworkConfig(saved);
            options.requireAllowed(newest);
            return prepare(newest, reader, saved);
        } catch (ConfigException e) {
            if (before == null) {
                throw e;
            }
            log.error("{}; going on with the one before", e.oneLine());
            return prepare(before, reader, saved);
        }
    }

    private SessionPlan prepare(NetworkConfig wanted, StartupReader reader, @Nullable SavedLeases saved)
            throws IOException, ConfigException, ClosedException {
        boolean isNew = !wanted.equals(config);
        config = wanted;
        Uplink before = state.startup.uplink();
        state.startup = new NodeState.Startup("waiting for what the store knows of this node", before, wanted);
        StartupReader.Notes notes = reader.awaitNotes(saved);
        earlier = notes.notes().earlier();
        UplinkWatch.Finder uplinks = uplinks(wanted, notes.notes());
        Uplink uplink = before == null ? findUplink(wanted, notes.notes(), Set.of()) : uplinks.find(before);
        state.startup = new NodeState.Startup(state.startup.waitingFor(), uplink, wanted);
        log.info(
                "using {} with {}, known to others as {}", uplink.name(), uplink.addresses(), uplink.publicAddresses());
        if (isNew) {
            NetworkOverlap.refuse(wanted, options.store() instanceof KubeOptions, uplink, previous());
        }
        BackendProvider.Prepared prepared =
                backends.get(wanted.backend().type()).prepare(wanted, uplink);
        return new SessionPlan(wanted, uplink, uplinks, firewall(wanted), prepared, notes.saved());
    }

    /** How the uplink is found anew; an address in use is kept while the interface has it. */
    private UplinkWatch.Finder uplinks(NetworkConfig config, NodeNotes notes) {
        return current -> findUplink(
                config,
                notes,
                Stream.of(Optional.ofNullable(current.address()), Optional.ofNullable(current.ipv6Address()))
                        .flatMap(Optional::stream)
                        .collect(Collectors.toSet()));
    }

    private Uplink findUplink(NetworkConfig config, NodeNotes notes, Set<IpAddress> preferred) throws IOException {
        UplinkOptions known = options.uplink().withPublicIps(notes.publicIpv4(), notes.publicIpv6());
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            return new UplinkFinder(netlink, preferred).find(known, config.ipv4() != null, config.ipv6() != null);
        }
    }

    /** The flavour that the config asks for. */
    private Firewalls firewall(NetworkConfig config) throws IOException {
        if (!config.enableNftables()) {
            Preflight.requireBridgeNetfilter();
        }
        return firewall(config.enableNftables());
    }

    private Firewalls firewall(boolean nftables) {
        Instance instance = options.paths().instance();
        return nftables
                ? new Firewalls(new Nftables(false, instance), new Nftables(true, instance))
                : new Firewalls(new Iptables(false, instance), new Iptables(true, instance));
    }

    /** Takes away what earlier starts with the other flavour or with more families left, once our rules are in force. */
    private void removeLeftovers(NetworkConfig config) {
        removeLeftovers(!config.enableNftables(), true, true);
        removeLeftovers(config.enableNftables(), config.network() == null, config.ipv6Network() == null);
    }

    private void removeLeftovers(boolean nftables, boolean ofIpv4, boolean ofIpv6) {
        try {
            firewall(nftables).removeLeftovers(ofIpv4, ofIpv6);
        } catch (IOException e) {
            log.debug("no leftovers of the {} firewall: {}", nftables ? "nftables" : "iptables", e.getMessage());
        }
    }

    /** Once, beside everything else. */
    private void settle() {
        if (!settled) {
            settled = true;
            Thread thread = new Thread(
                    () -> {
                        if (!options.cniWarmup().isZero()) {
                            new CniRehearsal(options, () -> !shutdown.isAsked()).run();
                        }
                        // What the start left behind: in the heap it would stay for hours, and be collected in the
                        // midst of traffic.
                        System.gc();
                    },
                    "flannel-settle");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private @Nullable PodSubnets previous() {
        return SubnetEnv.readIfUsable(options.paths().subnetFile())
                .map(file -> new PodSubnets(file.subnet(), file.ipv6Subnet()))
                .orElse(null);
    }

    private static CniEngine cniEngine(View view) {
        return new CniEngine(() ->
                "flanneld-j is not ready: " + String.join("; ", view.status().reasons()));
    }

    private void bindMetrics(Clock clock, StoreHealth health) {
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        JvmGcMetrics unclosed = new JvmGcMetrics(); // lives as long as the process
        unclosed.bindTo(registry);
        Gauges.bind(registry, MetricNames.READY, () -> state.startup.ready() ? 1 : 0);
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
        Gauges.bind(registry, MetricNames.FIREWALL_REPAIRS, state.firewallRepairs::get);
        Gauges.bind(registry, MetricNames.HOST_REPAIRS, state.hostRepairs::get);
        Gauges.bind(registry, MetricNames.FIREWALL_DROPS, Tags.of("reason", "tunnel"), state.droppedToTunnel::get);
        Gauges.bind(registry, MetricNames.FIREWALL_DROPS, Tags.of("reason", "source"), state.droppedForged::get);
        Gauges.bindCount(registry, MetricNames.HTTP_CLOSED, http, HttpCounters::closedConnections);
        Gauges.bindCount(registry, MetricNames.HTTP_REFUSED, http, HttpCounters::refusedRequests);
        Gauges.bind(registry, MetricNames.STORE_REACHABLE, () -> health.status().reachable() ? 1 : 0);
        Gauges.bind(registry, MetricNames.STORE_AGE, () -> {
            Instant last = health.status().lastContact();
            return last.equals(Instant.EPOCH)
                    ? -1
                    : Duration.between(last, clock.instant()).toSeconds();
        });
        Gauges.bind(registry, MetricNames.LEASE_FENCED, () -> fromSession(session -> session.fenced() ? 1 : 0, 0));
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
        Gauges.bind(
                registry,
                MetricNames.LEASE_REMAINING,
                () -> fromSession(session -> secondsUntil(session.own().expiresAt(), clock), -1));
    }

    private double fromSession(ToDoubleFunction<SessionStatus> value, double without) {
        SessionStatus session = state.session;
        return session == null ? without : value.applyAsDouble(session);
    }

    private static double secondsUntil(@Nullable Instant end, Clock clock) {
        return end == null ? -1 : Duration.between(clock.instant(), end).toSeconds();
    }
}
