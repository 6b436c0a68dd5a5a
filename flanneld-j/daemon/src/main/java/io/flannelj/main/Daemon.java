package io.flannelj.main;

import io.flannelj.admin.AdminServer;
import io.flannelj.admin.HttpCounters;
import io.flannelj.backend.BackendContext;
import io.flannelj.backend.BackendRegistry;
import io.flannelj.backend.NetworkOverlap;
import io.flannelj.backend.Prepared;
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
import io.flannelj.config.KubeOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.TunnelSettings;
import io.flannelj.config.UplinkOptions;
import io.flannelj.explain.QueryServer;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
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
import io.flannelj.net.IpAddress;
import io.flannelj.net.SubnetEnv;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.recorder.EventFiles;
import io.flannelj.recorder.Recorder;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The composition root: who is made, in which order it starts, and in which it stops. */
final class Daemon {
    private static final Logger log = LoggerFactory.getLogger(Daemon.class);
    private static final int FAILED = 1;
    private static final int MISCONFIGURED = 2;

    private final DaemonOptions options;
    private final Shutdown shutdown;
    private final SdNotify systemd = new SdNotify(System.getenv("NOTIFY_SOCKET"));
    private boolean settled;
    private volatile @Nullable View view;

    /** What an earlier run told the peers, where the store remembers. */
    private volatile @Nullable LeaseAttributes earlier;

    private final NodeState state = new NodeState();
    private final HostRules rules;
    private final BackendRegistry backends;
    private final HttpCounters http = new HttpCounters();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

    Daemon(DaemonOptions options, Shutdown shutdown) {
        this.options = options;
        this.shutdown = shutdown;
        this.rules = new HostRules(
                options.hostRules(),
                options.admin().queryPort(),
                options.paths().instance());
        DatapathOptions datapath = options.datapath();
        Path stateDirectory = options.paths().stateDirectory();
        TunnelSettings tunnels = datapath.tunnels();
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
        log.info("{}", StartLine.of(Version.current(), systemProperties(), options));
        try {
            Preflight.requireNetAdmin();
            serve();
            log.info(
                    options.handover().keepOnStop()
                            ? "stopped"
                            : "stopped; routes, rules and devices are removed, and the lease {}",
                    options.lease().releaseOnStop() ? "is given back" : "stays until it ends");
            return 0;
        } catch (ConfigException e) {
            String.valueOf(e.getMessage()).lines().forEach(line -> log.error("{}", line));
            return MISCONFIGURED;
        } catch (ClosedException | InterruptedException e) {
            log.info("stopped while waiting");
            return 0;
        } catch (IOException e) {
            log.error("{}", e.getMessage());
            return FAILED;
        } catch (RuntimeException e) {
            log.error("failed: {}", e.toString(), e);
            return FAILED;
        }
    }

    private static Map<String, String> systemProperties() {
        Map<String, String> properties = new HashMap<>();
        System.getProperties().forEach((name, value) -> properties.put(String.valueOf(name), String.valueOf(value)));
        return properties;
    }

