package io.flannelj.main;

import io.flannelj.admin.PathDocument;
import io.flannelj.admin.PeerDocument;
import io.flannelj.metrics.MetricNames;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Metrics of each other node, while there are few enough: each node has some ten series for each other one. For several threads,
 * one at a time.
 */
final class PeerMetrics {
    private final MeterRegistry registry;
    private final int most;
    private final Map<Tags, Shown> shown = new HashMap<>();

    /** One node's; the meters read what was known last. */
    private static final class Shown {
        private final List<Meter> meters = new ArrayList<>();
        private volatile PeerDocument peer;

        Shown(PeerDocument peer) {
            this.peer = peer;
        }
    }

    /** @param most nodes; with more of them, none has metrics of its own */
    PeerMetrics(MeterRegistry registry, int most) {
        this.registry = registry;
        this.most = most;
    }

    /** Takes the nodes as they are now; those whose lease is refused or cannot be read are left out. */
    synchronized void update(List<PeerDocument> peers) {
        List<PeerDocument> usable =
                peers.stream().filter(peer -> peer.problem() == null).toList();
        Map<Tags, PeerDocument> wanted = usable.size() > most
                ? Map.of()
                : usable.stream().collect(Collectors.toMap(PeerMetrics::labels, Function.identity(), (a, b) -> a));
        shown.entrySet().removeIf(entry -> {
            boolean gone = !wanted.containsKey(entry.getKey());
            if (gone) {
                entry.getValue().meters.forEach(registry::remove);
            }
            return gone;
        });
        wanted.forEach((labels, peer) -> {
            Shown known = shown.get(labels);
            if (known == null) {
                shown.put(labels, show(labels, peer));
            } else {
                known.peer = peer;
            }
        });
    }

    private static Tags labels(PeerDocument peer) {
        return Tags.of("node", peer.publicIp(), "subnet", peer.subnet());
    }

    private Shown show(Tags labels, PeerDocument peer) {
        Shown added = new Shown(peer);
        gauge(added, MetricNames.PEER_ANSWERS, labels, path -> path.reach().equals("answering") ? 1 : 0);
        gauge(added, MetricNames.PEER_RTT, labels, path -> seconds(path.rttSmoothedMillis()));
        gauge(added, MetricNames.PEER_LOSS, labels, path -> path.lossPercent() / 100.0);
        gauge(added, MetricNames.PEER_MTU, labels, PathDocument::mtu);
        counter(added, MetricNames.PEER_PACKETS, labels.and("direction", "out"), PeerDocument::packetsOut);
        counter(added, MetricNames.PEER_PACKETS, labels.and("direction", "in"), PeerDocument::packetsIn);
        counter(added, MetricNames.PEER_BYTES, labels.and("direction", "out"), PeerDocument::bytesOut);
        counter(added, MetricNames.PEER_BYTES, labels.and("direction", "in"), PeerDocument::bytesIn);
        return added;
    }

    /** Of a node with two address families, of the first path; no number without probes. */
    private void gauge(Shown of, MetricNames name, Tags labels, ToDoubleFunction<PathDocument> value) {
        of.meters.add(Gauge.builder(
                        name.metric(),
                        of,
                        source -> firstPath(source.peer)
                                .map(path -> value.applyAsDouble(path))
                                .orElse(Double.NaN))
                .tags(labels)
                .description(name.help())
                .strongReference(true)
                .register(registry));
    }

    private static Optional<PathDocument> firstPath(PeerDocument peer) {
        return Optional.ofNullable(peer.paths()).flatMap(paths -> paths.stream().findFirst());
    }

    private static double seconds(@Nullable Double millis) {
        return millis == null ? Double.NaN : millis / 1e3;
    }

    private void counter(Shown of, MetricNames name, Tags labels, Function<PeerDocument, @Nullable Long> value) {
        of.meters.add(FunctionCounter.builder(name.metric(), of, source -> count(value.apply(source.peer)))
                .tags(labels)
                .description(name.help())
                .register(registry));
    }

    /** 0 where the kernel carries the packets, and nobody counts them. */
    private static double count(@Nullable Long value) {
        return value == null ? 0 : value;
    }
}
