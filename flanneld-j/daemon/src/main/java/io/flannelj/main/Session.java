package io.flannelj.main;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.BackendProvider.Prepared;
import io.flannelj.backend.BackendRegistry;
import io.flannelj.backend.Leftovers;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.Uplink;
import io.flannelj.config.ConfigChange;
import io.flannelj.config.ConfigException;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.firewall.Firewalls;
import io.flannelj.firewall.ForwardingCheck;
import io.flannelj.firewall.GuardDrops;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.SavedLeases;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.loop.LeaseLoop;
import io.flannelj.lease.loop.PeerFeed;
import io.flannelj.lease.loop.StoreHealth;
import io.flannelj.lease.loop.TaskQueue;
import io.flannelj.lease.loop.TaskThread;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.linux.SyscallException;
import io.flannelj.metrics.DatapathMetrics;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.SubnetEnv;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node while it holds one lease: carries traffic to the peers that a {@link PeerFeed} names, keeps rules in force, and
 * sends nothing while a {@link LeaseLoop} says that the lease has ended. Ends when it is closed, or when lease or device are
 * lost.
 *
 * <p>{@code flannel-control} owns the lease table, the backend and the firewall; {@code flannel-watch} waits for the store.
 */
final class Session implements AutoCloseable, PeerFeed.Listener, UplinkWatch.Listener {
    private static final Logger log = LoggerFactory.getLogger(Session.class);
    private static final Duration REPAIR_EVERY = Duration.ofSeconds(10);
    private static final Duration CHECK_FORWARDING_EVERY = Duration.ofSeconds(15);
    private static final Duration SAVE_EVERY = Duration.ofSeconds(5);

    private final DaemonOptions options;
    private final NodeState state;
    private final LeaseLoop loop;
    private final HostRules rules;
    private final PodSubnets subnets;
    private final Backend backend;
    private final PeerFeed feed;
    private final LeaseArchive archive;
    private final PeerAdmission admission;
    private final TaskThread control = new TaskThread("flannel-control");
    private final TaskThread watching = new TaskThread("flannel-watch");
    private final CountDownLatch synced = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Uplink uplink;
    private final UplinkWatch uplinkWatch;
    private final @Nullable DatapathMetrics metrics;
    private volatile boolean again;
    private NetworkConfig config;
    private List<Lease> sendTo = List.of();
    private int writtenMtuBytes;
    private @Nullable StoredLease stored;
    private boolean fenced;
    private boolean unsaved;
    private String document = "";
    private String backendTrouble = "";
    private String firewallTrouble = "";
    private String forwardingTrouble = "";
    private boolean forwardingChecked;
    private String configTrouble = "";
    private String uplinkTrouble = "";

    /** Everything a session needs, made by the daemon. */
    record Parts(
            DaemonOptions options,
            NodeState state,
            NetworkConfig config,
            SubnetManager store,
            StoreHealth health,
            LeaseLoop loop,
            LeaseArchive archive,
            Firewalls firewall,
            BackendRegistry backends,
            Uplink uplink,
            UplinkWatch.Finder uplinks,
            Clock clock,
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
        this.loop = parts.loop();
        this.archive = parts.archive();
        this.rules = new HostRules(
                parts.firewall(),
                options.hostRules(),
                options.paths().instance(),
                config,
                own.subnets(),
                former(),
                parts.uplink());
        this.subnets = own.subnets();
        this.admission = new PeerAdmission(parts.store(), own.subnets(), parts.uplink(), state.refusals);
        this.backend = prepared.start(
                own,
                new BackendProvider.Context(
                        parts.backends(),
                        parts.clock(),
                        options.paths().stateDirectory(),
                        this::onBackendLost));
        this.feed =
                new PeerFeed(parts.store(), parts.health(), own.subnets(), control, watching, new SecureRandom(), this);
        this.uplink = parts.uplink();
        this.uplinkWatch = new UplinkWatch(uplink, parts.uplinks(), control, this);
        try {
            rules.apply(backend, List.of());
            writeSubnetFile();
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
        state.own = own;
        state.backend = backend;
        this.metrics = backend.counters().isEmpty()
                ? null
                : new DatapathMetrics(TrafficCounters.sumOf(backend::counters), parts.registry());
    }

    /** Subnets of an earlier run, as its subnet file has them. */
    private List<Cidr> former() {
        return SubnetEnv.readIfUsable(options.paths().subnetFile())
                .map(file -> PeerRoutes.networks(file.subnet(), file.ipv6Subnet()))
                .orElse(List.of());
    }

    private void writeSubnetFile() throws IOException {
        writtenMtuBytes = backend.podMtuBytes();
        new SubnetEnv(
                        config.network(),
                        subnets.ipv4(),
                        config.ipv6Network(),
                        subnets.ipv6(),
                        writtenMtuBytes,
                        options.hostRules().masquerade())
                .write(options.paths().subnetFile());
    }

    /**
     * Follows the store, and returns once the table is complete and in force, or the session has ended.
     *
     * @param saved what serves until the store answers; null when it does
     */
    void start(@Nullable SavedLeases saved) throws InterruptedException {
        if (saved != null) {
            document = saved.config();
        }
        feed.start(saved);
        loop.listen(status -> control.run(() -> onStatus(status)));
        repeat(options.hostRules().resync(), this::resyncFirewall);
        repeat(REPAIR_EVERY, this::repairRegularly);
        control.run(this::checkForwarding);
        repeat(CHECK_FORWARDING_EVERY, this::checkForwarding);
        repeat(SAVE_EVERY, this::save);
        synced.await();
        if (!hasEnded()) {
            control.run(this::nameLeftovers);
            followUplink();
        }
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
                uplink.addresses(),
                uplink.mtuBytes(),
                now.name(),
                now.addresses(),
                now.mtuBytes());
        again = true;
        end();
    }

