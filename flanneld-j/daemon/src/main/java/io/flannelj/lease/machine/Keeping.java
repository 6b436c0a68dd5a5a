package io.flannelj.lease.machine;

import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.machine.Step.Message;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** What a node with a lease makes of a look at the store: ours still or not, to be renewed or not. */
record Keeping(LeaseMachine machine, Instant now, long random) {
    /** When another node rewrites our lease so soon after we took it over, that node was there first. */
    private static final Duration NEWCOMER = Duration.ofMinutes(1);

    /** How often a lease is restored that another node rewrites: two nodes must not do that as fast as they can. */
    private static final Duration RESTORE_EVERY = Duration.ofMinutes(1);

    private StoredLease mine() {
        return machine.state instanceof State.Adopted adopted
                ? adopted.lease()
                : ((State.Holding) machine.state).lease();
    }

    private boolean isAdopted() {
        return machine.state instanceof State.Adopted;
    }

    Step onAssigned(Observation.Assigned assigned) {
        PodSubnets mine = mine().subnets();
        LeaseAttributes attributes = machine.goal.attributes();
        if (!assigned.subnets().equals(mine)) {
            return lose("this node's subnets are " + assigned.subnets() + " now, no longer " + mine);
        }
        if (isAdopted() && isKnownOtherwise(assigned.notes(), attributes)) {
            return lose("the store knows this node by another public address than " + attributes.publicAddress());
        }
        return machine.ask(new Action.Create(mine, attributes), now, Message.NONE);
    }

    /** What was begun while the store was away did not know what an operator wrote there. */
    private static boolean isKnownOtherwise(NodeNotes notes, LeaseAttributes attributes) {
        return !attributes.publicIps().values().containsAll(notes.publicIps().values());
    }

    Step onListed(List<StoredLease> listed) {
        PodSubnets mine = mine().subnets();
        for (StoredLease stored : listed) {
            if (stored.subnets().equals(mine)) {
                return onFound(stored);
            }
        }
        for (StoredLease stored : listed) {
            if (stored.subnets().overlaps(mine)) {
                return lose("another node holds " + stored.subnets() + " now, which overlaps our " + mine);
            }
        }
        return machine.with(machine.memory.withDuplicate(""))
                .ask(
                        new Action.Create(mine, machine.goal.attributes()),
                        now,
                        Message.warn("the lease " + mine + " is gone from the store; creating it again"));
    }

    private Step onFound(StoredLease stored) {
        if (!stored.hasAddressOf(machine.goal.attributes())) {
            return lose("another node holds our subnets " + stored.subnets() + " now");
        }
        boolean asWritten = stored.version() == mine().version();
        if (machine.state instanceof State.Holding holding
                && !asWritten
                && !stored.isReservation()
                && !machine.memory.isOurs(stored)) {
            return onRival(holding, stored);
        }
        LeaseMachine alone = machine.with(machine.memory.withDuplicate(""));
        Instant renewal = machine.terms.renewalOf(mine().lease().expiresAt(), now);
        boolean renew = isAdopted()
                || !asWritten
                || !now.isBefore(machine.pace.due())
                || !says(stored, machine.goal.attributes());
        return renew
                ? alone.ask(new Action.Update(stored, machine.goal.attributes()), now, Message.NONE)
                : alone.with(alone.pace.next(renewal)).proceed(now, Message.NONE);
    }

    private static boolean says(StoredLease stored, LeaseAttributes attributes) {
        return stored.lease().attributes().equals(attributes)
                || LeaseJson.format(stored.lease().attributes()).equals(LeaseJson.format(attributes));
    }

    /** Nobody but us writes our lease, unless another node has our address and believes that it is its own. */
    private Step onRival(State.Holding holding, StoredLease stored) {
        String problem = duplicate(machine.goal.attributes(), stored);
        LeaseMachine informed = machine.with(machine.memory.withDuplicate(problem));
        if (holding.takenOver() && now.isBefore(holding.since().plus(NEWCOMER))) {
            return informed.with(informed.memory.withRival(stored.lease().attributes()))
                    .lose(
                            holding.lease(),
                            now,
                            Message.error(problem + "; it was there first, so this node waits until it is gone"));
        }
        Instant restore = holding.restored().equals(Instant.MIN)
                ? now
                : min(holding.restored().plus(RESTORE_EVERY), renewal(holding));
        if (now.isBefore(restore)) {
            return informed.with(informed.pace.next(restore)).proceed(now, Message.NONE);
        }
        return informed.with(new State.Holding(holding.lease(), holding.since(), holding.takenOver(), now))
                .ask(
                        new Action.Update(stored, machine.goal.attributes()),
                        now,
                        Message.error(problem + "; this node was there first and restores it"));
    }

    private Instant renewal(State.Holding holding) {
        Instant end = holding.lease().lease().expiresAt();
        return end == null ? Instant.MAX : end.minus(machine.terms.renewMargin());
    }

    private static Instant min(Instant one, Instant other) {
        return one.isBefore(other) ? one : other;
    }

    static String duplicate(LeaseAttributes ours, StoredLease stored) {
        return "another node uses our address " + ours.publicAddress() + ": it rewrote our lease " + stored.subnets()
                + " as " + LeaseJson.format(stored.lease().attributes())
                + "; give one of the two another --public-ip or --iface";
    }

    private Step lose(String why) {
        return machine.lose(mine(), now, Message.warn(why));
    }
}
