package io.flannelj.lease.machine;

import io.flannelj.lease.LeaseAttributes;
import java.time.Instant;

/**
 * All that a node knows of its lease. {@link LeaseMachine} decides by it, and each step makes a new one.
 *
 * @param goal the lease that is wanted
 * @param asked what the store has not answered yet
 */
public record LeaseState(Terms terms, Goal goal, Phase phase, Memory memory, Pace pace, Action asked) {
    /** Of a node that wants a lease, and has not asked the store yet. */
    public static LeaseState acquiring(Terms terms, Goal goal) {
        return new LeaseState(terms, goal, new Phase.Acquiring(), Memory.EMPTY, Pace.AT_ONCE, new Action.Hold());
    }

    /** The same node wants a lease anew, after it lost one or starts over. What was asked last is not waited for. */
    public LeaseState acquiring(Goal next) {
        return new LeaseState(terms, next, new Phase.Acquiring(), memory, Pace.AT_ONCE, new Action.Hold());
    }

    /** The node tells the others something else from now on. */
    public LeaseState announcing(LeaseAttributes attributes) {
        return goal.attributes().equals(attributes)
                ? this
                : with(goal.withAttributes(attributes)).looking();
    }

    /** A watch saw our lease written or gone, or all leases were listed anew: it has to be looked at. */
    public LeaseState looking() {
        return with(pace.withChange(true));
    }

    /** Whether nothing is asked, nothing failed and nothing is waited for. */
    public boolean isSettled() {
        return asked instanceof Action.Hold && pace.failures() == 0;
    }

    /** Why there is no lease yet, human-readable; empty when nothing is waited for. */
    public String waitingFor() {
        return pace.waitingFor();
    }

    /** That another node has our address, human-readable, by the last look at the store; empty when none has. */
    public String duplicate() {
        return memory.duplicate();
    }

    /** How it stands at a time. */
    public LeaseStatus statusAt(Instant now) {
        if (phase instanceof Phase.Lost lost) {
            return new LeaseStatus.Lost(lost.subnets());
        }
        if (!(settled() instanceof Phase.Kept kept)) {
            return new LeaseStatus.Acquiring();
        }
        Instant end = kept.lease().lease().expiresAt();
        return end != null && !now.isBefore(end)
                ? new LeaseStatus.Fenced(kept.lease())
                : new LeaseStatus.Held(kept.lease(), kept instanceof Phase.Holding);
    }

    /** The phase whose lease counts: while a write is being checked, that of before. */
    Phase settled() {
        return phase instanceof Phase.Checking checking ? checking.before() : phase;
    }

    /** The next look, unless an answer is waited for, or the end of the lease. */
    Instant again(Instant now) {
        Instant look = asked instanceof Action.Hold ? pace.due() : Instant.MAX;
        Instant end =
                settled() instanceof Phase.Kept kept ? kept.lease().lease().expiresAt() : null;
        return end != null && now.isBefore(end) && end.isBefore(look) ? end : look;
    }

    LeaseState with(Goal now) {
        return new LeaseState(terms, now, phase, memory, pace, asked);
    }

    LeaseState with(Phase now) {
        return new LeaseState(terms, goal, now, memory, pace, asked);
    }

    LeaseState with(Memory now) {
        return new LeaseState(terms, goal, phase, now, pace, asked);
    }

    LeaseState with(Pace now) {
        return new LeaseState(terms, goal, phase, memory, now, asked);
    }

    LeaseState asking(Action now) {
        return new LeaseState(terms, goal, phase, memory, pace, now);
    }
}
