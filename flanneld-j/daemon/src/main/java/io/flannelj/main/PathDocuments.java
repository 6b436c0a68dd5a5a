package io.flannelj.main;

import io.flannelj.admin.PathDocument;
import io.flannelj.probe.PathState;
import io.flannelj.probe.PathState.RoundTrip;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/** What probes say, for documents. */
final class PathDocuments {
    private PathDocuments() {}

    static PathDocument of(PathState path) {
        RoundTrip time = path.roundTrip();
        return new PathDocument(
                path.key().subnet().toString(),
                path.key().device(),
                path.key().carriedBy().label(),
                path.reach().label(),
                path.since().truncatedTo(ChronoUnit.SECONDS).toString(),
                time == null ? null : millis(time.last()),
                time == null ? null : millis(time.smoothed()),
                time == null ? null : millis(time.least()),
                path.probes(),
                path.lossPercent(),
                path.mtuBytes(),
                path.tunnelMtuBytes(),
                path.segmentation().name().toLowerCase(Locale.ROOT),
                path.segmentationSince().truncatedTo(ChronoUnit.SECONDS).toString(),
                path.checksum().name().toLowerCase(Locale.ROOT),
                path.checksumSince().truncatedTo(ChronoUnit.SECONDS).toString());
    }

    /** With microseconds. */
    private static double millis(Duration time) {
        return Math.round(time.toNanos() / 1e3) / 1e3;
    }
}
