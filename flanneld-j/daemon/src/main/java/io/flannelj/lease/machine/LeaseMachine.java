package io.flannelj.lease.machine;

import io.flannelj.lease.Admission;
import java.time.Instant;

/**
 * How a node gets a lease and keeps it, as a pure machine: it is told what the store answered or that it did not, and the
 * time, and says what to ask the store next and when to look again. It has no thread, no clock and does no I/O; who drives
 * it reads the clock once for each step, so that no decision rests on two times.
 *
 * <p>Where the store assigns subnets, a lease is what is assigned, with our attributes written to it. Elsewhere a node takes
 * the lease that holds its public address; else the subnets of its previous run where they are free; else any free ones. A
 * lease is renewed in time, created anew when it vanished, and lost when another node has it. It is fenced, by {@link
 * LeaseState#statusAt} alone, from the moment when its time is over.
 */
public final class LeaseMachine {
    private LeaseMachine() {}

    /**
     * Takes one observation.
     *
     * @param now read once, by the caller
     * @param random any number: what chance decides, is decided by it
     */
    public static Step step(LeaseState state, Observation seen, Instant now, long random) {
        if (seen instanceof Observation.Elapsed || state.phase() instanceof Phase.Lost) {
            return Step.proceed(state, now);
        }
        LeaseState free = state.asking(new Action.Hold()).with(state.settled());
        Observation known = seen instanceof Observation.Listed listed ? obeyed(listed, state.goal()) : seen;
        if (known instanceof Observation.Written written) {
            return new Writing(free, now).onWritten(state.asked(), written.lease());
        }
        if (known instanceof Observation.Listed listed && state.phase() instanceof Phase.Checking checking) {
            return new Writing(free, now).onListed(checking, listed.leases());
        }
        return free.phase() instanceof Phase.Kept kept
                ? new Keeping(free, kept, now, random).on(known)
                : new Acquiring(free, now, random).on(known);
    }

    /** Instead of a step that failed: what was asked is not waited for. */
    public static Step afterDefect(LeaseState state, Instant now, long random) {
        return Step.retry(state.asking(new Action.Hold()).with(state.settled()), now, random, state.waitingFor());
    }

    /** Without what no node ever obeys, which must not keep anybody from a subnet; but ours, whatever they are. */
    private static Observation.Listed obeyed(Observation.Listed listed, Goal goal) {
        return new Observation.Listed(listed.leases().stream()
                .filter(stored ->
                        Admission.isPossible(goal.config(), stored.subnets()) || stored.hasAddressOf(goal.attributes()))
                .toList());
    }
}
