package io.flannelj.main;

import io.flannelj.admin.DaemonView;
import io.flannelj.admin.PacketStream;
import io.flannelj.admin.PathDocument;
import io.flannelj.admin.PeerDocument;
import io.flannelj.admin.RefusedStreamException;
import io.flannelj.admin.StatusDocument;
import io.flannelj.backend.Backend;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Counter;
import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.explain.DaemonFacts;
import io.flannelj.explain.PathFacts;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.loop.StoreHealth;
import io.flannelj.net.Cidr;
import io.flannelj.probe.PathState;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.BinaryOperator;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Shows the daemon's state to servers. */
final class View implements DaemonView {
    private final NodeState state;
    private final String storeLocation;
    private final Supplier<StoreHealth.Status> store;
    private final Supplier<OptionalLong> lagRevisions;
    private final Supplier<String> storeWait;
    private final Supplier<String> duplicate;
    private final Supplier<DaemonFacts> facts;
    private final PrometheusMeterRegistry registry;
    private final PacketStreams packets;
    private final PeerMetrics peerMetrics;

    View(
            NodeState state,
            String storeLocation,
            Supplier<StoreHealth.Status> store,
            Supplier<OptionalLong> lagRevisions,
            Supplier<String> storeWait,
            Supplier<String> duplicate,
            Supplier<DaemonFacts> facts,
            PrometheusMeterRegistry registry,
            PeerMetrics peerMetrics) {
        this.state = state;
        this.storeLocation = storeLocation;
        this.store = store;
        this.lagRevisions = lagRevisions;
        this.storeWait = storeWait;
        this.duplicate = duplicate;
        this.facts = facts;
        this.registry = registry;
        this.packets = new PacketStreams(state);
        this.peerMetrics = peerMetrics;
    }

    @Override
    public CompletableFuture<List<PathFacts>> examine(String node) {
        return new PathExamination(state).of(node);
    }

    @Override
    public StatusDocument status() {
        StoreHealth.Status health = store.get();
        List<String> reasons = new ArrayList<>();
        NodeState.Startup startup = state.startup;
        SessionStatus session = state.session;
        if (!startup.ready()) {
            reasons.add(storeWait.get().isEmpty() ? startup.waitingFor() : storeWait.get());
        }
        if (session != null && !session.trouble().isEmpty()) {
            reasons.add(session.trouble());
        }
        boolean fenced = session != null && session.fenced();
        if (fenced) {
            String cause = storeWait.get();
            reasons.add("our lease has ended and could not be renewed: nothing is sent from it"
                    + (cause.isEmpty() ? "" : "; " + cause));
        }
        if (!duplicate.get().isEmpty()) {
            reasons.add(duplicate.get());
        }
        if (!health.reachable() && !reasons.contains(health.problem())) {
            reasons.add(health.problem() + "; serving the last known peers");
        }
        Uplink uplink = startup.uplink();
        NetworkConfig config = session == null ? startup.config() : session.config();
        Lease own = session == null ? null : session.own();
        Backend backend = session == null ? null : session.backend();
        List<TrafficCounters> counters = backend == null ? List.of() : backend.counters();
        List<Refusal> refused = state.refusals.current();
        return new StatusDocument(
                Version.current(),
                !startup.ready() ? "starting" : reasons.isEmpty() ? "ready" : "degraded",
                startup.ready() && !fenced && !health.denied(),
                reasons,
                uplink == null ? "" : uplink.name(),
                uplink == null ? "" : uplink.knownAs().toString(),
                config == null ? "" : config.networks().toString(),
                own == null ? "" : own.subnets().toString(),
                own == null ? "" : expiry(own.expiresAt()),
                config == null ? "" : config.backend().type(),
                backend == null ? "" : String.join(", ", backend.deviceNames()),
                backend == null ? 0 : backend.podMtuBytes(),
                backend == null ? List.of() : backend.superPackets(),
                session == null ? 0 : session.peers().size(),
                unusable(session, refused),
                refused.size(),
                ManagementFactory.getRuntimeMXBean().getUptime() / 1000,
                new StatusDocument.Store(storeLocation, health.reachable(), health.problem(), lag()),
                counters.isEmpty() ? null : traffic(TrafficCounters.sumOf(counters)));
    }

    private @Nullable Long lag() {
        OptionalLong revisions = lagRevisions.get();
        return revisions.isPresent() ? revisions.getAsLong() : null;
    }

    private List<StatusDocument.UnusablePeer> unusable(@Nullable SessionStatus session, List<Refusal> refused) {
        List<StatusDocument.UnusablePeer> unusable = new ArrayList<>();
        Map<PodSubnets, String> unreachable =
                session == null ? Map.of() : session.backend().unreachable();
        for (Lease lease : session == null ? List.<Lease>of() : session.peers()) {
            String problem = unreachable.get(lease.subnets());
            if (problem != null) {
                unusable.add(new StatusDocument.UnusablePeer(lease.subnets().toString(), problem));
            }
        }
        for (Refusal refusal : refused) {
            Lease lease = refusal.lease();
            unusable.add(new StatusDocument.UnusablePeer(
                    lease == null ? refusal.key() : lease.subnets().toString(), refusal.problem()));
        }
        return unusable;
    }

