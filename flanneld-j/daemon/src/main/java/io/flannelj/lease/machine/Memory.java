package io.flannelj.lease.machine;

import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a node knows beyond the lease it holds.
 *
 * @param confirmed what the store held for us when it was last looked at: nothing else of the previous run counts any
 *     more; null before it ever was looked at
 * @param written everything that this node has tried to write about itself: a lease that says one of these is our own,
 *     whoever wrote it last (a late write of ours, an operator, a restore of the store from a snapshot)
 * @param rivals what another node with our address has written over our lease while it was there first
 * @param duplicate that another node has our address, by the last look; empty when none has
 */
record Memory(
        @Nullable Set<PodSubnets> confirmed,
        Set<LeaseAttributes> written,
        Set<LeaseAttributes> rivals,
        String duplicate) {
    static final Memory EMPTY = new Memory(null, Set.of(), Set.of(), "");

    /** Whether the store never said that these subnets are not ours. */
    boolean mayBeOurs(PodSubnets subnets) {
        return confirmed == null || confirmed.contains(subnets);
    }

    boolean isOurs(StoredLease lease) {
        return written.contains(lease.lease().attributes());
    }

    boolean isOfRival(StoredLease lease) {
        return rivals.contains(lease.lease().attributes()) && !isOurs(lease);
    }

    /** What is said of it. */
    static String duplicateOf(LeaseAttributes ours, StoredLease stored) {
        return "another node uses our address " + ours.publicAddress() + ": it rewrote our lease " + stored.subnets()
                + " as " + LeaseJson.format(stored.lease().attributes())
                + "; give one of the two another --public-ip or --iface";
    }

    Memory withConfirmed(Set<PodSubnets> subnets) {
        return new Memory(Set.copyOf(subnets), written, rivals, duplicate);
    }

    Memory withWritten(LeaseAttributes attributes) {
        return written.contains(attributes)
                ? this
                : new Memory(confirmed, plus(written, asRead(attributes)), rivals, duplicate);
    }

    Memory withRival(LeaseAttributes attributes) {
        return new Memory(confirmed, written, plus(rivals, attributes), duplicate);
    }

    Memory withDuplicate(String message) {
        return new Memory(confirmed, written, rivals, message);
    }

    /** As it comes back from the store: numbers of JSON have several types, which are not equal to each other. */
    static LeaseAttributes asRead(LeaseAttributes attributes) {
        return LeaseJson.parse(LeaseJson.format(attributes)).orElse(attributes);
    }

    private static Set<LeaseAttributes> plus(Set<LeaseAttributes> set, LeaseAttributes one) {
        Set<LeaseAttributes> more = new HashSet<>(set);
        more.add(one);
        return Set.copyOf(more);
    }
}
