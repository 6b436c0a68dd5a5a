package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Counter;
import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.explain.DaemonFacts;
import io.flannelj.explain.DaemonSource;
import io.flannelj.explain.PathFacts;
import io.flannelj.explain.SeenPackets;
import io.flannelj.lease.loop.StoreHealth;
import io.flannelj.net.IpAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/** What this daemon knows, for {@code explain}: its own, and other nodes'. */
final class ExplainFacts implements DaemonSource.Own {
    private static final String HOP_BACKEND = "udp"; // the only encapsulation that counts as a router

    private final NodeState state;
    private final Supplier<StoreHealth.Status> store;
    private final Supplier<Set<Path>> cniDirectories;
    private final int queryPort;
    private final PairWatch pairs;

    ExplainFacts(
            NodeState state, Supplier<StoreHealth.Status> store, Supplier<Set<Path>> cniDirectories, int queryPort) {
        this.state = state;
        this.store = store;
        this.cniDirectories = cniDirectories;
        this.queryPort = queryPort;
        this.pairs = new PairWatch(state);
    }

    @Override
    public List<PathFacts> examine(String node) {
        return new PathExamination(state).of(node).join();
    }

    @Override
    public SeenPackets watch(IpAddress one, IpAddress other) {
        return pairs.begin(one, other);
    }

    @Override
    public SeenPackets seen(IpAddress one, IpAddress other, String key) {
        return pairs.seen(one, other, key);
    }

    @Override
    public DaemonFacts ask() {
        NodeState.Startup startup = state.startup;
        SessionStatus session = state.session;
        Uplink uplink = startup.uplink();
        NetworkConfig config = session == null ? startup.config() : session.config();
        Backend backend = session == null ? null : session.backend();
        List<TrafficCounters> counters = backend == null ? List.of() : backend.counters();
        TrafficCounters traffic = counters.isEmpty() ? null : TrafficCounters.sumOf(counters);
        String type = config == null ? "" : config.backend().type();
        List<DaemonFacts.Endpoint> endpoints = backend == null
                ? List.of()
                : backend.endpoints().stream()
                        .map(end -> new DaemonFacts.Endpoint(end.protocol(), end.port()))
                        .toList();
        StoreHealth.Status health = store.get();
        return new DaemonFacts(
                Version.current(),
                uplink == null ? "" : PeerFacts.address(uplink.knownAs()),
                uplink == null ? "" : uplink.name(),
                config == null ? List.of() : PeerFacts.texts(config.networks().values()),
                session == null
                        ? List.of()
                        : PeerFacts.texts(session.own().subnets().all()),
                startup.waitingFor(),
                session != null && session.fenced(),
                health.reachable() ? "" : health.problem(),
                type,
                backend == null ? List.of() : backend.deviceNames(),
                backend == null ? 0 : backend.podMtuBytes(),
                !endpoints.isEmpty(),
                type.equals(HOP_BACKEND),
                endpoints,
                new PeerFacts(state, session).list(),
                traffic == null ? Map.of() : drops(traffic),
                traffic == null ? 0 : traffic.get(Counter.IN_PACKETS),
                traffic == null ? 0 : traffic.get(Counter.OUT_PACKETS),
                cniDirectories.get().stream().map(Path::toString).sorted().toList(),
                queryPort,
                System.currentTimeMillis());
    }

    private static Map<String, Long> drops(TrafficCounters traffic) {
        Map<String, Long> drops = new TreeMap<>();
        for (DropReason reason : DropReason.values()) {
            drops.put(reason.key(), traffic.dropped(reason));
        }
        return drops;
    }
}