    /** When a lease ends, ISO 8601, or {@code never}. */
    static String expiry(@Nullable Instant end) {
        return end == null ? "never" : end.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private static StatusDocument.Traffic traffic(TrafficCounters counters) {
        Map<String, Long> drops = new TreeMap<>();
        for (DropReason reason : DropReason.values()) {
            drops.put(reason.key(), counters.dropped(reason));
        }
        return new StatusDocument.Traffic(
                counters.get(Counter.OUT_PACKETS),
                counters.get(Counter.OUT_DELIVERED),
                counters.get(Counter.OUT_BYTES),
                counters.get(Counter.IN_PACKETS),
                counters.get(Counter.IN_DELIVERED),
                counters.get(Counter.IN_BYTES),
                drops,
                Arrays.stream(DropReason.values())
                        .filter(reason -> !reason.isLoss())
                        .map(DropReason::key)
                        .collect(Collectors.toSet()));
    }

    @Override
    public List<PeerDocument> peers() {
        SessionStatus session = state.session;
        Backend backend = session == null ? null : session.backend();
        Map<Object, List<Peer>> traffic = new HashMap<>();
        if (backend != null) {
            backend.datapaths()
                    .forEach(path -> path.peers()
                            .forEach(peer -> traffic.computeIfAbsent(peer.subnet(), subnet -> new ArrayList<>())
                                    .add(peer)));
        }
        Map<PodSubnets, String> unreachable = backend == null ? Map.of() : backend.unreachable();
        Map<Cidr, PathState> paths = paths(backend);
        List<PeerDocument> documents = new ArrayList<>();
        for (Lease lease : session == null ? List.<Lease>of() : session.peers()) {
            List<Peer> ways = new ArrayList<>();
            for (Cidr subnet : lease.subnets().all()) {
                ways.addAll(traffic.getOrDefault(subnet, List.of()));
            }
            documents.add(document(lease, ways, paths, unreachable.get(lease.subnets())));
        }
        for (Refusal refusal : state.refusals.current()) {
            Lease lease = refusal.lease();
            documents.add(
                    lease == null
                            ? new PeerDocument(
                                    refusal.key(), "", "", null, null, null, null, null, null, refusal.problem())
                            : document(lease, List.of(), Map.of(), refusal.problem()));
        }
        return documents;
    }

    /** What probes say of the way to each subnet; where it is reached by several devices, by the most important one. */
    private Map<Cidr, PathState> paths(@Nullable Backend backend) {
        List<String> devices = backend == null ? List.of() : backend.deviceNames();
        Map<Cidr, PathState> paths = new HashMap<>();
        for (PathState path : state.paths.all()) {
            paths.merge(
                    path.key().subnet(),
                    path,
                    BinaryOperator.minBy(Comparator.comparingInt(
                            one -> devices.indexOf(one.key().device()))));
        }
        return paths;
    }

    private static PeerDocument document(
            Lease lease, List<Peer> ways, Map<Cidr, PathState> paths, @Nullable String problem) {
        List<PathDocument> probed = lease.subnets().all().stream()
                .flatMap(subnet -> Stream.ofNullable(paths.get(subnet)))
                .map(PathDocuments::of)
                .toList();
        return new PeerDocument(
                lease.subnets().toString(),
                lease.attributes().publicIps().toString(),
                lease.attributes().backendType(),
                total(ways, Peer::packetsOut),
                total(ways, Peer::bytesOut),
                total(ways, Peer::packetsIn),
                total(ways, Peer::bytesIn),
                ways.stream()
                        .filter(peer -> peer.port() != 0) // from the others we only take packets
                        .map(Peer::superPackets)
                        .max(Comparator.naturalOrder())
                        .map(way -> way.name().toLowerCase(Locale.ROOT))
                        .orElse(null),
                probed.isEmpty() ? null : probed,
                problem);
    }

    /** Null where there is no way of ours to the peer. */
    private static @Nullable Long total(List<Peer> ways, ToLongFunction<Peer> value) {
        return ways.isEmpty() ? null : ways.stream().mapToLong(value).sum();
    }

    @Override
    public DaemonFacts facts() {
        return facts.get();
    }

    @Override
    public PacketStream drops() throws RefusedStreamException {
        return packets.drops();
    }

    @Override
    public PacketStream packets(Map<String, String> wanted) throws RefusedStreamException {
        return packets.watch(wanted);
    }

    @Override
    public String metrics() {
        peerMetrics.update(peers());
        return registry.scrape();
    }
}
