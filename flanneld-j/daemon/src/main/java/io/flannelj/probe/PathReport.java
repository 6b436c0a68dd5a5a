package io.flannelj.probe;

import java.time.Duration;
import java.util.List;

/**
 * What an examination found of a path.
 *
 * @param sent how many short probes were sent
 * @param roundTrips times of those that were answered, in the order of the answers
 * @param mtuBytes the longest inner packet that passes; 0 where that was not found
 * @param tunnelMtuBytes what it would be if the underlay were as wide everywhere as at this node
 * @param segmentation whether runs arrive that the kernel or the card cut
 * @param inUse what the data path goes by at present
 */
public record PathReport(
        PathKey key,
        int sent,
        List<Duration> roundTrips,
        int mtuBytes,
        int tunnelMtuBytes,
        FeatureVerdict segmentation,
        PathState inUse) {
    public PathReport {
        roundTrips = List.copyOf(roundTrips);
    }
}
