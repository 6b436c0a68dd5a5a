package io.flannelj.lease;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Every live lease, as the store's events tell them. Confined to the control thread. */
public final class LeaseTable {
    private final Map<PodSubnets, Lease> leases = new LinkedHashMap<>();
    private @Nullable PodSubnets own;

    /** From now on this is our own lease, and no peer's. */
    public void setOwn(PodSubnets subnets) {
        own = subnets;
    }

    /**
     * Takes an event.
     *
     * @return whether any peer appeared, went or changed what it says of itself
     */
    public boolean apply(LeaseEvent event) {
        if (event instanceof LeaseEvent.Added added) {
            Lease before = leases.put(added.lease().subnets(), added.lease());
            return isPeer(added.lease().subnets())
                    && (before == null
                            || !before.attributes().equals(added.lease().attributes()));
        }
        if (event instanceof LeaseEvent.Removed removed) {
            return leases.remove(removed.subnets()) != null && isPeer(removed.subnets());
        }
        LeaseEvent.Reset reset = (LeaseEvent.Reset) event;
        Map<PodSubnets, LeaseAttributes> before = peerAttributes();
        leases.clear();
        reset.leases().forEach(lease -> leases.put(lease.subnets(), lease));
        return !before.equals(peerAttributes());
    }

    private boolean isPeer(PodSubnets subnets) {
        return !subnets.equals(own);
    }

    /** Leases of the other nodes. */
    public Collection<Lease> peers() {
        return leases.values().stream().filter(lease -> isPeer(lease.subnets())).toList();
    }

    /** Whether the store still holds our own lease. */
    public boolean holdsOwn() {
        return own != null && leases.containsKey(own);
    }

    private Map<PodSubnets, LeaseAttributes> peerAttributes() {
        Map<PodSubnets, LeaseAttributes> attributes = new LinkedHashMap<>();
        peers().forEach(lease -> attributes.put(lease.subnets(), lease.attributes()));
        return attributes;
    }
}
