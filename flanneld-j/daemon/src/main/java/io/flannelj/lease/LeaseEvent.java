package io.flannelj.lease;

import java.util.List;

/** What the subnet store tells about leases, our own among them. */
public sealed interface LeaseEvent {
    /** A lease appeared, or its attributes changed; the newest for a subnet wins. */
    record Added(Lease lease) implements LeaseEvent {}

    /** A lease ended. Removing a subnet that nobody knows is harmless. */
    record Removed(PodSubnets subnets) implements LeaseEvent {}

    /** The watch began or fell behind (etcd compaction): this is every live lease, forget the rest. */
    record Reset(List<Lease> leases) implements LeaseEvent {
        public Reset {
            leases = List.copyOf(leases);
        }
    }
}
