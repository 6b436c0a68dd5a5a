package io.flannelj.admin;

import io.flannelj.explain.DaemonFacts;
import io.flannelj.explain.PathFacts;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** What the servers may ask the daemon. Every method may be called from any thread, and answers at once. What it
 * tells of packets is for root alone. */
public interface DaemonView {
    StatusDocument status();

    List<PeerDocument> peers();

    /** What {@code explain} needs to know. */
    DaemonFacts facts();

    /**
     * Probes the paths to another node now, which takes a few seconds at most.
     *
     * @param node where that node's tunnel ends
     */
    CompletableFuture<List<PathFacts>> examine(String node);

    /** The last packets that were dropped: a stream that ends at once. */
    default PacketStream drops() throws RefusedStreamException {
        throw RefusedStreamException.unavailable("packets are not shown here");
    }

    /**
     * Packets as they pass, until the stream is closed.
     *
     * @param wanted which, by name and value
     */
    default PacketStream packets(Map<String, String> wanted) throws RefusedStreamException {
        throw RefusedStreamException.unavailable("packets are not shown here");
    }

    /** Prometheus text format. */
    String metrics();
}
