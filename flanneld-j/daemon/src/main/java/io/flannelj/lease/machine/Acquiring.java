package io.flannelj.lease.machine;

import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.pool.SubnetChooser;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/** What a node without a lease makes of the store's answer. */
record Acquiring(LeaseState state, Instant now, long random) {
    Step on(Observation seen) {
        if (seen instanceof Observation.Listed listed) {
            return onListed(listed.leases());
        }
        if (seen instanceof Observation.Assigned assigned) {
            return Step.ask(
                    state, new Action.Create(assigned.subnets(), state.goal().attributes()), now);
        }
        if (seen instanceof Observation.Unassigned none) {
            return waitFor(none.problem(), state.with(state.memory().withConfirmed(Set.of())));
        }
        return seen instanceof Observation.Failed failed
                ? onFailed(failed.problem())
                : Step.retry(state, now, random, "");
    }

    private Step waitFor(String problem, LeaseState of) {
        return Step.retry(of, now, random, problem).warn(problem);
    }

    private Step onFailed(String problem) {
        LeaseCache saved = state.goal().saved();
        return saved != null && mayAdopt(saved)
                ? Step.retry(state.with(new Phase.Adopted(saved.own())), now, random, "")
                        .warn("going on with the lease " + saved.own().subnets() + " and "
                                + saved.peers().size() + " peers as written down at " + saved.savedAt()
                                + ", until the store answers")
                : Step.retry(state, now, random, problem);
    }

    /** Whether the lease of the previous run still lasts, may be ours, and is what the config and the address ask for. */
    private boolean mayAdopt(LeaseCache saved) {
        StoredLease own = saved.own();
        Goal goal = state.goal();
        boolean fits = goal.assigned()
                ? SubnetChooser.lies(goal.config(), own.subnets())
                : own.hasAddressOf(goal.attributes()) && SubnetChooser.fits(goal.config(), own.subnets());
        return fits && saved.isUsableAt(now) && state.memory().mayBeOurs(own.subnets());
    }

    private Step onListed(List<StoredLease> listed) {
        List<StoredLease> ours = ours(listed);
        Memory informed = state.memory()
                .withDuplicate("")
                .withConfirmed(ours.stream().map(StoredLease::subnets).collect(Collectors.toUnmodifiableSet()));
        return ours.isEmpty() ? create(state.with(informed), listed) : takeOver(state.with(informed), ours.get(0));
    }

    /**
     * Leases with our address, and the one that this node wrote while it had another address; that of the previous run
     * first: a write that came late may have left another one.
     */
    private List<StoredLease> ours(List<StoredLease> listed) {
        PodSubnets previous = state.goal().previous();
        return listed.stream()
                .filter(lease -> lease.hasAddressOf(state.goal().attributes())
                        || (lease.subnets().equals(previous) && state.memory().isOurs(lease)))
                .sorted(Comparator.comparing(lease -> !lease.subnets().equals(previous)))
                .toList();
    }

    private Step create(LeaseState informed, List<StoredLease> listed) {
        Goal goal = informed.goal();
        Optional<PodSubnets> choice = SubnetChooser.choose(
                goal.config(),
                listed.stream().map(StoredLease::subnets).toList(),
                goal.previous(),
                new SplittableRandom(random));
        return choice.isPresent()
                ? Step.ask(informed, new Action.Create(choice.get(), goal.attributes()), now)
                : waitFor(
                        "out of subnets: all of " + goal.config().networks() + " is leased to " + listed.size()
                                + " nodes; waiting for one to become free",
                        informed);
    }

    private Step takeOver(LeaseState informed, StoredLease ours) {
        Goal goal = informed.goal();
        if (informed.memory().isOfRival(ours)) { // until the other node is gone and its lease with it
            String problem = Memory.duplicateOf(goal.attributes(), ours);
            return waitFor(problem, informed.with(informed.memory().withDuplicate(problem)));
        }
        if (!SubnetChooser.fits(goal.config(), ours.subnets())) {
            Goal again = goal.withPrevious(ours.subnets()); // what of it still fits is asked for
            return Step.ask(informed.with(again), new Action.Delete(ours), now)
                    .info("giving up the lease " + ours.subnets() + ": it does not fit the network config any more");
        }
        return Step.ask(informed, new Action.Update(ours, goal.attributes()), now);
    }
}
