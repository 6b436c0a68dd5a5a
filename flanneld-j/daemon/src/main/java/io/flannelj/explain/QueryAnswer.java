package io.flannelj.explain;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.List;
import java.util.Objects;

/**
 * What a node answers to another.
 *
 * @param node its address
 * @param version of its daemon
 * @param backend type
 * @param mtuBytes MTU of its pods
 * @param uplink its interface to other nodes; empty of nodes that do not tell
 * @param clockMillis its clock
 * @param findings of its half of the way
 * @param pods addresses of the pods asked for, or each address asked for and its pod's name
 * @param paths to the asking node
 * @param seen packets of a pair that is watched; of nodes that do not know the query {@link SeenPackets#NONE}
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record QueryAnswer(
        String node,
        String version,
        String backend,
        int mtuBytes,
        String uplink,
        long clockMillis,
        List<Finding> findings,
        List<String> pods,
        List<PathFacts> paths,
        SeenPackets seen) {
    QueryAnswer {
        uplink = Objects.requireNonNullElse(uplink, ""); // an earlier version does not write it
        findings = List.copyOf(findings);
        pods = List.copyOf(pods);
        paths = List.copyOf(paths);
        seen = Objects.requireNonNullElse(seen, SeenPackets.NONE); // an earlier version does not write it
    }
}
