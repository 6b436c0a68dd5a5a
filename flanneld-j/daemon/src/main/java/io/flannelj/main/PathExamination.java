package io.flannelj.main;

import io.flannelj.explain.PathFacts;
import io.flannelj.net.IpAddress;
import io.flannelj.probe.FeatureVerdict;
import io.flannelj.probe.PathReport;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Lets the prober look at paths now, for those who ask. */
final class PathExamination {
    private static final int MOST_SECONDS = 8;

    private final NodeState state;

    PathExamination(NodeState state) {
        this.state = state;
    }

    /** The paths to a node; none where it is not known, or not probed. */
    CompletableFuture<List<PathFacts>> of(String node) {
        IpAddress address;
        try {
            address = IpAddress.parse(node);
        } catch (IllegalArgumentException e) {
            return CompletableFuture.completedFuture(List.of());
        }
        return state.examiner
                .examine(address)
                .completeOnTimeout(List.of(), MOST_SECONDS, TimeUnit.SECONDS)
                .thenApply(
                        reports -> reports.stream().map(PathExamination::facts).toList());
    }

    private static PathFacts facts(PathReport report) {
        return new PathFacts(
                report.key().subnet().toString(),
                report.key().device(),
                report.sent(),
                report.roundTrips().stream()
                        .map(time -> time.toNanos() / 1_000_000.0)
                        .toList(),
                report.mtuBytes(),
                report.tunnelMtuBytes(),
                switch (report.segmentation()) {
                    case UNTESTED -> PathFacts.Segmentation.NOT_KNOWN;
                    case WORKS -> PathFacts.Segmentation.WORKS;
                    case DAMAGES -> PathFacts.Segmentation.DAMAGES;
                },
                report.inUse().isNarrow() ? report.inUse().mtuBytes() : report.tunnelMtuBytes(),
                report.inUse().segmentation() != FeatureVerdict.DAMAGES
                        && report.inUse().isSummed(),
                report.inUse().checksum() == FeatureVerdict.DAMAGES);
    }
}
