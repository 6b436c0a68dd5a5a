package io.flannelj.lease.machine;

import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import java.time.Instant;

/** How far a node has come with its lease. */
sealed interface Phase {
    /** Looks for subnets. */
    record Acquiring() implements Phase {}

    /**
     * Has written a lease, and looks whether another one overlaps it: the store compares keys, and two keys may name the
     * same addresses (one IPv6 subnet beside different IPv4 ones, another subnet length). The younger gives way;
     * both look after they wrote, so never both stay. Where the store does not tell ages, who sees the other gives way.
     *
     * @param before what held until then, and holds until the check is over
     * @param takenOver whether it stood there with our address, and was not created
     */
    record Checking(StoredLease written, Phase before, boolean takenOver) implements Phase {}

    /** Has a lease. */
    sealed interface Kept extends Phase {
        StoredLease lease();
    }

    /** Goes on with the lease of the previous run, of which the store has not been asked yet. */
    record Adopted(StoredLease lease) implements Kept {}

    /**
     * Holds a lease.
     *
     * @param lease as we wrote it last
     * @param since when it was acquired
     * @param takenOver whether it stood there with our address when it was acquired
     * @param restored when it was last rewritten because another node with our address had; {@link Instant#MIN} for never
     */
    record Holding(StoredLease lease, Instant since, boolean takenOver, Instant restored) implements Kept {
        /** The same, and its lease has ended, if it had not before. */
        Holding endedAt(Instant now) {
            Lease was = lease.lease();
            Instant end = was.expiresAt() != null && was.expiresAt().isBefore(now) ? was.expiresAt() : now;
            Lease ended = new Lease(was.subnets(), was.attributes(), end, was.origin());
            return new Holding(
                    new StoredLease(ended, lease.version(), lease.storeLeaseId()), since, takenOver, restored);
        }
    }

    /** Has lost it to another node. */
    record Lost(PodSubnets subnets) implements Phase {}
}
