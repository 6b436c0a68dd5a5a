package io.flannelj.lease.loop;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.PodSubnets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Every live lease, as the store's events tell them. Confined to the control thread.
 *
 * <p>When the store was set back to an older state, peers that it has forgotten are kept as stale ones: they live, and
 * will claim their leases again within moments. {@link #dropDoubted} ends that. A listing that lacks our own lease is
 * stale likewise: where others wrote much since, the store's revision does not tell.
 */
public final class LeaseTable {
    private final Map<PodSubnets, Lease> leases = new LinkedHashMap<>();
    private final Map<PodSubnets, Lease> stale = new LinkedHashMap<>();
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
            return add(added.lease());
        }
        if (event instanceof LeaseEvent.Removed removed) {
            boolean wasLeased = leases.remove(removed.subnets()) != null;
            boolean wasStale = stale.remove(removed.subnets()) != null;
            return (wasLeased || wasStale) && isPeer(removed.subnets());
        }
        return event instanceof LeaseEvent.Reset reset && replace(reset);
    }

    private boolean add(Lease lease) {
        Lease before = leases.put(lease.subnets(), lease);
        if (!isPeer(lease.subnets())) {
            return stale.keySet().removeIf(lease.subnets()::overlaps);
        }
        Lease staleLease = stale.remove(lease.subnets());
        boolean displaced = stale.keySet().removeIf(lease.subnets()::overlaps);
        Lease known = before == null ? staleLease : before;
        return displaced || known == null || !known.attributes().equals(lease.attributes());
    }

    private boolean replace(LeaseEvent.Reset reset) {
        boolean heldOwn = holdsOwn();
        Map<PodSubnets, Lease> before = new LinkedHashMap<>();
        peers().forEach(lease -> before.put(lease.subnets(), lease));
        Map<PodSubnets, Lease> staleBefore = Map.copyOf(stale);
        leases.clear();
        stale.clear();
        reset.leases().forEach(lease -> leases.put(lease.subnets(), lease));
        boolean setBack = reset.rolledBack() || (heldOwn && !holdsOwn());
        (setBack ? before : staleBefore)
                .values().stream()
                        .filter(lease -> leases.keySet().stream().noneMatch(lease.subnets()::overlaps))
                        .filter(lease -> own == null || !own.overlaps(lease.subnets()))
                        .forEach(lease -> stale.put(lease.subnets(), lease));
        return !attributes(before.values()).equals(attributes(peers()));
    }

    private boolean isPeer(PodSubnets subnets) {
        return !subnets.equals(own);
    }

    /** Whether there are peers that the store has forgotten. */
    public boolean hasDoubted() {
        return !stale.isEmpty();
    }

    /**
     * Believes the store.
     *
     * @return whether that changed anything
     */
    public boolean dropDoubted() {
        boolean any = hasDoubted();
        stale.clear();
        return any;
    }

    /** Leases of the other nodes. */
    public Collection<Lease> peers() {
        List<Lease> peers = new ArrayList<>(leases.size());
        for (Lease lease : leases.values()) {
            if (isPeer(lease.subnets())) {
                peers.add(lease);
            }
        }
        peers.addAll(stale.values());
        return peers;
    }

    /** What every live lease holds, our own among them. */
    public Collection<PodSubnets> taken() {
        return leases.keySet();
    }

    /** Whether the store still holds our own lease. */
    public boolean holdsOwn() {
        return own != null && leases.containsKey(own);
    }

    private static Map<PodSubnets, LeaseAttributes> attributes(Collection<Lease> peers) {
        Map<PodSubnets, LeaseAttributes> attributes = new HashMap<>();
        peers.forEach(lease -> attributes.put(lease.subnets(), lease.attributes()));
        return attributes;
    }
}
