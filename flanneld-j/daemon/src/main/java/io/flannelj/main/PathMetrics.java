package io.flannelj.main;

import io.flannelj.metrics.Gauges;
import io.flannelj.metrics.MetricNames;
import io.flannelj.probe.FeatureVerdict;
import io.flannelj.probe.PathState;
import io.flannelj.probe.PathState.RoundTrip;
import io.flannelj.probe.PathStates;
import io.flannelj.probe.Reach;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Metrics of what probes say, over all paths: their number does not grow with that of the nodes. */
final class PathMetrics {
    private PathMetrics() {}

    static void bind(MeterRegistry registry, PathStates paths) {
        for (Reach reach : Reach.values()) {
            Gauges.bind(
                    registry,
                    MetricNames.PATHS,
                    Tags.of("reach", reach.label().replace(' ', '_')),
                    () -> count(paths, path -> path.reach() == reach));
        }
        Gauges.bind(registry, MetricNames.PATHS_NARROW, () -> count(paths, PathState::isNarrow));
        Gauges.bind(
                registry,
                MetricNames.PATHS_UNSEGMENTED,
                () -> count(paths, path -> path.segmentation() == FeatureVerdict.DAMAGES));
        Gauges.bind(
                registry,
                MetricNames.PATHS_UNSUMMED,
                () -> count(paths, path -> path.checksum() == FeatureVerdict.DAMAGES));
        Gauges.bind(
                registry,
                MetricNames.PATHS_RTT,
                () -> answering(paths)
                        .flatMap(path -> Stream.ofNullable(path.roundTrip()))
                        .map(RoundTrip::smoothed)
                        .mapToDouble(time -> time.toNanos() / 1e9)
                        .max()
                        .orElse(-1));
        Gauges.bind(
                registry,
                MetricNames.PATHS_LOSS,
                () -> answering(paths)
                        .mapToDouble(path -> path.lossPercent() / 100.0)
                        .max()
                        .orElse(0));
        Gauges.bindCount(registry, MetricNames.PROBES, Tags.of("stage", "sent"), paths, PathStates::sent);
        Gauges.bindCount(registry, MetricNames.PROBES, Tags.of("stage", "answered"), paths, PathStates::answered);
    }

    private static Stream<PathState> answering(PathStates paths) {
        return paths.all().stream().filter(path -> path.reach() == Reach.ANSWERING);
    }

    private static long count(PathStates paths, Predicate<PathState> which) {
        return paths.all().stream().filter(which).count();
    }
}
