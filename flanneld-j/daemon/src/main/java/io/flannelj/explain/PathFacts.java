package io.flannelj.explain;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.List;
import java.util.Objects;

/**
 * What probes found of the path to another node, just now.
 *
 * @param subnet that it leads to
 * @param device that packets to there go into
 * @param sent how many short probes were sent
 * @param roundTripMillis of those that were answered
 * @param mtuBytes the longest packet that passes; 0 where that was not found
 * @param tunnelMtuBytes what the tunnel's device takes
 * @param segmentation whether runs arrive that the kernel or the card cut
 * @param inUseMtuBytes the longest packet that the data path sends there
 * @param sendsRuns whether the data path sends runs there
 * @param losesChecksums whether probes found that datagrams with a UDP checksum do not arrive, so that they are sent without
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record PathFacts(
        String subnet,
        String device,
        int sent,
        List<Double> roundTripMillis,
        int mtuBytes,
        int tunnelMtuBytes,
        Segmentation segmentation,
        int inUseMtuBytes,
        boolean sendsRuns,
        boolean losesChecksums) {
    /** What was found of segmentation. */
    public enum Segmentation {
        /** It is not used there, or single datagrams were lost as well. */
        NOT_KNOWN,
        WORKS,
        DAMAGES
    }

    public PathFacts {
        Objects.requireNonNull(subnet, "subnet"); // another node's may have none
        Objects.requireNonNull(device, "device");
        Objects.requireNonNull(segmentation, "segmentation");
        roundTripMillis = List.copyOf(roundTripMillis);
    }
}
