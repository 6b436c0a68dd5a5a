package io.flannelj.backend;

import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/** The peers that a backend cannot send to, each with the reason, for people. */
public final class Unreachable {
    private Unreachable() {}

    /**
     * Those among {@code peers} that are not {@code reachable}.
     *
     * @param spoken the backend of this node
     */
    public static Map<PodSubnets, String> among(Collection<Lease> peers, String spoken, Predicate<Lease> reachable) {
        Map<PodSubnets, String> unreachable = new LinkedHashMap<>();
        peers.stream()
                .filter(reachable.negate())
                .forEach(lease -> unreachable.put(lease.subnets(), reason(lease, spoken)));
        return Map.copyOf(unreachable);
    }

    /** Why a node that speaks {@code spoken} cannot send to the holder of a lease. */
    static String reason(Lease lease, String spoken) {
        String theirs = lease.attributes().backendType();
        if (theirs.equals(spoken)) {
            return "its lease has no address or no data for " + spoken
                    + " in the families of the network; restart the daemon of that node";
        }
        return "it speaks " + (theirs.isEmpty() ? "udp" : "\"" + theirs + "\"") + " and this node " + spoken
                + "; restart the daemon of the one that does not follow the network config";
    }
}
