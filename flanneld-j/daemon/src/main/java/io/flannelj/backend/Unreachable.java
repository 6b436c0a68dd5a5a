package io.flannelj.backend;

import io.flannelj.lease.Announcement;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/** The peers that a backend cannot send to, each with the reason, human-readable. */
public final class Unreachable {
    private Unreachable() {}

    /**
     * Those among {@code peers} that are not {@code reachable}.
     *
     * @param ours the backend of this node
     */
    public static Map<PodSubnets, String> among(Collection<Lease> peers, String ours, Predicate<Lease> reachable) {
        Map<PodSubnets, String> unreachable = new LinkedHashMap<>();
        peers.stream()
                .filter(reachable.negate())
                .forEach(lease -> unreachable.put(lease.subnets(), reason(lease, ours)));
        return Map.copyOf(unreachable);
    }

    /** Why a node that carries {@code ours} cannot send to the holder of a lease. */
    static String reason(Lease lease, String ours) {
        String theirs = lease.attributes().backendType();
        if (Announcement.of(lease.attributes()).decodes().containsKey(ours)) {
            return "its lease has no address or no data for " + ours
                    + " in the families of the network; restart the daemon of that node";
        }
        return "this node carries " + ours + ", and that lease "
                + (theirs.isEmpty()
                        ? "names no type, as for udp, alloc or a reservation that no node has taken"
                        : "is of type \"" + theirs + "\"")
                + "; see which network config that node has, and restart the daemon that does not follow it";
    }
}
