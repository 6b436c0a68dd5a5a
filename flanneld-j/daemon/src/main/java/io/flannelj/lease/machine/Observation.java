package io.flannelj.lease.machine;

import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import java.util.List;

/** What a {@link LeaseMachine} is told: the answer to its last {@link Action}, or that time has passed. */
public sealed interface Observation {
    /** Time has passed, and nothing else. */
    record Elapsed() implements Observation {}

    /** The answer to {@link Action.Look} where nodes choose their subnets: every live lease. */
    record Listed(List<StoredLease> leases) implements Observation {
        public Listed {
            leases = List.copyOf(leases);
        }
    }

    /** The answer to {@link Action.Look} where the store gives nodes their subnets. */
    record Assigned(PodSubnets subnets, NodeNotes notes) implements Observation {}

    /** The store answered, and has no subnets for this node. */
    record Unassigned(String problem) implements Observation {}

    /** A create or update was carried out. */
    record Written(StoredLease lease) implements Observation {}

    /** A create or update was not carried out, for another node had written meanwhile; or a delete was or was not. */
    record LookAgain() implements Observation {}

    /** The store did not answer, or refused. A write may have been carried out all the same, or may be still. */
    record Failed(String problem) implements Observation {}
}