    @Override
    public void onUplinkMissing(String problem) {
        uplinkTrouble = problem;
        tellTrouble();
    }

    @Override
    public void onHostChanged() {
        repair();
    }

    /** Waits for the end; true when lease or device were lost, and a new session shall begin. */
    boolean awaitEnd() throws InterruptedException {
        ended.await();
        return again;
    }

    /** Whether it is over, as when the store says at once that the lease is another's. */
    boolean hasEnded() {
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
        if (!fenced) {
            admission.offer(peers);
        }
        applyPeers();
        synced.countDown();
    }

    @Override
    public void onOwnChanged() {
        loop.check();
    }

    private void onStatus(LeaseStatus status) {
        if (hasEnded()) {
            return;
        }
        if (status instanceof LeaseStatus.Held held) {
            fence(false);
            onOwn(held.lease());
        } else if (status instanceof LeaseStatus.Fenced) {
            fence(true);
        } else {
            onLost();
        }
    }

    private void onOwn(StoredLease lease) {
        stored = lease;
        state.own = lease.lease();
        unsaved = true;
        save();
    }

    private void fence(boolean now) {
        if (fenced != now) {
            fenced = now;
            state.fenced = now;
            log.warn(
                    "{}",
                    now
                            ? "our lease has ended and could not be renewed: sending nothing from it until it is"
                            : "our lease is renewed: sending again");
            feed.fence(now);
        }
    }

    private void onLost() {
        log.error("our lease {} is over; giving it up and asking for another one", subnets);
        archive.forget();
        unsaved = false;
        again = true;
        end();
    }

    @Override
    public void onConfig(String newer) {
        if (newer.equals(document)) {
            return;
        }
        document = newer;
        unsaved = true;
        try {
            NetworkConfig wanted = NetworkConfig.parse(newer);
            options.requireAllowed(wanted);
            List<String> deferred = migrate(wanted);
            configTrouble = deferred.isEmpty()
                    ? ""
                    : "the network config was changed in what takes effect at the next start only: "
                            + String.join("; ", deferred);
            if (deferred.isEmpty()) {
                NetworkConfig before = Objects.requireNonNull(state.config, "a config in force");
                if (!wanted.equals(before)) {
                    log.info(
                            "the network config was changed; subnets are leased from {} now",
                            Stream.of(Optional.ofNullable(wanted.ipv4()), Optional.ofNullable(wanted.ipv6()))
                                    .flatMap(Optional::stream)
                                    .map(SubnetPool::describe)
                                    .collect(Collectors.joining(", and ")));
                }
                state.config = wanted;
            }
        } catch (ConfigException e) {
            configTrouble = e.oneLine() + "; going on with the one before";
        }
        tellTrouble();
    }

    /** Migrates to another encapsulation when that is all that was changed; what has to wait for the next start. */
    private List<String> migrate(NetworkConfig wanted) {
        List<String> deferred = ConfigChange.deferred(config, wanted);
        if (deferred.isEmpty() || !ConfigChange.isOfBackendOnly(config, wanted)) {
            return deferred;
        }
        Optional<String> objection = backend.migrate(wanted);
        if (objection.isPresent()) {
            return List.of(deferred.get(0) + " (" + objection.get() + ")");
        }
        config = wanted;
        if (synced.getCount() == 0) {
            applyPeers();
        }
        return List.of();
    }

    private void applyPeers() {
        sendTo = fenced ? List.of() : admission.admit(Objects.requireNonNullElse(state.config, config));
        try {
            if (fenced) {
                backend.fence();
            } else {
                backend.apply(sendTo);
            }
            backendTrouble = "";
        } catch (IOException e) {
            backendTrouble = "not every peer can be reached: " + e.getMessage();
        }
        if (!fenced && !sendTo.equals(state.peers)) {
            state.peers = sendTo; // told once it is in force
            unsaved = true;
        }
        try {
            countRepair(rules.checkSources(backend));
        } catch (IOException e) {
            firewallTrouble = "sources of other nodes' packets cannot be checked: " + e.getMessage();
        }
        state.unreached.update(backend.unreachable());
        backend.announcement().ifPresent(loop::announce);
        if (backend.podMtuBytes() != writtenMtuBytes) {
            try {
                writeSubnetFile();
            } catch (IOException e) {
                backendTrouble = "the MTU for new pods cannot be written: " + e.getMessage();
            }
        }
        tellTrouble();
    }

