package io.flannelj.lease;

import java.util.List;

/** What the subnet store tells about leases, our own among them. */
public sealed interface LeaseEvent {
    /** A lease appeared, or its attributes changed; the newest for a subnet wins. */
    record Added(Lease lease) implements LeaseEvent {}

    /** A lease ended. Removing a subnet that nobody knows is harmless. */
    record Removed(PodSubnets subnets) implements LeaseEvent {}

    /**
     * The watch began or fell behind (etcd compaction): this is every live lease, forget the rest.
     *
     * @param rolledBack whether the store has forgotten what it once told, as after a restore from an older snapshot
     */
    record Reset(List<Lease> leases, boolean rolledBack) implements LeaseEvent {
        public Reset {
            leases = List.copyOf(leases);
        }

        public Reset(List<Lease> leases) {
            this(leases, false);
        }
    }

    /** Nothing changed, and the store lives: a progress notice of etcd, a bookmark of Kubernetes. */
    record Progress() implements LeaseEvent {}

    /** Somebody wrote the network config, or it was read again; it need not have changed. */
    record ConfigWritten(String document) implements LeaseEvent {}
}
