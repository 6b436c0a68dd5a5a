package io.flannelj.lease.machine;

import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;

/** What a node with a lease makes of the store's answer: ours still or not, to be renewed or not. */
record Keeping(LeaseState state, Phase.Kept kept, Instant now, long random) {
    /** When another node rewrites our lease so soon after we took it over, that node was there first. */
    private static final Duration NEWCOMER = Duration.ofMinutes(1);

    /** How often a lease is restored that another node rewrites: two nodes must not do that as fast as they can. */
    private static final Duration RESTORE_EVERY = Duration.ofMinutes(1);

    Step on(Observation seen) {
        if (seen instanceof Observation.Listed listed) {
            return onListed(listed.leases());
        }
        if (seen instanceof Observation.Assigned assigned) {
            return onAssigned(assigned);
        }
        if (seen instanceof Observation.Unassigned none) {
            return onUnassigned(none.problem());
        }
        return Step.retry(state, now, random, ""); // a node with a lease waits for nothing
    }

    private PodSubnets subnets() {
        return kept.lease().subnets();
    }

    private LeaseAttributes attributes() {
        return state.goal().attributes();
    }

    private Step onUnassigned(String problem) {
        return kept instanceof Phase.Holding holding // another node may get the subnets from now on
                ? Step.retry(state.with(holding.endedAt(now)), now, random, problem)
                        .warn(problem)
                : lose(problem); // what was only written down is over
    }

    private Step onAssigned(Observation.Assigned assigned) {
        if (!assigned.subnets().equals(subnets())) {
            return lose("this node's subnets are " + assigned.subnets() + " now, no longer " + subnets());
        }
        if (kept instanceof Phase.Adopted && isKnownOtherwise(assigned.notes())) {
            return lose("the store knows this node by another public address than "
                    + attributes().publicAddress());
        }
        return Step.ask(state, new Action.Create(subnets(), attributes()), now);
    }

    /** What was begun while the store was away did not know what an operator wrote there. */
    private boolean isKnownOtherwise(NodeNotes notes) {
        return !attributes().publicIps().values().containsAll(notes.publicIps().values());
    }

    private Step onListed(List<StoredLease> listed) {
        for (StoredLease stored : listed) {
            if (stored.subnets().equals(subnets())) {
                return onFound(stored);
            }
        }
        for (StoredLease stored : listed) {
            if (stored.subnets().overlaps(subnets())) {
                return lose("another node holds " + stored.subnets() + " now, which overlaps our " + subnets());
            }
        }
        return Step.ask(alone(), new Action.Create(subnets(), attributes()), now)
                .warn("the lease " + subnets() + " is gone from the store; creating it again");
    }

    private Step onFound(StoredLease stored) {
        if (!stored.hasAddressOf(attributes())) {
            return lose("another node holds our subnets " + stored.subnets() + " now");
        }
        boolean asWritten = stored.isSameWriteAs(kept.lease());
        if (kept instanceof Phase.Holding holding
                && !asWritten
                && !stored.isReservation()
                && !state.memory().isOurs(stored)) {
            return onRival(holding, stored);
        }
        boolean renew = kept instanceof Phase.Adopted
                || !asWritten
                || !now.isBefore(state.pace().due())
                || !stored.says(attributes());
        Instant renewal = state.terms().renewalOf(kept.lease().lease().expiresAt(), now);
        return renew
                ? Step.ask(alone(), new Action.Update(stored, attributes()), now)
                : Step.proceed(alone().with(state.pace().next(renewal)), now);
    }

    /** No other node has our address. */
    private LeaseState alone() {
        return state.with(state.memory().withDuplicate(""));
    }

    /** Nobody but us writes our lease, unless another node has our address and believes that it is its own. */
    private Step onRival(Phase.Holding holding, StoredLease stored) {
        String problem = Memory.duplicateOf(attributes(), stored);
        LeaseState informed = state.with(state.memory().withDuplicate(problem));
        if (holding.takenOver() && now.isBefore(holding.since().plus(NEWCOMER))) {
            Memory rival = informed.memory().withRival(stored.lease().attributes());
            return Step.lose(informed.with(rival), holding.lease(), now)
                    .error(problem + "; it was there first, so this node waits until it is gone");
        }
        Instant end = holding.lease().lease().expiresAt();
        Instant renewal = end == null ? Instant.MAX : end.minus(state.terms().renewMargin());
        Instant restore = Collections.min(List.of(holding.restored().plus(RESTORE_EVERY), renewal));
        if (now.isBefore(restore)) {
            return Step.proceed(informed.with(informed.pace().next(restore)), now);
        }
        Phase restoring = new Phase.Holding(holding.lease(), holding.since(), holding.takenOver(), now);
        return Step.ask(informed.with(restoring), new Action.Update(stored, attributes()), now)
                .error(problem + "; this node was there first and restores it");
    }

    private Step lose(String why) {
        return Step.lose(state, kept.lease(), now).warn(why);
    }
}