    private void serve() throws IOException, ConfigException, ClosedException, InterruptedException {
        BootClock clock = BootClock.start();
        try (SubnetManager store = Stores.open(options.store(), clock);
                TaskThread turns = new TaskThread("flannel-lease");
                TaskThread calls = new TaskThread("flannel-store");
                TaskThread disk = new TaskThread("flannel-disk")) {
            StoreHealth health = new StoreHealth(clock, store.location());
            StartupReader reader = new StartupReader(store, health, clock, new SecureRandom());
            Terms terms =
                    new Terms(options.lease().timeToLive(), options.lease().renewMargin());
            LeaseLoop loop = new LeaseLoop(store, health, clock, new SecureRandom(), terms, turns, calls);
            LeaseArchive archive = new LeaseArchive(
                    options.paths().stateDirectory(),
                    store.location() + ", " + store.configLocation(),
                    clock::moment,
                    disk);
            Leasing leasing = new Leasing(store, health, reader, loop, archive);
            BackendContext context =
                    new BackendContext(backends, clock, options.paths().stateDirectory(), disk::run);
            shutdown.whenAsked(leasing::close);
            new DaemonMetrics(registry, state, clock).bind(health, store, http);
            CniEngine engine = new CniEngine(
                    this::notReady, options.paths().stateDirectory().resolve("cni-directories"));
            ExplainFacts facts = new ExplainFacts(
                    state,
                    health::status,
                    engine::stateDirectories,
                    options.admin().queryPort());
            View view = new View(
                    state,
                    store.location(),
                    health::status,
                    store::lagRevisions,
                    leasing::waitingFor,
                    loop::duplicate,
                    facts::ask,
                    registry,
                    new PeerMetrics(registry, options.admin().metricsPeers()));
            this.view = view;
            try (QueryServer queries = new QueryServer(facts);
                    AdminServer admin = new AdminServer(view, http);
                    Endpoints endpoints = new Endpoints(admin, new CniCalls(engine, registry), options);
                    TaskThread pods = new TaskThread("flannel-pods");
                    FactsRecorder recorder = new FactsRecorder(
                            state, new Recorder(new EventFiles(options.paths().stateDirectory()), clock))) {
                endpoints.openUnlessTaken();
                new PodRuleResync(engine, pods, options.hostRules().resync(), state.repairs).start();
                queries.start();
                recorder.start();
                boolean keepOnStop = options.handover().keepOnStop();
                try {
                    new Sessions(new SessionSteps(leasing, context, endpoints), keepOnStop).run();
                } finally {
                    if (!keepOnStop) {
                        rules.remove();
                    }
                }
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

    /** How a session is made. */
    private final class SessionSteps implements Sessions.Steps {
        private final Leasing leasing;
        private final BackendContext context;
        private final Endpoints endpoints;
        private @Nullable LeaseCache saved;
        private @Nullable SessionPlan last;
        private @Nullable PodSubnets subnets;

        SessionSteps(Leasing leasing, BackendContext context, Endpoints endpoints) {
            this.leasing = leasing;
            this.context = context;
            this.endpoints = endpoints;
        }

        @Override
        public boolean isStopAsked() {
            return shutdown.isAsked();
        }

        @Override
        public NetworkConfig newest() throws IOException, ConfigException, ClosedException {
            saved = leasing.archive().read().orElse(null);
            if (last != null // first, for the store is usually asked through it
                    && !last.uplinks().find(last.uplink()).keepsConnectionsOf(last.uplink())) {
                leasing.store().reconnect();
            }
            state.waitFor("waiting for the network config");
            NetworkConfig newest = leasing.reader().awaitNetworkConfig(saved);
            options.requireAllowed(newest);
            return newest;
        }

        @Override
        public Optional<Sessions.Running> begin(NetworkConfig wanted, boolean isNew)
                throws IOException, ConfigException, ClosedException, InterruptedException {
            SessionPlan plan = prepare(wanted, isNew, leasing.reader(), saved);
            last = plan;
            endpoints.awaitOpen(shutdown::isAsked);
            if (shutdown.isAsked()) {
                return Optional.empty();
            }
            state.waitFor("waiting for a lease");
            LeaseStatus.Held held = leasing.loop()
                    .acquire(new Goal(
                            plan.config(),
                            plan.prepared().attributes(),
                            previous(),
                            plan.saved(),
                            leasing.store().assigns()));
            subnets = held.lease().subnets();
            state.waitFor("waiting for the list of peers");
            Session session = new Session(options, state, leasing, rules, context, registry, plan, held);
            shutdown.whenAsked(() -> {
                leasing.close();
                session.end();
            });
            return Optional.of(session);
        }

        @Override
        public void onReady(NetworkConfig config) {
            state.ready();
            systemd.ready();
            leasing.store().onReady();
            settle();
            log.info("ready: leased {}, {} peers", subnets, state.peers().size());
        }

        @Override
        public void pause(String problem, Duration length) throws InterruptedException {
            state.waitFor("cannot start anew: " + problem);
            shutdown.await(length);
        }
    }

    private SessionPlan prepare(NetworkConfig wanted, boolean isNew, StartupReader reader, @Nullable LeaseCache saved)
            throws IOException, ConfigException, ClosedException {
        Uplink before = state.startup.uplink();
        state.startup = new NodeState.Startup("waiting for what the store knows of this node", before, wanted);
        StartupReader.Notes notes = reader.awaitNotes(saved);
        earlier = notes.notes().earlier();
        UplinkWatch.Finder uplinks = uplinks(wanted, notes.notes());
        Uplink uplink = before == null ? findUplink(wanted, notes.notes(), Set.of()) : uplinks.find(before);
        state.startup = new NodeState.Startup(state.startup.waitingFor(), uplink, wanted);
        log.info(
                "using {} with {}, known to others as {}",
                uplink.name(),
                Uplink.text(uplink.tunnelAddresses()),
                Uplink.text(uplink.knownAs()));
        if (isNew) {
            NetworkOverlap.refuse(wanted, options.store() instanceof KubeOptions, uplink, previous());
        }
        Prepared prepared = backends.get(wanted.backend().type()).prepare(wanted, uplink);
        if (!wanted.enableNftables()) {
            Preflight.requireBridgeNetfilter();
        }
        return new SessionPlan(wanted, uplink, uplinks, prepared, notes.saved());
    }

    /** How the uplink is found anew; an address in use is kept while the interface has it. */
    private UplinkWatch.Finder uplinks(NetworkConfig config, NodeNotes notes) {
        return current ->
                findUplink(config, notes, Set.copyOf(current.addresses().values()));
    }

    private Uplink findUplink(NetworkConfig config, NodeNotes notes, Set<IpAddress> preferred) throws IOException {
        UplinkOptions known = options.uplink().withPublicIps(notes.publicIps());
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            return new UplinkFinder(netlink, preferred).find(known, notes.overwrites(), config.families());
        }
    }

    /** Once, beside everything else. */
    private void settle() {
        if (!settled) {
            settled = true;
            Thread thread = new Thread(
                    () -> {
                        if (!options.cniWarmup().isZero()) {
                            new CniWarmup(options, () -> !shutdown.isAsked()).run();
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
                .map(file -> new PodSubnets(file.subnets()))
                .orElse(null);
    }

    /** What the CNI plugin says where the node has no subnet yet. */
    private String notReady() {
        View known = view;
        return "flanneld-j is not ready: "
                + (known == null ? "starting" : String.join("; ", known.status().reasons()));
    }
}
