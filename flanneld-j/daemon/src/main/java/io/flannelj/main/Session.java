package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.backend.BackendContext;
import io.flannelj.backend.Backends;
import io.flannelj.backend.Uplink;
import io.flannelj.config.ConfigChange;
import io.flannelj.config.ConfigException;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.loop.LeaseLoop;
import io.flannelj.lease.loop.PeerFeed;
import io.flannelj.lease.loop.TaskThread;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.lease.pool.SubnetChooser;
import io.flannelj.linux.SyscallException;
import io.flannelj.metrics.DatapathMetrics;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PerFamily;
import io.flannelj.net.SubnetEnv;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.probe.PathExaminer;
import io.flannelj.probe.loop.Prober;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node while it holds one lease: carries traffic to the peers that a {@link PeerFeed} names, keeps rules in force, and
 * sends nothing while a {@link LeaseLoop} says that the lease has ended. Both tell it, and know nothing of it. Ends when it is
 * asked to, or when lease or device are lost.
 *
 * <p>{@code flannel-control} owns the lease table and the backend, and waits for nobody but the kernel, so that the lease is
 * fenced in time; {@code flannel-rules} owns the firewall, {@code flannel-watch} waits for the store.
 */
final class Session implements Sessions.Running, PeerFeed.Listener, UplinkWatch.Listener {
    private static final Logger log = LoggerFactory.getLogger(Session.class);
    private static final Duration REPAIR_EVERY = Duration.ofSeconds(10);
    private static final Duration SAVE_EVERY = Duration.ofSeconds(5);

    private final DaemonOptions options;
    private final NodeState state;
    private final LeaseLoop loop;
    private final ArchiveDraft archive;
    private final @Nullable LeaseCache saved;
    private final PodSubnets subnets;
    private final Uplink uplink;
    private final Backend backend;
    private final HostState host;
    private final HostUpkeep upkeep;
    private final RuleUpkeep ruleUpkeep;
    private final PeerAdmission admission;
    private final PeerFeed feed;
    private final UplinkWatch uplinkWatch;
    private final @Nullable Prober prober;
    private final @Nullable DatapathMetrics metrics;
    private final Troubles troubles = new Troubles();
    private final TaskThread control = new TaskThread("flannel-control");
    private final TaskThread watching = new TaskThread("flannel-watch");
    private final CountDownLatch synced = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean again;
    private volatile SessionStatus status;
    private int writtenMtuBytes;
    private boolean listed;
    private String seenDocument = "";
    private NetworkConfig newest;

    /**
     * Makes the backend; traffic is carried from {@link #start} on.
     *
     * @param leasing where leases come from; it outlives the session
     * @param rules outlive the session, too
     * @param plan what the session is made of
     * @param held the lease; where the store has not confirmed it, what the previous run wrote down serves until it answers
     * @throws IOException when the backend cannot be made; what was made is undone
     */
    Session(
            DaemonOptions options,
            NodeState state,
            Leasing leasing,
            HostRules rules,
            BackendContext context,
            MeterRegistry registry,
            SessionPlan plan,
            LeaseStatus.Held held)
            throws IOException {
        Lease own = held.lease().lease();
        this.options = options;
        this.state = state;
        this.loop = leasing.loop();
        this.archive = new ArchiveDraft(leasing.archive());
        this.saved = held.confirmed() ? null : plan.saved();
        this.subnets = own.subnets();
        this.uplink = plan.uplink();
        NetworkConfig config = plan.config();
        this.admission = new PeerAdmission(leasing.store(), subnets, uplink, state.refusals);
        this.host = new HostState(options, plan, subnets);
        host.removeUnused();
        this.backend = Backends.start(plan.prepared(), own, context, this::onBackendLost);
        this.status = new SessionStatus(config, own, backend, List.of(), false, "");
        this.newest = config;
        this.ruleUpkeep = new RuleUpkeep(
                rules, new RuleScope(config, subnets, uplink), state, guarded(List.of()), this::onTrouble);
        this.upkeep = new HostUpkeep(host, backend, config, uplink, state.repairs);
        this.feed = new PeerFeed(
                leasing.store(), leasing.health(), loop, subnets, control, watching, new SecureRandom(), this);
        this.uplinkWatch = new UplinkWatch(uplink, plan.uplinks(), control, this);
        this.prober = options.datapath().peerProbes() && !backend.deviceNames().isEmpty()
                ? new Prober(
                        context.clock(),
                        new SecureRandom(),
                        state.paths,
                        options.datapath().clampMss())
                : null;
        this.metrics = backend.counters().isEmpty()
                ? null
                : new DatapathMetrics(TrafficCounters.sumOf(backend::counters), registry);
    }

    /** Shows what is so now. Control thread only. */
    private void show(NetworkConfig config, Lease own, List<Lease> peers, boolean fenced) {
        String trouble = troubles.text();
        if (!trouble.isEmpty() && !trouble.equals(status.trouble())) {
            log.warn("{}", trouble);
        }
        status = new SessionStatus(config, own, backend, peers, fenced, trouble);
        state.session = status;
    }

