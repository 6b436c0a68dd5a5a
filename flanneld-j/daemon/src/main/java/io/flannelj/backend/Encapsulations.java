package io.flannelj.backend;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.BackendProvider.Prepared;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.lease.Announcement;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The encapsulations that a node speaks at one time, each a {@link Tunnel} of its own. Usually that is one: the network config's,
 * which leads, and which the whole pod network is routed into. Beside it stands the tunnel of an earlier network config for as
 * long as a peer that was reached by it takes no other, so that a network goes over from one to another, node by node, and no
 * packet is lost:
 *
 * <ul>
 *   <li>every tunnel takes packets from every peer;
 *   <li>our lease says what we take (see {@link Announcement}), and a peer is sent what leads as soon as its lease says that
 *       it takes it;
 *   <li>until then its subnet is routed into the tunnel that it prefers, which for a node of flannel's is the only one.
 * </ul>
 *
 * <p>No lease opens a tunnel: only the network config does, now or earlier in this node's life ({@link TunnelMemory}). A peer
 * that takes none of ours is not reached, and {@link #unreachable} says why.
 *
 * <p>Confined to the control thread, but for what the interface says of reading.
 */
public final class Encapsulations implements Backend {
    private static final Logger log = LoggerFactory.getLogger(Encapsulations.class);

    /** How long a tunnel is kept that no peer needs any more: one may learn late that we changed. */
    private static final Duration LINGER = Duration.ofMinutes(1);

    private final BackendRegistry providers;
    private final Uplink uplink;
    private final Lease own;
    private final Consumer<String> onLost;
    private final Clock clock;
    private final TunnelMemory memory;
    private final NetlinkSocket netlink;
    private final PeerRoutes plainRoutes;
    private final Map<String, NetworkConfig> configs = new HashMap<>();
    private final Map<String, Instant> needed = new HashMap<>();
    private final Map<String, Speaking> speaking = new LinkedHashMap<>();
    private final List<TrafficCounters> retired = new ArrayList<>();
    private volatile List<Tunnel> tunnels = List.of();
    private volatile List<TrafficCounters> counters = List.of();
    private volatile Speaking leading;
    private volatile Progress progress = new Progress(0, 0);
    private volatile Map<PodSubnets, String> unreachable = Map.of();
    private final Map<String, Part> parts = new HashMap<>();
    private Collection<Lease> told = List.of();
    private List<Listener> listeners = List.of();
    private String wanted;
    private String preferred;

    /** One encapsulation that we speak. */
    private record Speaking(String type, Tunnel.Spec spec, LeaseAttributes attributes, Tunnel tunnel) {}

    /** A peer and what its lease says. */
    private record Listener(Lease lease, Announcement says) {}

    /** What one tunnel has to do. */
    private record Part(List<Peer> peers, Set<Cidr> destinations) {
        static final Part NONE = new Part(List.of(), Set.of());
    }

    /**
     * How far the network has gone over to what leads here.
     *
     * @param peers that can be reached by any tunnel
     * @param led those of them that are sent what leads
     */
    public record Progress(int peers, int led) {
        /** 0 to 1; 1 where there is nobody. */
        public double part() {
            return peers == 0 ? 1 : (double) led / peers;
        }
    }

    private Encapsulations(
            BackendRegistry providers,
            NetworkConfig config,
            Uplink uplink,
            Lease own,
            Consumer<String> onLost,
            Clock clock,
            TunnelMemory memory,
            NetlinkSocket netlink,
            Speaking leading) {
        this.providers = providers;
        this.uplink = uplink;
        this.own = own;
        this.onLost = onLost;
        this.clock = clock;
        this.memory = memory;
        this.netlink = netlink;
        this.plainRoutes = new PeerRoutes(
                netlink,
                PodDestinations.of(PeerRoutes.networks(config.network(), config.ipv6Network()), own.subnets()),
                uplink);
        this.wanted = leading.type();
        this.preferred = leading.type();
        this.leading = leading;
        configs.put(leading.type(), config);
        speaking.put(leading.type(), leading);
        publish();
        plan();
    }

    /**
     * Starts with the encapsulation of the network config.
     *
     * @param prepared of that config; it must be a tunnel
     * @param stateDirectory where it is kept over restarts which tunnels earlier configs asked for
     * @throws IOException names the device, address or port that was refused, and the remedy
     */
    public static Encapsulations start(
            BackendRegistry providers,
            NetworkConfig config,
            Uplink uplink,
            Prepared prepared,
            Lease own,
            Consumer<String> onLost,
            Clock clock,
            Path stateDirectory)
            throws IOException {
        Tunnel.Spec spec = prepared.tunnel().orElseThrow();
        Tunnel tunnel = Tunnel.start(spec, own, onLost);
        try {
            Speaking first = new Speaking(config.backend().type(), spec, prepared.attributes(), tunnel);
            TunnelMemory memory = TunnelMemory.read(stateDirectory);
            return new Encapsulations(
                    providers, config, uplink, own, onLost, clock, memory, NetlinkSocket.open(), first);
        } catch (IOException | RuntimeException e) {
            tunnel.close();
            throw e;
        }
    }

    /**
     * Goes over to what a newer network config asks for, with the next {@link #apply}.
     *
     * @return why that cannot be done while running; empty when it will be
     */
    public Optional<String> lead(NetworkConfig newer) {
        String type = newer.backend().type();
        NetworkConfig known = configs.get(type);
        if (speaking.containsKey(type) && known != null && !known.backend().equals(newer.backend())) {
            return Optional.of("the options of " + type + " cannot be changed while it is spoken");
        }
        try {
            if (!providers.get(type).isTunnel(newer)) {
                return Optional.of(type + " with these options cannot stand beside " + leading.type());
            }
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
        configs.put(type, newer);
        wanted = type;
        return Optional.empty();
    }

    /** What our lease shall say; changes with {@link #apply}. */
    public LeaseAttributes attributes() {
        Map<String, LeaseAttributes> decodes = new LinkedHashMap<>();
        speaking.forEach((type, one) -> decodes.put(type, one.attributes()));
        return new Announcement(preferred, decodes).toAttributes();
    }

    /** How far the network has gone over. Any thread. */
    public Progress progress() {
        return progress;
    }

    @Override
    public void apply(Collection<Lease> peers) throws IOException {
        boolean changed = isOther(peers);
        if (changed) {
            told = peers;
            listeners = peers.stream()
                    .map(lease -> new Listener(lease, Announcement.of(lease.attributes())))
                    .toList();
        }
        Attempts attempts = new Attempts();
        Instant now = clock.instant();
        Set<String> before = Set.copyOf(speaking.keySet());
        attempts.run(() -> speak(wanted));
        boolean goneOver = follow();
        remember(now);
        for (String type : memory.earlier().keySet()) {
            needed.putIfAbsent(type, now);
            if (isNeeded(type)) {
                needed.put(type, now);
                attempts.run(() -> speak(type));
            }
        }
        if (goneOver || changed || !before.equals(speaking.keySet())) {
            plan();
        }
        // All know everybody before any route leads there; and what leads comes last, since its route to the whole
        // network must not overtake those to single subnets.
        for (Speaking one : speaking.values()) {
            one.tunnel().know(parts.getOrDefault(one.type(), Part.NONE).peers());
        }
        for (Speaking one : speaking.values()) {
            if (!leads(one)) {
                attempts.run(() -> carryOut(one));
            }
        }
        attempts.run(() -> carryOut(leading));
        // Plain routes to peers, which a daemon with another backend left, would win over ours.
        attempts.run(() -> plainRoutes.reconcile(List.of(), Set.of(uplink.index())));
        retire(now);
        attempts.throwIfAny();
    }

    /** The same collection again is the regular repair. */
    @SuppressWarnings("ReferenceEquality")
    private boolean isOther(Collection<Lease> peers) {
        return peers != told;
    }

    private boolean leads(Speaking one) {
        return one.type().equals(leading.type());
    }

    /** Decides who is sent what. */
    private void plan() {
        Map<String, Set<Cidr>> routed = new HashMap<>();
        for (Listener listener : listeners) {
            String by = choose(listener);
            Cidr subnet = listener.lease().subnets().ipv4();
            if (by != null && subnet != null) {
                routed.computeIfAbsent(by, type -> new LinkedHashSet<>()).add(subnet);
            }
        }
        unreachable = Unreachable.among(
                listeners.stream().map(Listener::lease).toList(),
                leading.type(),
                lease -> choose(new Listener(lease, Announcement.of(lease.attributes()))) != null);
        parts.clear();
        for (Speaking one : speaking.values()) {
            Set<Cidr> destinations =
                    leads(one) ? Set.of(one.spec().network()) : routed.getOrDefault(one.type(), Set.of());
            parts.put(one.type(), new Part(known(one), destinations));
        }
        preferred = understood();
        report(routed);
    }

    /** Notes what is in force, and at a change who was reached by what was before. */
    private void remember(Instant now) {
        BackendConfig current = config(leading.type()).backend();
        BackendConfig before = memory.current().orElse(current);
        if (memory.current().isPresent() && before.equals(current)) {
            return;
        }
        needed.put(before.type(), now);
        memory.change(
                current,
                listeners.stream()
                        .filter(listener -> takesOnly(listener, before.type()))
                        .map(listener -> TunnelMemory.name(listener.lease()))
                        .collect(Collectors.toSet()));
    }

    /** Whether a peer that was reached by an earlier tunnel still takes nothing newer. */
    private boolean isNeeded(String type) {
        TunnelMemory.Earlier earlier = memory.earlier().get(type);
        return earlier != null
                && listeners.stream()
                        .filter(listener -> takesOnly(listener, type))
                        .anyMatch(listener -> earlier.peers().contains(TunnelMemory.name(listener.lease())));
    }

    private boolean takesOnly(Listener listener, String type) {
        Set<String> takes = listener.says().decodes().keySet();
        return takes.contains(type) && !takes.contains(leading.type());
    }

    private NetworkConfig config(String type) {
        return Objects.requireNonNull(configs.get(type), "the config of a tunnel that is spoken");
    }

    private void carryOut(Speaking one) throws IOException {
        one.tunnel().carry(parts.getOrDefault(one.type(), Part.NONE).destinations());
    }

    /** Starts what is not spoken yet; nothing happens where we cannot. */
    private void speak(String type) throws IOException {
        if (speaking.containsKey(type)) {
            return;
        }
        NetworkConfig config = configs.get(type);
        TunnelMemory.Earlier earlier = memory.earlier().get(type);
        if (config == null && earlier != null) {
            config = config(leading.type()).withBackend(earlier.backend());
        }
        if (config == null || !providers.get(type).isTunnel(config)) {
            return;
        }
        Prepared prepared = providers.get(type).prepare(config, uplink);
        Optional<Tunnel.Spec> spec = prepared.tunnel();
        if (spec.isEmpty()) {
            return;
        }
        Tunnel tunnel = Tunnel.open(spec.get(), own, onLost);
        configs.put(type, config);
        speaking.put(type, new Speaking(type, spec.get(), prepared.attributes(), tunnel));
        publish();
    }

    /** Whether something else leads now. */
    private boolean follow() {
        Speaking next = speaking.get(wanted);
        if (next == null || leads(next)) {
            return false;
        }
        log.info("going over from {} to {}", leading.type(), next.type());
        leading = next;
        publish();
        return true;
    }

    /** What a peer is sent; null when its lease has what we need to know for nothing that we speak. */
    private @Nullable String choose(Listener listener) {
        return Stream.concat(
                        Stream.of(leading.type(), listener.says().preferred()),
                        listener.says().decodes().keySet().stream())
                .filter(type -> peer(listener, type).isPresent())
                .findFirst()
                .orElse(null);
    }

    /** A peer as the end of one of our tunnels; empty when we do not speak it or the lease does not say enough. */
    private Optional<Peer> peer(Listener listener, String type) {
        Speaking one = speaking.get(type);
        LeaseAttributes theirs = listener.says().decodes().get(type);
        Lease lease = listener.lease();
        return one == null || theirs == null
                ? Optional.empty()
                : one.spec().peerOf().apply(new Lease(lease.subnets(), theirs, lease.expiresAt()));
    }

    /** The peers of one tunnel: those that it can reach, and those that may send by it before they can be reached. */
    private List<Peer> known(Speaking one) {
        List<Peer> peers = new ArrayList<>();
        for (Listener listener : listeners) {
            Lease lease = listener.lease();
            Cidr subnet = lease.subnets().ipv4();
            IpAddress address = lease.attributes().publicIpv4();
            Optional<Peer> peer = peer(listener, one.type());
            if (peer.isPresent()) {
                peers.add(peer.get());
            } else if (subnet != null && address != null && choose(listener) != null) {
                peers.add(new Peer(subnet, address, 0, 0)); // nothing is routed to it here
            }
        }
        return peers;
    }

    /**
     * What our lease names as its type. A node of flannel's with vxlan takes no other lease for a peer's, whereas one with udp
     * takes any; so while there is one of the former, that is what we are.
     */
    private String understood() {
        return listeners.stream()
                .filter(listener -> !Announcement.saysMore(listener.lease().attributes()))
                .filter(listener -> !listener.lease().attributes().backendType().isEmpty())
                .map(listener -> listener.says().preferred())
                .filter(speaking::containsKey)
                .filter(type -> !type.equals(leading.type()))
                .findFirst()
                .orElse(leading.type());
    }

    private void retire(Instant now) {
        List<String> over = Stream.concat(speaking.keySet().stream(), memory.earlier().keySet().stream())
                .distinct()
                .filter(type -> !type.equals(leading.type()))
                .filter(type ->
                        now.isAfter(needed.getOrDefault(type, Instant.EPOCH).plus(LINGER)))
                .toList();
        for (String type : over) {
            memory.forget(type);
            configs.remove(type);
            Speaking one = speaking.remove(type);
            if (one != null) {
                log.info(
                        "no peer needs {} any more; closing {}",
                        type,
                        one.tunnel().deviceNames());
                one.tunnel().counters().stream().map(TrafficCounters::frozen).forEach(retired::add);
                one.tunnel().close();
                publish();
            }
        }
        if (!over.isEmpty()) {
            plan();
        }
    }

    private void report(Map<String, Set<Cidr>> routed) {
        int peers = routed.values().stream().mapToInt(Set::size).sum();
        Progress reached = new Progress(
                peers, routed.getOrDefault(leading.type(), Set.of()).size());
        if (!reached.equals(progress) && (reached.part() < 1 || progress.part() < 1)) {
            log.info("{} of {} peers are sent {}", reached.led(), reached.peers(), leading.type());
        }
        progress = reached;
    }

    /** Shows to readers what has changed. */
    private void publish() {
        List<Tunnel> ordered = new ArrayList<>(List.of(leading.tunnel()));
        List<TrafficCounters> all = new ArrayList<>(retired);
        for (Speaking one : speaking.values()) {
            if (!leads(one)) {
                ordered.add(one.tunnel());
            }
        }
        tunnels = List.copyOf(ordered);
        datapaths().forEach(path -> all.add(path.counters()));
        counters = List.copyOf(all);
    }

    /** The tunnels stay open, and what is known of the peers stays known. */
    @Override
    public void fence() {
        speaking.values().forEach(one -> one.tunnel().know(List.of()));
    }

    @Override
    public List<String> deviceNames() {
        return tunnels.stream().flatMap(tunnel -> tunnel.deviceNames().stream()).toList();
    }

    @Override
    public List<TunnelEndpoint> endpoints() {
        return tunnels.stream().flatMap(tunnel -> tunnel.endpoints().stream()).toList();
    }

    @Override
    public int podMtuBytes() {
        return leading.tunnel().podMtuBytes();
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
    public List<TrafficCounters> counters() {
        return counters;
    }

    @Override
    public void close() {
        tunnels.forEach(Tunnel::close);
        netlink.close();
    }
}
