package io.flannelj.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * A path to a node in what {@code GET /v1/peers} answers. Times are null, and the MTU is 0, until the first answer.
 *
 * @param subnet that it leads to
 * @param device that packets to there go into
 * @param carriedBy {@code daemon}, or {@code kernel} where packets pass our data path by: no MTU is found out there, and no
 *     segmentation and checksum
 * @param reach {@code unknown}, {@code answering}, {@code not answering} though packets come from there, {@code silent}
 * @param reachSince ISO 8601
 * @param rttMillis round-trip time, of the latest answer
 * @param rttSmoothedMillis the same smoothed, as TCP does it
 * @param rttLeastMillis the least since the node answers
 * @param probes how many of the latest probes the loss is of
 * @param lossPercent of 100 probes
 * @param mtu the longest packet that passes, in bytes
 * @param tunnelMtu of the device, in bytes
 * @param segmentation {@code untested}, {@code works}, {@code damages}
 * @param segmentationSince ISO 8601
 * @param checksum of UDP, of tunnels over IPv4 in user space; {@code untested}, {@code works}, {@code damages}
 * @param checksumSince ISO 8601
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PathDocument(
        String subnet,
        String device,
        String carriedBy,
        String reach,
        String reachSince,
        @Nullable Double rttMillis,
        @Nullable Double rttSmoothedMillis,
        @Nullable Double rttLeastMillis,
        int probes,
        int lossPercent,
        int mtu,
        int tunnelMtu,
        String segmentation,
        String segmentationSince,
        String checksum,
        String checksumSince) {
    /** Whether the latest probes are answered. */
    boolean isAnswering() {
        return reach.equals("answering");
    }

    /** Whether the node has been silent for longer than a lost probe explains. */
    boolean isLost() {
        return reach.equals("silent") || reach.equals("not answering");
    }
}
