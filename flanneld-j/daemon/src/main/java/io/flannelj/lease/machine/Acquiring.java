package io.flannelj.lease.machine;

import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.machine.Step.Message;
import io.flannelj.lease.pool.SubnetChooser;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/** What a node without a lease makes of a listing. */
record Acquiring(LeaseMachine machine, Instant now, long random) {
    Step onListed(List<StoredLease> listed) {
        List<StoredLease> ours = ours(listed);
        LeaseMachine informed = machine.with(machine.memory
                .withDuplicate("")
                .withConfirmed(ours.stream().map(StoredLease::subnets).collect(Collectors.toUnmodifiableSet())));
        return ours.isEmpty() ? create(informed, listed) : takeOver(informed, ours.get(0));
    }

    /**
     * Leases with our address, and the one that this node wrote while it had another address; that of the previous run
     * first: a write that came late may have left another one.
     */
    private List<StoredLease> ours(List<StoredLease> listed) {
        return listed.stream()
                .filter(lease -> lease.hasAddressOf(machine.goal.attributes())
                        || (lease.subnets().equals(machine.goal.previous()) && machine.memory.isOurs(lease)))
                .sorted(Comparator.comparing(lease -> !lease.subnets().equals(machine.goal.previous())))
                .toList();
    }

    private Step create(LeaseMachine informed, List<StoredLease> listed) {
        Goal goal = informed.goal;
        Optional<PodSubnets> choice = SubnetChooser.choose(
                goal.config(),
                listed.stream().map(StoredLease::subnets).toList(),
                goal.previous(),
                new SplittableRandom(random));
        if (choice.isEmpty()) {
            String problem = "out of subnets: all of " + goal.config().networks() + " is leased to " + listed.size()
                    + " nodes; waiting for one to become free";
            return informed.waitingFor(problem).retry(now, random, Message.warn(problem));
        }
        return informed.ask(new Action.Create(choice.get(), goal.attributes()), now, Message.NONE);
    }

    private Step takeOver(LeaseMachine informed, StoredLease ours) {
        if (informed.memory.isOfRival(ours)) { // until the other node is gone and its lease with it
            String problem = Keeping.duplicate(informed.goal.attributes(), ours);
            return informed.with(informed.memory.withDuplicate(problem))
                    .waitingFor(problem)
                    .retry(now, random, Message.warn(problem));
        }
        if (!SubnetChooser.fits(informed.goal.config(), ours.subnets())) {
            return informed.withPrevious(ours.subnets()) // what of it still fits is asked for again
                    .ask(
                            new Action.Delete(ours),
                            now,
                            Message.info("giving up the lease " + ours.subnets()
                                    + ": it does not fit the network config any more"));
        }
        return informed.ask(new Action.Update(ours, informed.goal.attributes()), now, Message.NONE);
    }
}
