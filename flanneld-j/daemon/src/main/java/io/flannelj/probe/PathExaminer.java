package io.flannelj.probe;

import io.flannelj.net.IpAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Who can look at the paths to a node now. */
public interface PathExaminer {
    /** Of a node that does not probe. */
    PathExaminer NONE = node -> CompletableFuture.completedFuture(List.of());

    /**
     * Examines the paths to a node, one for each family; none of those that are not probed. Takes a few seconds at most.
     *
     * @param node where its tunnel ends
     */
    CompletableFuture<List<PathReport>> examine(IpAddress node);
}