    private void showTroubles() {
        show(status.config(), status.own(), status.peers(), status.fenced());
    }

    /** The config in force. Any thread may ask. */
    @Override
    public NetworkConfig config() {
        return status.config();
    }

    private void writeSubnetFile() throws IOException {
        NetworkConfig config = status.config();
        writtenMtuBytes = backend.podMtuBytes();
        new SubnetEnv(
                        config.networks(),
                        subnets.byFamily(),
                        writtenMtuBytes,
                        options.hostRules().masquerade())
                .write(options.paths().subnetFile());
    }

    /** Brings the rules into force, follows the store, and returns once the table is complete and in force, or it has ended. */
    @Override
    public boolean start() throws IOException, InterruptedException {
        host.claim();
        host.reconcileBlackholes();
        ruleUpkeep.enforce();
        writeSubnetFile();
        state.examiner = prober == null ? PathExaminer.NONE : prober;
        state.session = status;
        if (saved != null) {
            archive.beginWith(saved.config());
            seenDocument = saved.config();
        }
        feed.start(saved);
        loop.listen(status -> control.run(() -> onStatus(status)));
        ruleUpkeep.start(options.hostRules().resync());
        control.every(REPAIR_EVERY, this::repairRegularly);
        control.every(SAVE_EVERY, this::save);
        synced.await();
        if (!hasEnded()) {
            control.run(() -> upkeep.nameLeftovers(
                    subnets,
                    Stream.concat(status.peers().stream(), Stream.of(status.own()))
                            .map(Lease::attributes)));
            followUplink();
        }
        return !hasEnded();
    }

