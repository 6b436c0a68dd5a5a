package io.flannelj.probe;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the probes say of a path.
 *
 * @param since when that of {@code reach} began
 * @param roundTrip times of answers; null before the first one
 * @param probes how many of the latest short probes the loss is of
 * @param lost how many of them were not answered
 * @param mtuBytes the longest inner packet that passes; 0 while it is not known
 * @param tunnelMtuBytes what it would be if the underlay were as wide everywhere as at this node
 * @param segmentation whether runs arrive that the kernel or the card cut
 * @param segmentationSince when that began
 * @param checksum whether datagrams arrive whose outer checksum the kernel or the card fills in
 * @param checksumSince when that began
 * @param isSummed whether packets to it get an outer checksum now
 */
public record PathState(
        PathKey key,
        Reach reach,
        Instant since,
        @Nullable RoundTrip roundTrip,
        int probes,
        int lost,
        int mtuBytes,
        int tunnelMtuBytes,
        FeatureVerdict segmentation,
        Instant segmentationSince,
        FeatureVerdict checksum,
        Instant checksumSince,
        boolean isSummed) {
    /**
     * Round-trip times through the tunnel.
     *
     * @param last of the latest answer
     * @param smoothed as TCP does it, RFC 6298
     * @param least since the peer answers
     */
    public record RoundTrip(Duration last, Duration smoothed, Duration least) {}

    /** Whether packets of the tunnel's MTU are too long for it. */
    public boolean isNarrow() {
        return mtuBytes > 0 && mtuBytes < tunnelMtuBytes;
    }

    /** Of 100 short probes. */
    public int lossPercent() {
        return probes == 0 ? 0 : Math.round(100f * lost / probes);
    }
}
