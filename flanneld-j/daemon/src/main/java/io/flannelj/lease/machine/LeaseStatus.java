package io.flannelj.lease.machine;

import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;

/** How it stands with this node's lease at one moment. */
public sealed interface LeaseStatus {
    /** There is none yet. */
    record Acquiring() implements LeaseStatus {}

    /**
     * It is ours, and may be sent from.
     *
     * @param confirmed whether the store has said so since the start; else it is known from the disk alone
     */
    record Held(StoredLease lease, boolean confirmed) implements LeaseStatus {}

    /** Its time is over and nothing renewed it, or the store took it back: another node may get the subnets, so nothing may be sent from them. */
    record Fenced(StoredLease lease) implements LeaseStatus {}

    /** Another node has the subnets or our address, or the store assigns others: this lease is over for good. */
    record Lost(PodSubnets subnets) implements LeaseStatus {}
}
