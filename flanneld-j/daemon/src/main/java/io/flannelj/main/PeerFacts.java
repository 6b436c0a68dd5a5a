package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.datapath.Peer;
import io.flannelj.explain.DaemonFacts;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PerFamily;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** The other nodes, for {@code explain}. */
final class PeerFacts {
    private final NodeState state;
    private final @Nullable SessionStatus session;

    PeerFacts(NodeState state, @Nullable SessionStatus session) {
        this.state = state;
        this.session = session;
    }

    List<DaemonFacts.Peer> list() {
        SessionStatus now = session;
        List<DaemonFacts.Peer> peers = new ArrayList<>();
        if (now != null) {
            Backend backend = now.backend();
            Map<String, List<Peer>> traffic = new HashMap<>();
            backend.datapaths()
                    .forEach(path -> path.peers()
                            .forEach(peer -> traffic.computeIfAbsent(
                                            peer.subnet().toString(), subnet -> new ArrayList<>())
                                    .add(peer)));
            Map<PodSubnets, String> unreachable = backend.unreachable();
            now.peers().forEach(lease -> peers.add(peer(lease, unreachable.get(lease.subnets()), traffic)));
        }
        for (Refusal refusal : state.refusals.current()) {
            Lease lease = refusal.lease();
            peers.add(
                    lease == null
                            ? new DaemonFacts.Peer(refusal.key(), List.of(), "", "", refusal.problem(), null, null)
                            : peer(lease, refusal.problem(), Map.of()));
        }
        return peers;
    }

    private static DaemonFacts.Peer peer(Lease lease, @Nullable String problem, Map<String, List<Peer>> traffic) {
        List<String> subnets = texts(lease.subnets().all());
        List<Peer> ways = subnets.stream()
                .flatMap(subnet -> traffic.getOrDefault(subnet, List.of()).stream())
                .toList();
        return new DaemonFacts.Peer(
                lease.origin().key(),
                subnets,
                address(lease.attributes().publicIps()),
                lease.attributes().backendType(),
                problem,
                sum(ways, Peer::packetsOut),
                sum(ways, Peer::packetsIn));
    }

    private static @Nullable Long sum(List<Peer> ways, ToLongFunction<Peer> counter) {
        return ways.isEmpty() ? null : ways.stream().mapToLong(counter).sum();
    }

    static List<String> texts(List<Cidr> networks) {
        return networks.stream().map(Cidr::toString).toList();
    }

    static String address(PerFamily<IpAddress> addresses) {
        return addresses.first().map(IpAddress::toString).orElse("");
    }
}
