package io.flannelj.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code GET /v1/history} answers: the last minute, in steps, the oldest first.
 *
 * @param stepSeconds length of a step
 * @param out bytes a second to other nodes, a value for each step; empty for backends without a data path of their own
 * @param in the same from other nodes
 * @param drops packets dropped within this time, by reason; without those of which there were none
 * @param peers by lease; none where there are more than {@link History#MAX_PEERS}
 */
public record HistoryDocument(
        int stepSeconds, List<Double> out, List<Double> in, Map<String, Long> drops, Map<String, OfPeer> peers) {
    /**
     * The same of one peer.
     *
     * @param rttMillis round-trip time at the end of each step; null where no probe was answered
     */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    public record OfPeer(List<@Nullable Double> rttMillis, List<Double> out, List<Double> in) {}
}