    private void followUplink() {
        Set<Integer> ownLinks = new HashSet<>();
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            for (String name : backend.deviceNames()) {
                new Links(netlink).find(name).ifPresent(link -> ownLinks.add(link.index()));
            }
            uplinkWatch.follow(ownLinks);
        } catch (SyscallException e) {
            log.warn("changes of the uplink are seen within {} s only: {}", REPAIR_EVERY.toSeconds(), e.getMessage());
        }
        control.run(uplinkWatch::look); // what changed before it followed
    }

    @Override
    public void onUplinkChanged(Uplink now) {
        log.warn(
                "the uplink {} with {}, MTU {}, is {} with {}, MTU {}, now; starting anew with the same subnet",
                uplink.name(),
                Uplink.text(uplink.tunnelAddresses()),
                uplink.mtuBytes(),
                now.name(),
                Uplink.text(now.tunnelAddresses()),
                now.mtuBytes());
        again = true;
        end();
    }

    @Override
    public void onUplinkMissing(String problem) {
        troubles.set(Troubles.Topic.UPLINK, problem);
        showTroubles();
    }

    @Override
    public void onHostChanged() {
        repair();
    }

    /** Waits for the end; true when lease or device were lost, and a new session shall begin. */
    @Override
    public boolean awaitEnd() throws InterruptedException {
        ended.await();
        state.waitFor(again ? "starting anew" : "stopping");
        return again;
    }

    /** As when the store says at once that the lease is another's. */
    private boolean hasEnded() {
        return ended.getCount() == 0;
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

    @Override
    public void onPeers(Collection<Lease> peers) {
        admission.offer(peers);
        applyPeers();
        listed = true;
        ruleUpkeep.afterwards(synced::countDown); // ready is who checks what the kernel carries
    }

    private void onStatus(LeaseStatus lease) {
        if (hasEnded()) {
            return;
        }
        if (lease instanceof LeaseStatus.Held held) {
            fence(false);
            onOwn(held);
        } else if (lease instanceof LeaseStatus.Fenced ended) {
            fence(true);
            archive.own(ended.lease()); // the next run must not go on with it either
            save();
        } else {
            onLost();
        }
    }

    private void onOwn(LeaseStatus.Held held) {
        StoredLease lease = held.lease();
        PerFamily<IpAddress> told = lease.lease().attributes().publicIps();
        if (held.confirmed() && !uplink.isKnownAs(told)) {
            log.warn(
                    "peers are told that this node is {}, no longer {}; starting anew with the same subnet",
                    Uplink.text(told),
                    Uplink.text(uplink.knownAs()));
            again = true;
            end();
        }
        archive.own(lease);
        show(status.config(), lease.lease(), status.peers(), status.fenced());
        save();
    }

    private void fence(boolean now) {
        if (status.fenced() != now) {
            show(status.config(), status.own(), status.peers(), now);
            if (now || listed) { // what survived the last stop in the kernel is not sent either
                applyPeers();
            }
            log.warn( // once it is so
                    "{}",
                    now
                            ? "our lease has ended and could not be renewed: sending nothing from it until it is"
                            : "our lease is renewed: sending again");
        }
    }

    private void onLost() {
        log.error("our lease {} is over; giving it up and asking for another one", subnets);
        archive.forget();
        again = true;
        end();
    }

    @Override
    public void onConfig(String newer) {
        if (newer.equals(seenDocument)) {
            return;
        }
        seenDocument = newer;
        try {
            NetworkConfig wanted = NetworkConfig.parse(newer);
            options.requireAllowed(wanted);
            archive.config(newer); // one that is refused is not kept
            newest = wanted;
            // First, for pods of ours must not reach those who have it already, nor forge packets to a tunnel of our
            // own.
            ruleUpkeep.followAtOnce(guarded(status.peers()));
            ruleUpkeep.afterwards(() -> control.run(() -> takeUp(wanted)));
        } catch (ConfigException e) {
            troubles.set(Troubles.Topic.CONFIG, e.oneLine() + "; going on with the one before");
            showTroubles();
        }
    }

    private void takeUp(NetworkConfig wanted) {
        if (!wanted.equals(newest)) {
            return; // another one came meanwhile
        }
        List<String> deferred = migrate(wanted);
        troubles.set(
                Troubles.Topic.CONFIG,
                deferred.isEmpty()
                        ? ""
                        : "the network config was changed in what takes effect at the next start only: "
                                + String.join("; ", deferred));
        showTroubles();
    }

    /** Takes up a newer config, where it takes no restart. Returns what has to wait for the next start. */
    private List<String> migrate(NetworkConfig wanted) {
        NetworkConfig before = status.config();
        List<String> deferred = ConfigChange.deferred(before, wanted);
        boolean migrates = !deferred.isEmpty() && ConfigChange.isOfBackendOnly(before, wanted);
        if (!deferred.isEmpty() && !migrates) {
            return deferred;
        }
        if (migrates) {
            Optional<String> objection = backend.migrate(wanted);
            if (objection.isPresent()) {
                return List.of(deferred.get(0) + " (" + objection.get() + ")");
            }
        }
        if (!wanted.equals(before)) {
            log.info("the network config was changed; each node leases {} now", SubnetChooser.describe(wanted));
            show(wanted, status.own(), status.peers(), status.fenced());
        }
        if (migrates && isSynced()) {
            applyPeers();
        }
        return List.of();
    }

    private boolean isSynced() {
        return synced.getCount() == 0;
    }

    private void applyPeers() {
        upkeep.expectChanges();
        boolean fenced = status.fenced();
        List<Lease> peers = fenced ? status.peers() : admission.admit(status.config());
        troubles.set(Troubles.Topic.BACKEND, "");
        try {
            if (fenced) {
                backend.fence();
            } else {
                backend.apply(peers);
            }
        } catch (IOException e) {
            troubles.set(Troubles.Topic.BACKEND, "not every peer can be reached: " + e.getMessage());
        }
        if (listed && !peers.equals(status.peers())) {
            PeerNews.between(status.peers(), peers).forEach(line -> log.info("{}", line));
        }
        if (!peers.equals(status.peers())) {
            archive.peersChanged();
        }
        ruleUpkeep.follow(guarded(peers));
        if (prober != null) {
            if (fenced) {
                prober.follow(List.of(), List.of());
            } else {
                prober.follow(backend.testedPaths(), backend.kernelPaths());
            }
        }
        state.unreached.update(backend.unreachable());
        backend.announcement().ifPresent(loop::announce);
        if (backend.podMtuBytes() != writtenMtuBytes) {
            try {
                writeSubnetFile();
            } catch (IOException e) {
                troubles.set(Troubles.Topic.BACKEND, "the MTU for new pods cannot be written: " + e.getMessage());
            }
        }
        show(status.config(), status.own(), peers, fenced); // once it is in force
    }

    private GuardedTunnels guarded(List<Lease> peers) {
        return GuardedTunnels.of(backend, newest, peers);
    }

    private void onTrouble(Troubles.Topic topic, String text) {
        control.run(() -> {
            troubles.set(topic, text);
            showTroubles();
        });
    }

    private void repairRegularly() {
        state.samplePool();
        if (isSynced()) {
            uplinkWatch.look(); // repairs, too
        }
    }

    /** The same call as for changes: what another program took away comes back. */
    private void repair() {
        if (isSynced()) {
            try {
                upkeep.repair(this::applyPeers);
                troubles.set(Troubles.Topic.ROUTES, "");
            } catch (IOException e) {
                troubles.set(Troubles.Topic.ROUTES, "blackhole routes cannot be put in order: " + e.getMessage());
            }
            showTroubles();
        }
    }

    private void save() {
        if (listed) {
            archive.write(status.peers(), feed.revision());
        }
    }

    @Override
    public void close(Sessions.Remains remains) {
        end();
        uplinkWatch.close();
        feed.close();
        watching.interrupt();
        watching.close();
        control.close();
        ruleUpkeep.close();
        save();
        state.examiner = PathExaminer.NONE;
        if (prober != null) {
            prober.close();
        }
        state.session = null;
        if (metrics != null) {
            metrics.close();
        }
        backend.close();
        if (remains == Sessions.Remains.STAY) {
            log.info("stopped; routes and rules stay in force for the next start");
        } else {
            restoreHost();
        }
    }

    private void restoreHost() {
        try {
            host.remove();
        } catch (IOException e) {
            log.warn("devices and routes could not all be removed: {}", e.getMessage());
        }
    }
}
