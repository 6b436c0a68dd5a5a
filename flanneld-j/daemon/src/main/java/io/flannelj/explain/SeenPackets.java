package io.flannelj.explain;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.List;
import java.util.Objects;

/**
 * What a node saw of packets that it was asked to watch.
 *
 * @param isKnown whether it watches, and kept all that it saw
 * @param problem why not
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record SeenPackets(boolean isKnown, String problem, List<SeenPacket> packets) {
    /** Of a node that was not asked. */
    public static final SeenPackets NONE = new SeenPackets(false, "", List.of());

    public SeenPackets {
        Objects.requireNonNull(problem, "problem"); // another node's may have none
        packets = List.copyOf(packets);
    }
}
