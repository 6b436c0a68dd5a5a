package io.flannelj.lease.machine;

import io.flannelj.lease.StoredLease;
import java.time.Instant;
import java.util.List;
import java.util.Set;

/** What a node makes of a lease that it has written, and of the look at the others that follows. */
record Writing(LeaseState state, Instant now) {
    Step onWritten(Action by, StoredLease written) {
        // One that overlaps ours, or a late write of ours, may have met nobody's eye yet.
        boolean known = by instanceof Action.Update update
                && state.phase() instanceof Phase.Kept kept
                && update.known().isSameWriteAs(kept.lease());
        return state.goal().assigned() || known
                ? hold(written, false)
                : Step.ask(
                        state.with(new Phase.Checking(written, state.phase(), by instanceof Action.Update)),
                        new Action.Look(),
                        now);
    }

    Step onListed(Phase.Checking checking, List<StoredLease> listed) {
        StoredLease mine = checking.written();
        for (StoredLease other : listed) {
            if (!other.subnets().equals(mine.subnets())
                    && other.subnets().overlaps(mine.subnets())
                    && !isOlder(mine, other)) {
                Memory nothing = state.memory().withConfirmed(Set.of());
                Step step = state.phase() instanceof Phase.Acquiring
                        ? Step.ask(state.with(nothing), new Action.Delete(mine), now)
                        : Step.lose(state, mine, now); // a node that sends stops before it deletes
                return step.info(
                        "giving up " + mine.subnets() + ": it overlaps " + other.subnets() + " of another node");
            }
        }
        return hold(mine, checking.takenOver());
    }

    private static boolean isOlder(StoredLease one, StoredLease other) {
        return one.lease().origin().compareTo(other.lease().origin()) < 0;
    }

    private Step hold(StoredLease lease, boolean takenOver) {
        boolean isNew = state.phase() instanceof Phase.Acquiring;
        Instant end = lease.lease().expiresAt();
        if (isNew && end != null && !now.isBefore(end)) {
            // The answers took longer than it lasts, as over a suspension: it may be another node's by now.
            return Step.ask(state, new Action.Look(), now);
        }
        Phase.Holding held = state.phase() instanceof Phase.Holding holding
                ? new Phase.Holding(lease, holding.since(), holding.takenOver(), holding.restored())
                : new Phase.Holding(lease, now, isNew && takenOver, Instant.MIN);
        String how = takenOver
                ? "using the lease " + lease.subnets() + " that holds our address "
                        + state.goal().attributes().publicAddress()
                : "leased " + lease.subnets();
        Instant renewal = state.terms().renewalOf(lease.lease().expiresAt(), now);
        LeaseState next = state.with(held)
                .with(state.memory().withConfirmed(Set.of(lease.subnets())))
                .with(state.pace().next(renewal));
        return Step.proceed(next, now).info(isNew ? how : "");
    }
}