    private void repairRegularly() {
        state.samplePool();
        if (synced.getCount() == 0) {
            uplinkWatch.look(); // repairs, too
        }
    }

    /** The same call as for changes: what somebody else took away comes back. */
    private void repair() {
        if (synced.getCount() == 0) {
            applyPeers();
        }
    }

    /** For a later life that finds the store away. A disk that refuses costs just that. */
    private void save() {
        StoredLease own = stored;
        if (!unsaved || own == null || document.isEmpty() || feed.revision() == 0) {
            return;
        }
        unsaved = false;
        archive.write(document, own, state.peers, feed.revision());
    }

    /** Says once what on this host works against us. */
    private void nameLeftovers() {
        if (backend.deviceNames().isEmpty()) {
            return; // somebody else brings the routes
        }
        Set<IpAddress> nodes = Stream.concat(state.peers.stream(), Stream.ofNullable(state.own))
                .map(Lease::attributes)
                .flatMap(peer ->
                        Stream.of(Optional.ofNullable(peer.publicIpv4()), Optional.ofNullable(peer.publicIpv6())))
                .flatMap(Optional::stream)
                .collect(Collectors.toSet());
        try {
            Leftovers.find(config, PeerRoutes.networks(subnets.ipv4(), subnets.ipv6()), backend.deviceNames(), nodes)
                    .forEach(line -> log.warn("{}", line));
        } catch (IOException e) {
            log.debug("leftovers could not be looked for: {}", e.getMessage());
        }
    }

    private void resyncFirewall() {
        try {
            countRepair(rules.apply(backend, sendTo));
            countRepair(rules.checkSources(backend));
            GuardDrops drops = rules.newDrops();
            state.droppedToTunnel.addAndGet(drops.toTunnel());
            state.droppedForged.addAndGet(drops.forgedSource());
            rules.logShortcoming(backend);
            firewallTrouble = "";
        } catch (IOException e) {
            firewallTrouble = "firewall rules cannot be checked: " + e.getMessage();
        }
        tellTrouble();
    }

    /** Whether this host forwards at all; what others make of it meanwhile is put right, or named. */
    private void checkForwarding() {
        Cidr network = config.network();
        if (network == null || backend.deviceNames().isEmpty()) {
            return;
        }
        try {
            if (ForwardingCheck.turnOn()) {
                if (forwardingChecked) {
                    state.hostRepairs.incrementAndGet();
                    log.warn("somebody else had turned net.ipv4.ip_forward off; it is on again");
                } else {
                    log.info("net.ipv4.ip_forward was off; it is on now, or nothing would reach pods");
                }
            }
            forwardingChecked = true;
            forwardingTrouble = String.join("; ", ForwardingCheck.obstacles(network, config.enableNftables()));
        } catch (IOException e) {
            forwardingTrouble = String.valueOf(e.getMessage());
        }
        tellTrouble();
    }

    private void countRepair(boolean repaired) {
        if (repaired) {
            state.firewallRepairs.incrementAndGet();
            log.warn("firewall rules had been changed by somebody else; put right");
        }
    }

    private void tellTrouble() {
        String text = Stream.of(uplinkTrouble, backendTrouble, firewallTrouble, forwardingTrouble, configTrouble)
                .filter(trouble -> !trouble.isEmpty())
                .collect(Collectors.joining("; "));
        if (!text.equals(state.trouble)) {
            state.trouble = text;
            if (!text.isEmpty()) {
                log.warn("{}", text);
            }
        }
    }

    private void repeat(Duration every, Runnable task) {
        TaskQueue.Pending unused = control.after(every, () -> {
            try {
                task.run();
            } finally {
                repeat(every, task);
            }
        });
    }

    @Override
    public void close() {
        end();
        uplinkWatch.close();
        feed.close();
        watching.interrupt();
        watching.close();
        control.close();
        save();
        state.ready = false;
        state.backend = null;
        state.trouble = "";
        state.fenced = false;
        if (metrics != null) {
            metrics.close();
        }
        if (options.handover().keepOnStop() && !again) { // after a failed start, too: what survived the last stop stays
            leaveHost();
        } else {
            restoreHost();
        }
    }

    /** Rules and what the kernel forwards by itself outlive us, and traffic goes on. */
    private void leaveHost() {
        backend.leave();
        rules.leave();
        log.info("stopped; routes and rules stay in force for the next start");
    }

    private void restoreHost() {
        backend.close();
        rules.remove();
    }
}
