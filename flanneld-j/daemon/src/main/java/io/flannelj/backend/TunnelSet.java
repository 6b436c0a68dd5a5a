package io.flannelj.backend;

import io.flannelj.backend.Migration.Way;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The backend of every {@link TunnelSpec}: the tunnels that a node has open at one time. Usually that is one: the network
 * config's, the primary, which the whole pod network is routed into. Beside it stands the tunnel of an earlier network config
 * for as long as a peer that was reached by it takes no other, so that a network migrates from one encapsulation to another,
 * node by node, and no packet is lost:
 *
 * <ul>
 *   <li>every tunnel takes packets from every peer;
 *   <li>our lease says what we take ({@link Migration#announcement}), and a peer is sent to by the primary tunnel as soon as its lease
 *       says that it takes that;
 *   <li>until then its subnet is routed into the tunnel that it prefers, which for a node of flannel's is the only one.
 * </ul>
 *
 * <p>No lease opens a tunnel: only the network config does, now or earlier on this node ({@link TunnelMemory}). A peer that
 * takes none of ours is not reached, and {@link #unreachable} says why.
 *
 * <p>Confined to the control thread, but for what the interface says of reading.
 */
final class TunnelSet implements Backend {
    private static final Logger log = LoggerFactory.getLogger(TunnelSet.class);

    /** How long a tunnel is kept that no peer needs any more: one may learn late that we changed. */
    private static final Duration LINGER = Duration.ofMinutes(1);

    /** Within that time peers have heard what our lease says. */
    private static final Duration HEARD_WITHIN = Duration.ofSeconds(2);

    private final Lease own;
    private final BackendContext context;
    private final Consumer<String> onLost;
    private final TunnelMemory memory;
    private final NetlinkSocket netlink;
    private final PeerRoutes plainRoutes;
    private final boolean canMigrate;
    private final Map<String, Tunnel> open = new LinkedHashMap<>();
    private final Map<String, Instant> needed = new HashMap<>();

    /** When peers are sent to by a tunnel that was opened beside another one; nothing for those that are older. */
    private final Map<String, Instant> sendFrom = new HashMap<>();

    private final List<TrafficCounters> retired = new ArrayList<>();
    private volatile Tunnel primary;
    private NetworkConfig wanted;
    private Collection<Lease> applied = List.of();
    private List<PeerView> peers = List.of();
    private List<Way> ways = List.of();
    private boolean stale = true;
    private volatile Set<Cidr> direct = Set.of();
    private List<KernelPath> kernelPaths = List.of();
    private volatile List<Tunnel> tunnels = List.of();
    private volatile List<TrafficCounters> counters = List.of();
    private volatile Progress progress = new Progress(0, 0);
    private volatile Map<PodSubnets, String> unreachable = Map.of();

    /**
     * How far the network has migrated to the primary tunnel.
     *
     * @param peers that can be reached by any tunnel
     * @param migrated those of them that are sent to by the primary one
     */
    private record Progress(int peers, int migrated) {
        double part() {
            return peers == 0 ? 1 : (double) migrated / peers;
        }
    }

    private TunnelSet(
            Tunnel primary,
            Lease own,
            BackendContext context,
            Consumer<String> onLost,
            NetlinkSocket netlink,
            boolean canMigrate) {
        TunnelSpec spec = primary.spec();
        this.own = own;
        this.context = context;
        this.onLost = onLost;
        this.memory = TunnelMemory.read(context.stateDirectory(), context.disk());
        this.netlink = netlink;
        this.plainRoutes =
                new PeerRoutes(netlink, PodDestinations.of(spec.config().networks(), own.subnets()), spec.uplink());
        this.canMigrate = canMigrate;
        this.primary = primary;
        this.wanted = spec.config();
        open.put(primary.type(), primary);
        publish();
    }

    /** Starts with one tunnel, that of the network config, with the whole pod network routed into it. */
    static TunnelSet start(TunnelSpec spec, Lease own, BackendContext context, Consumer<String> onLost)
            throws IOException {
        Tunnel primary = Tunnel.open(spec, own, onLost);
        try {
            primary.carry(primary.networks());
            boolean canMigrate = canMigrate(context, spec.config());
            return new TunnelSet(primary, own, context, onLost, NetlinkSocket.open(), canMigrate);
        } catch (IOException | RuntimeException e) {
            primary.close();
            throw e;
        }
    }

    @Override
    public Optional<String> migrate(NetworkConfig newer) {
        String type = newer.backend().type();
        Tunnel same = open.get(type);
        if (same != null && !same.spec().config().backend().equals(newer.backend())) {
            return Optional.of("the options of " + type + " cannot be changed while its tunnel is open");
        }
        try {
            if (!canMigrate || !canMigrate(context, newer)) {
                return Optional.of(primary.type() + " and " + type + " with these options cannot be open side by side");
            }
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
        wanted = newer;
        return Optional.empty();
    }

    private static boolean canMigrate(BackendContext context, NetworkConfig config) throws IOException {
        return context.providers().get(config.backend().type()).canMigrate(config);
    }

    private Migration migration() {
        Map<String, TunnelSpec> specs = new LinkedHashMap<>();
        open.forEach((type, tunnel) -> specs.put(type, tunnel.spec()));
        return new Migration(primary.type(), specs, sendFrom.keySet(), peers);
    }

    @Override
    public Optional<LeaseAttributes> announcement() {
        return Optional.of(migration().announcement());
    }

    @Override
    public double migrated() {
        return progress.part();
    }

    @Override
    public void apply(Collection<Lease> leases) throws IOException {
        if (isOther(leases)) {
            applied = leases;
            peers = leases.stream().map(PeerView::of).toList();
            stale = true;
        }
        BestEffort attempts = new BestEffort();
        Instant now = context.clock().instant();
        attempts.run(() -> open(wanted));
        switchPrimary();
        remember(now);
        for (TunnelMemory.Earlier earlier : memory.earlier().values()) {
            String type = earlier.backend().type();
            needed.putIfAbsent(type, now);
            if (migration().needs(earlier)) {
                needed.put(type, now);
                attempts.run(() -> open(wanted.withBackend(earlier.backend())));
            }
        }
        stale |= sendFrom.values().removeIf(from -> !from.isAfter(now));
        if (stale) {
            plan(); // all tunnels know all peers before any route leads there
        }
        for (Tunnel tunnel : open.values()) {
            if (tunnel != primary) {
                attempts.run(() -> tunnel.carry(subnetsBy(tunnel)));
            }
        }
        // Last, since its route to the whole network must not overtake those to single subnets.
        attempts.run(() -> primary.carry(primary.networks()));
        attempts.run(this::reconcilePlainRoutes);
        retire(now);
        attempts.throwIfAny();
    }

    /** The same collection again is the regular repair. */
    @SuppressWarnings("ReferenceEquality")
    private boolean isOther(Collection<Lease> leases) {
        return leases != applied;
    }

    /** Opens what is not open yet; nothing happens where it cannot stand beside the primary tunnel. */
    private void open(NetworkConfig config) throws IOException {
        String type = config.backend().type();
        if (!open.containsKey(type)
                && canMigrate
                && canMigrate(context, config)
                && context.providers().get(type).prepare(config, primary.spec().uplink()) instanceof TunnelSpec spec) {
            open.put(type, Tunnel.open(spec, own, onLost));
            sendFrom.put(type, context.clock().instant().plus(HEARD_WITHIN));
            stale = true;
            publish();
        }
    }

    private void switchPrimary() {
        Tunnel next = open.get(wanted.backend().type());
        if (next != null && next != primary) {
            log.info("migrating from {} to {}", primary.type(), next.type());
            primary = next;
            stale = true;
            publish();
        }
    }

    /** Notes what is in force, and at a change who was reached by what was before. */
    private void remember(Instant now) {
        BackendConfig current = primary.spec().config().backend();
        BackendConfig before = memory.current().orElse(current);
        if (memory.current().isPresent() && before.equals(current)) {
            return;
        }
        needed.put(before.type(), now);
        memory.change(current, migration().takingOnly(before.type()));
    }

    /** Decides anew which tunnel each peer is sent to by, and tells the data paths. */
    private void plan() {
        stale = false;
        ways = migration().ways();
        Set<PodSubnets> reached =
                ways.stream().map(way -> way.peer().lease().subnets()).collect(Collectors.toSet());
        unreachable = Unreachable.among(applied, primary.type(), lease -> reached.contains(lease.subnets()));
        for (Tunnel tunnel : open.values()) {
            tunnel.know(ways, tunnel == primary);
        }
        report();
    }

    private Set<Cidr> subnetsBy(Tunnel tunnel) {
        return ways.stream()
                .filter(way -> way.type().equals(tunnel.type()))
                .flatMap(way -> tunnel.spec().subnets(way.peer()))
                .collect(Collectors.toSet());
    }

    /**
     * Plain routes to peers, where those are wanted; the tunnel knows these peers all the same, since one that does not route
     * directly sends by it. Where they are not wanted, what a run with another config left would win over the tunnel's.
     */
    private void reconcilePlainRoutes() throws IOException {
        List<Route> routes = new ArrayList<>();
        if (primary.spec().directRouting()) {
            primary.datapaths().stream()
                    .flatMap(path -> path.peers().stream())
                    .forEach(peer -> plainRoutes
                            .direct(peer.subnet(), peer.underlayAddress())
                            .ifPresent(routes::add));
        }
        direct = routes.stream().map(Route::destination).collect(Collectors.toSet());
        kernelPaths = KernelPath.among(routes, primary.spec().uplink());
        plainRoutes.reconcile(routes, Set.of(primary.spec().uplink().index()));
    }

    private void retire(Instant now) {
        List<String> over = Stream.concat(open.keySet().stream(), memory.earlier().keySet().stream())
                .distinct()
                .filter(type -> !type.equals(primary.type()))
                .filter(type ->
                        now.isAfter(needed.getOrDefault(type, Instant.EPOCH).plus(LINGER)))
                .toList();
        for (String type : over) {
            memory.forget(type);
            Tunnel tunnel = open.remove(type);
            if (tunnel != null) {
                log.info("no peer needs {} any more; closing {}", type, tunnel.deviceNames());
                tunnel.datapaths().forEach(path -> retired.add(path.counters().frozen()));
                tunnel.close();
                publish();
            }
        }
        if (!over.isEmpty()) {
            plan();
        }
    }

    private void report() {
        Progress now = new Progress(ways.size(), (int)
                ways.stream().filter(way -> way.type().equals(primary.type())).count());
        if (!now.equals(progress) && (now.part() < 1 || progress.part() < 1)) {
            log.info("{} of {} peers are sent {}", now.migrated(), now.peers(), primary.type());
        }
        progress = now;
    }

    /** Shows to readers what has changed. */
    private void publish() {
        tunnels = Stream.concat(Stream.of(primary), open.values().stream().filter(tunnel -> tunnel != primary))
                .toList();
        counters = Stream.concat(retired.stream(), datapaths().stream().map(Datapath::counters))
                .toList();
    }

    /** The tunnels stay open. */
    @Override
    public void fence() throws IOException {
        open.values().forEach(tunnel -> tunnel.know(List.of(), false));
        stale = true;
        reconcilePlainRoutes();
    }

    @Override
    public List<String> superPackets() {
        return tunnels.stream()
                .flatMap(tunnel -> tunnel.superPackets().stream())
                .toList();
    }

    @Override
    public List<String> deviceNames() {
        return tunnels.stream().flatMap(tunnel -> tunnel.deviceNames().stream()).toList();
    }

    @Override
    public List<TunnelEndpoint> endpoints() {
        return tunnels.stream().flatMap(Tunnel::endpoints).distinct().toList();
    }

    @Override
    public List<TunnelEndpoint> spokenByUs() {
        return endpoints();
    }

    @Override
    public int podMtuBytes() {
        return primary.mtuBytes();
    }

    @Override
    public Map<PodSubnets, String> unreachable() {
        return unreachable;
    }

    @Override
    public List<Datapath> datapaths() {
        return tunnels.stream().flatMap(tunnel -> tunnel.datapaths().stream()).toList();
    }

    @Override
    public List<TestedPath> testedPaths() {
        return tunnels.stream()
                .flatMap(tunnel -> tunnel.testedPaths(direct).stream())
                .toList();
    }

    @Override
    public List<KernelPath> kernelPaths() {
        return kernelPaths;
    }

    @Override
    public List<TrafficCounters> counters() {
        return counters;
    }

    /** Direct routes stay: the kernel forwards by them. */
    @Override
    public void close() {
        tunnels.forEach(Tunnel::close);
        netlink.close();
    }
}
