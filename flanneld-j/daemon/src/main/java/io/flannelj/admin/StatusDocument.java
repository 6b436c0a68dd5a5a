package io.flannelj.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What {@code GET /v1/status} answers. Texts are empty while a thing is not known yet.
 *
 * @param version of the daemon
 * @param state starting, ready, degraded
 * @param ready whether the node is ready for pods
 * @param reasons why it is not, or what is wrong though it is; one line each
 * @param uplink interface to the other nodes
 * @param publicIp where they send to
 * @param network the whole pod network
 * @param subnet this node's lease
 * @param leaseExpires ISO 8601; {@code never} for a reservation
 * @param backend type
 * @param device the interface that traffic to other nodes leaves by
 * @param mtu of pod interfaces, in bytes
 * @param superPackets how packets of up to 64 KiB leave where our data path carries them, for each of its devices: uncut, by which
 *     device, or cut here, and why
 * @param peers how many other nodes hold a lease
 * @param unusablePeers those of them, and leases that are refused, that nothing is sent to
 * @param refusedLeases how many leases in the store are refused, of whatever node; each is among {@code unusablePeers}
 * @param uptimeSeconds since the process began
 * @param store the subnet store
 * @param traffic counters of the data path; null for backends without one
 */
@JsonInclude(JsonInclude.Include.ALWAYS)
public record StatusDocument(
        String version,
        String state,
        boolean ready,
        List<String> reasons,
        String uplink,
        String publicIp,
        String network,
        String subnet,
        String leaseExpires,
        String backend,
        String device,
        int mtu,
        List<String> superPackets,
        int peers,
        List<UnusablePeer> unusablePeers,
        int refusedLeases,
        long uptimeSeconds,
        Store store,
        @Nullable Traffic traffic) {
    public StatusDocument {
        reasons = List.copyOf(reasons);
        superPackets = List.copyOf(superPackets);
        unusablePeers = List.copyOf(unusablePeers);
    }

    /**
     * A lease of another node that nothing is sent to.
     *
     * @param lease its subnet, or its key in the store
     * @param problem why, with the remedy
     */
    public record UnusablePeer(String lease, String problem) {}

    /**
     * The subnet store.
     *
     * @param reachable whether it answered the last call
     * @param problem what went wrong; empty while it answers
     * @param lagRevisions by how many revisions the watch is behind the newest that is known; null where that is not known
     */
    public record Store(
            String location,
            boolean reachable,
            String problem,
            @Nullable Long lagRevisions) {
        String text() {
            return !reachable
                    ? "does not answer"
                    : "answers"
                            + (lagRevisions == null || lagRevisions == 0
                                    ? ""
                                    : ", " + lagRevisions + " revisions behind");
        }
    }

    /**
     * Packets in are packets delivered and packets dropped.
     *
     * @param drops by reason, with the direction in front: {@code out.no_route}
     * @param lossless those of the reasons by which nothing is lost
     */
    public record Traffic(
            long outPackets,
            long outDelivered,
            long outBytes,
            long inPackets,
            long inDelivered,
            long inBytes,
            Map<String, Long> drops,
            Set<String> lossless) {
        /** Those of drops by which something is lost. */
        Map<String, Long> lost(Map<String, Long> drops) {
            Map<String, Long> lost = new TreeMap<>(drops);
            lost.keySet().removeAll(lossless);
            return lost;
        }
    }
}
