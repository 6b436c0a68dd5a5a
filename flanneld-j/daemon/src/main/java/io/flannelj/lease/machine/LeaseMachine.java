package io.flannelj.lease.machine;

import io.flannelj.lease.Admission;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.machine.Step.Message;
import io.flannelj.lease.pool.SubnetChooser;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a node gets a lease and keeps it, as a pure machine: it is told what the store answered or that it did not, and the
 * time, and says what to ask the store next and when to look again. It has no thread, no clock and does no I/O; who drives
 * it reads the clock once for each step, so that no decision rests on two times.
 *
 * <p>Where the store assigns subnets, a lease is what is assigned, with our attributes written to it. Elsewhere a node takes
 * the lease that holds its public address; else the subnets of its previous run where they are free; else any free ones. A
 * lease is renewed in time, created anew when it vanished, and lost when another node has it. It is fenced, by {@link
 * #statusAt} alone, from the moment when its time is over.
 */
public final class LeaseMachine {
    private static final Action HOLD = new Action.Hold();
    private static final Action LOOK = new Action.Look();

    final Terms terms;
    final Goal goal;
    final State state;
    final Memory memory;
    final Pace pace;
    private final Action asked;
    private final String waitingFor;

    private LeaseMachine(
            Terms terms, Goal goal, State state, Memory memory, Pace pace, Action asked, String waitingFor) {
        this.terms = terms;
        this.goal = goal;
        this.state = state;
        this.memory = memory;
        this.pace = pace;
        this.asked = asked;
        this.waitingFor = waitingFor;
    }

    /** A node that wants a lease, and has not asked the store yet. */
    public static LeaseMachine acquiring(Terms terms, Goal goal) {
        return new LeaseMachine(terms, goal, new State.Acquiring(), Memory.EMPTY, Pace.AT_ONCE, HOLD, "");
    }

    /** The same node wants a lease anew, after it lost one or starts over. What was asked last is not waited for. */
    public LeaseMachine acquiring(Goal next) {
        return new LeaseMachine(terms, next, new State.Acquiring(), memory, Pace.AT_ONCE, HOLD, "");
    }

    /** The node tells the others something else from now on. */
    public LeaseMachine announcing(LeaseAttributes attributes) {
        return goal.attributes().equals(attributes)
                ? this
                : new LeaseMachine(terms, goal.withAttributes(attributes), state, memory, pace, asked, waitingFor)
                        .looking();
    }

    /** A watch saw our lease written or gone, or all leases were listed anew: it has to be looked at. */
    public LeaseMachine looking() {
        return with(pace.withChange(true));
    }

    /** The lease that is wanted. */
    public Goal goal() {
        return goal;
    }

    /** Whether nothing is asked, nothing failed and nothing is waited for. */
    public boolean isSettled() {
        return asked instanceof Action.Hold && pace.failures() == 0 && waitingFor.isEmpty();
    }

    /** Why there is no lease yet, human-readable; empty when nothing is waited for. */
    public String waitingFor() {
        return waitingFor;
    }

    /** That another node has our address, human-readable, by the last look at the store; empty when none has. */
    public String duplicate() {
        return memory.duplicate();
    }

    /** How it stands at a time. */
    public LeaseStatus statusAt(Instant now) {
        if (state instanceof State.Lost lost) {
            return new LeaseStatus.Lost(lost.subnets());
        }
        StoredLease lease = leaseOf(state);
        if (lease == null) {
            return new LeaseStatus.Acquiring();
        }
        Instant end = lease.lease().expiresAt();
        return end != null && !now.isBefore(end)
                ? new LeaseStatus.Fenced(lease)
                : new LeaseStatus.Held(lease, !(settled() instanceof State.Adopted));
    }

    /** The state whose lease counts: while a write is being checked, that of before. */
    private State settled() {
        return state instanceof State.Checking checking ? checking.before() : state;
    }

    private @Nullable StoredLease leaseOf(State of) {
        return of instanceof State.Holding holding
                ? holding.lease()
                : of instanceof State.Adopted adopted
                        ? adopted.lease()
                        : of instanceof State.Checking checking ? leaseOf(checking.before()) : null;
    }

    /**
     * Takes one observation.
     *
     * @param now read once, by the caller
     * @param random any number: what chance decides, is decided by it
     */
    public Step step(Observation seen, Instant now, long random) {
        if (seen instanceof Observation.Elapsed) {
            return proceed(now, Message.NONE);
        }
        Action answered = asked;
        LeaseMachine free = new LeaseMachine(terms, goal, state, memory, pace, HOLD, waitingFor);
        if (seen instanceof Observation.Failed failed) {
            return free.onFailed(failed.problem(), now, random);
        }
        if (seen instanceof Observation.Unassigned none) {
            return free.onUnassigned(none.problem(), now, random);
        }
        if (seen instanceof Observation.Assigned assigned) {
            return free.state instanceof State.Acquiring
                    ? free.ask(new Action.Create(assigned.subnets(), goal.attributes()), now, Message.NONE)
                    : new Keeping(free, now, random).onAssigned(assigned);
        }
        if (seen instanceof Observation.Listed listed) {
            List<StoredLease> leases = relevant(listed.leases());
            return state instanceof State.Checking checking
                    ? free.onChecked(checking, leases, now)
                    : state instanceof State.Acquiring
                            ? new Acquiring(free, now, random).onListed(leases)
                            : new Keeping(free, now, random).onListed(leases);
        }
        if (seen instanceof Observation.Written written) {
            return free.onWritten(answered, written.lease(), now);
        }
        return free.retry(now, random, Message.NONE); // outrun, or deleted: look again
    }

    /** Instead of a step that failed: what was asked is not waited for. */
    public Step afterDefect(Instant now, long random) {
        return new LeaseMachine(terms, goal, settled(), memory, pace, HOLD, waitingFor)
                .retry(now, random, Message.NONE);
    }

    private Step onFailed(String problem, Instant now, long random) {
        State before = settled();
        LeaseCache saved = goal.saved();
        if (before instanceof State.Acquiring && saved != null && mayAdopt(saved, now)) {
            return with(new State.Adopted(saved.own()))
                    .retry(
                            now,
                            random,
                            Message.warn(
                                    "going on with the lease " + saved.own().subnets() + " and "
                                            + saved.peers().size() + " peers as written down at " + saved.savedAt()
                                            + ", until the store answers"));
        }
        return with(before)
                .waitingFor(before instanceof State.Acquiring ? problem : "")
                .retry(now, random, Message.NONE);
    }

    /** Whether the lease of the previous run still lasts, may be ours, and is what the config and the address ask for. */
    private boolean mayAdopt(LeaseCache saved, Instant now) {
        StoredLease own = saved.own();
        boolean fits = goal.assigned()
                ? SubnetChooser.lies(goal.config(), own.subnets())
                : own.hasAddressOf(goal.attributes()) && SubnetChooser.fits(goal.config(), own.subnets());
        return fits && saved.isUsableAt(now) && memory.mayBeOurs(own.subnets());
    }

    private Step onUnassigned(String problem, Instant now, long random) {
        if (state instanceof State.Adopted adopted) { // what was only written down is over
            return lose(adopted.lease(), now, Message.warn(problem));
        }
        LeaseMachine next = state instanceof State.Holding holding
                ? with(holding.endedAt(now)) // another node may get the subnets from now on
                : with(memory.withConfirmed(Set.of()));
        return next.waitingFor(problem).retry(now, random, Message.warn(problem));
    }

    /** Without what no node ever obeys, which must not keep anybody from a subnet; but ours, whatever they are. */
    private List<StoredLease> relevant(List<StoredLease> listed) {
        return listed.stream()
                .filter(stored ->
                        Admission.isPossible(goal.config(), stored.subnets()) || stored.hasAddressOf(goal.attributes()))
                .toList();
    }

    private Step onChecked(State.Checking checking, List<StoredLease> listed, Instant now) {
        StoredLease mine = checking.written();
        for (StoredLease other : listed) {
            if (!other.subnets().equals(mine.subnets())
                    && other.subnets().overlaps(mine.subnets())
                    && !isOlder(mine, other)) {
                Message message = Message.info(
                        "giving up " + mine.subnets() + ": it overlaps " + other.subnets() + " of another node");
                return checking.before() instanceof State.Acquiring
                        ? with(memory.withConfirmed(Set.of()))
                                .with(checking.before())
                                .ask(new Action.Delete(mine), now, message)
                        : lose(mine, now, message); // a node that sends stops before it deletes
            }
        }
        return hold(checking.before(), mine, checking.takenOver(), now);
    }

    private static boolean isOlder(StoredLease one, StoredLease other) {
        return one.lease().origin().compareTo(other.lease().origin()) < 0;
    }

    private Step onWritten(Action by, StoredLease written, Instant now) {
        StoredLease mine = leaseOf(state);
        // One that overlaps ours, or a late write of ours, may have met nobody's eye yet.
        boolean known = by instanceof Action.Update update
                && mine != null
                && update.known().version() == mine.version();
        return goal.assigned() || known
                ? hold(state, written, false, now)
                : with(new State.Checking(written, state, by instanceof Action.Update))
                        .ask(LOOK, now, Message.NONE);
    }

    private Step hold(State before, StoredLease lease, boolean takenOver, Instant now) {
        State.Holding held = before instanceof State.Holding holding
                ? new State.Holding(lease, holding.since(), holding.takenOver(), holding.restored())
                : new State.Holding(lease, now, before instanceof State.Acquiring && takenOver, Instant.MIN);
        Message message = !(before instanceof State.Acquiring)
                ? Message.NONE
                : Message.info(
                        takenOver
                                ? "using the lease " + lease.subnets() + " that holds our address "
                                        + goal.attributes().publicAddress()
                                : "leased " + lease.subnets());
        return with(held)
                .with(memory.withConfirmed(Set.of(lease.subnets())))
                .with(pace.next(terms.renewalOf(lease.lease().expiresAt(), now)))
                .waitingFor("")
                .proceed(now, message);
    }

    /** Goes on from here: asks for a look when one is due, or says when it will be. */
    Step proceed(Instant now, Message message) {
        if (state instanceof State.Lost) {
            return new Step(this, HOLD, Instant.MAX, message);
        }
        if (asked instanceof Action.Hold && pace.isDue(now)) {
            return ask(LOOK, now, message);
        }
        return new Step(this, HOLD, again(now), message);
    }

    Step ask(Action action, Instant now, Message message) {
        Memory more = action instanceof Action.Create create
                ? memory.withWritten(create.attributes())
                : action instanceof Action.Update update ? memory.withWritten(update.attributes()) : memory;
        Pace looked = action instanceof Action.Look ? pace.withChange(false) : pace;
        LeaseMachine next = new LeaseMachine(terms, goal, state, more, looked, action, waitingFor);
        return new Step(next, action, next.again(now), message);
    }

    Step retry(Instant now, long random, Message message) {
        LeaseMachine next = with(pace.afterFailure(now, random));
        return new Step(next, HOLD, next.again(now), message);
    }

    Step lose(StoredLease lease, Instant now, Message message) {
        return with(new State.Lost(lease.subnets()))
                .with(memory.withConfirmed(Set.of()))
                .proceed(now, message);
    }

    /** The next look, unless an answer is waited for, or the end of the lease. */
    private Instant again(Instant now) {
        Instant look = asked instanceof Action.Hold ? pace.due() : Instant.MAX;
        StoredLease lease = leaseOf(state);
        Instant end = lease == null ? null : lease.lease().expiresAt();
        return end != null && now.isBefore(end) && end.isBefore(look) ? end : look;
    }

    LeaseMachine with(State now) {
        return new LeaseMachine(terms, goal, now, memory, pace, asked, waitingFor);
    }

    LeaseMachine with(Memory now) {
        return new LeaseMachine(terms, goal, state, now, pace, asked, waitingFor);
    }

    LeaseMachine with(Pace now) {
        return new LeaseMachine(terms, goal, state, memory, now, asked, waitingFor);
    }

    LeaseMachine withPrevious(PodSubnets subnets) {
        return new LeaseMachine(terms, goal.withPrevious(subnets), state, memory, pace, asked, waitingFor);
    }

    LeaseMachine waitingFor(String what) {
        return new LeaseMachine(terms, goal, state, memory, pace, asked, what);
    }
}
