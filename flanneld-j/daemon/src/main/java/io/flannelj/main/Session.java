package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.backend.BackendContext;
import io.flannelj.backend.Backends;
import io.flannelj.backend.Uplink;
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
import io.flannelj.linux.SyscallException;
import io.flannelj.metrics.DatapathMetrics;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PerFamily;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
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
    private final SessionReport report;
    private final PeersInForce peers;
    private final ConfigFollower configs;
    private final SubnetFile subnetFile;
    private final PeerFeed feed;
    private final UplinkWatch uplinkWatch;
    private final SessionProbes probes;
    private final @Nullable DatapathMetrics metrics;
    private final TaskThread control = new TaskThread("flannel-control");
    private final TaskThread watching = new TaskThread("flannel-watch");
    private final CountDownLatch synced = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean again;

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
        this.host = new HostState(options, plan, subnets);
        host.removeUnused();
        this.backend = Backends.start(plan.prepared(), own, context, this::onBackendLost);
        this.report = new SessionReport(state, config, own, backend);
        this.ruleUpkeep = new RuleUpkeep(
                rules,
                new RuleScope(config, subnets, uplink),
                state,
                GuardedTunnels.of(backend, config, List.of()),
                (topic, text) -> control.run(() -> report.showTrouble(topic, text)));
        this.configs =
                new ConfigFollower(options, backend, ruleUpkeep, archive, report, control, this::applyPeersOnceSynced);
        this.peers = new PeersInForce(
                new PeerAdmission(leasing.store(), subnets, uplink, state.refusals), backend, archive, report);
        this.subnetFile = new SubnetFile(options, subnets, backend, report);
        this.upkeep = new HostUpkeep(host, backend, config, uplink, state.repairs);
        this.feed = new PeerFeed(
                leasing.store(), leasing.health(), loop, subnets, control, watching, new SecureRandom(), this);
        this.uplinkWatch = new UplinkWatch(uplink, plan.uplinks(), control, this);
        this.probes = new SessionProbes(options, context, state, backend);
        this.metrics = backend.counters().isEmpty()
                ? null
                : new DatapathMetrics(TrafficCounters.sumOf(backend::counters), registry);
    }

    /** The config in force. Any thread may ask. */
    @Override
    public NetworkConfig config() {
        return report.status().config();
    }

    /** Brings the rules into force, follows the store, and returns once the table is complete and in force, or it has ended. */
    @Override
    public boolean start() throws IOException, InterruptedException {
        host.claim();
        host.reconcileBlackholes();
        ruleUpkeep.enforce();
        subnetFile.write();
        probes.publish();
        report.publish();
        if (saved != null) {
            configs.beginWith(saved.config());
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
                    Stream.concat(
                                    report.status().peers().stream(),
                                    Stream.of(report.status().own()))
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
        report.showTrouble(Troubles.Topic.UPLINK, problem);
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
    public void onPeers(Collection<Lease> leases) {
        peers.offer(leases);
        applyPeers();
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
        report.showOwn(lease.lease());
        save();
    }

    private void fence(boolean now) {
        if (report.status().fenced() != now) {
            report.showFenced(now);
            if (now || peers.areListed()) { // what survived the last stop in the kernel is not sent either
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
        configs.follow(newer);
    }

    private boolean isSynced() {
        return synced.getCount() == 0;
    }

    private void applyPeersOnceSynced() {
        if (isSynced()) {
            applyPeers();
        }
    }

    /** The one way by which peers, the fence and a newer tunnel come into force. */
    private void applyPeers() {
        upkeep.expectChanges();
        List<Lease> obeyed = peers.apply();
        ruleUpkeep.follow(GuardedTunnels.of(backend, configs.newest(), obeyed));
        probes.follow(report.status().fenced());
        state.unreached.update(backend.unreachable());
        backend.announcement().ifPresent(loop::announce);
        subnetFile.followMtu();
        report.showPeers(obeyed); // once it is in force
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
                report.showTrouble(Troubles.Topic.ROUTES, "");
            } catch (IOException e) {
                report.showTrouble(Troubles.Topic.ROUTES, "blackhole routes cannot be put in order: " + e.getMessage());
            }
        }
    }

    private void save() {
        if (peers.areListed()) {
            archive.write(report.status().peers(), feed.revision());
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
        probes.close();
        report.withdraw();
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
