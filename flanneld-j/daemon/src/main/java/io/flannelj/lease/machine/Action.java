package io.flannelj.lease.machine;

import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;

/** What a {@link LeaseMachine} wants of the store next; one at a time. */
public sealed interface Action {
    /** Nothing, until {@link Step#again}. */
    record Hold() implements Action {}

    /** Read what the store assigns to this node, or list every lease where it assigns nothing. */
    record Look() implements Action {}

    /** Create a lease on subnets that nobody holds. */
    record Create(PodSubnets subnets, LeaseAttributes attributes) implements Action {}

    /** Rewrite a lease, if it still stands as it was read, with a fresh time to live. */
    record Update(StoredLease known, LeaseAttributes attributes) implements Action {}

    /** Delete a lease, if it still stands as it was read. */
    record Delete(StoredLease known) implements Action {}
}
