package io.flannelj.lease.loop;

import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.UnassignedException;
import io.flannelj.lease.machine.Action;
import io.flannelj.lease.machine.Goal;
import io.flannelj.lease.machine.LeaseMachine;
import io.flannelj.lease.machine.LeaseState;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.lease.machine.Observation;
import io.flannelj.lease.machine.Step;
import io.flannelj.lease.machine.Terms;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives the {@link LeaseMachine}: asks the store what it wants to know, tells it the answers and the time, and passes on how
 * it stands with the lease.
 *
 * <p>Two queues. {@code turns} owns the machine and never waits, so that a lease is fenced in time whatever the store does;
 * {@code calls} waits for the store, one call at a time. The timers of threads stand still while the machine is suspended, so
 * that no wait is longer than {@link #LONGEST_WAIT}: after a resume the clock, which counts the suspension, is read at once.
 */
public class LeaseLoop {
    private static final Logger log = LoggerFactory.getLogger(LeaseLoop.class);
    private static final Duration LONGEST_WAIT = Duration.ofMillis(500);
    private static final Duration SHORTEST_WAIT = Duration.ofMillis(1);

    /** While the clock cannot be read: what waits is due as soon as it can, and what ends counts as ended. */
    private static final Instant NO_TIME = Instant.MIN;

    private final SubnetManager store;
    private final StoreHealth health;
    private final Clock clock;
    private final RandomGenerator random;
    private final Terms terms;
    private final TaskQueue turns;
    private final TaskQueue calls;
    private volatile @Nullable LeaseState state;
    private final CompletableFuture<Object> stopped = new CompletableFuture<>();
    private volatile boolean closed;

    // owned by turns
    private Consumer<LeaseStatus> listener = status -> {};
    private @Nullable LeaseStatus notified;
    private @Nullable LeaseStatus recorded;
    private TaskQueue.@Nullable Pending timer;
    private String logged = "";

    /** The call whose answer counts: of one of before, nothing is wanted any more. */
    private int asked;

    public LeaseLoop(
            SubnetManager store,
            StoreHealth health,
            Clock clock,
            RandomGenerator random,
            Terms terms,
            TaskQueue turns,
            TaskQueue calls) {
        this.store = store;
        this.health = health;
        this.clock = clock;
        this.random = random;
        this.terms = terms;
        this.turns = turns;
        this.calls = calls;
    }

    /**
     * Begins to acquire a lease, and keeps it from then on.
     *
     * @param onStatus told on the turns' queue how it stands with the lease, at each change
     */
    public void acquire(Goal goal, Consumer<LeaseStatus> onStatus) {
        turns.run(() -> {
            LeaseState before = state;
            state = before == null ? LeaseState.acquiring(terms, goal) : before.acquiring(goal);
            asked++;
            tell(onStatus);
        });
    }

    /** The same, and waits until there is one. */
    public LeaseStatus.Held acquire(Goal goal) throws ClosedException {
        CompletableFuture<Object> first = stopped.copy();
        acquire(goal, status -> {
            if (status instanceof LeaseStatus.Held) {
                first.complete(status);
            }
        });
        if (first.join() instanceof LeaseStatus.Held lease) {
            return lease;
        }
        throw new ClosedException();
    }

    /** From now on another listener is told; at once of how it stands now. */
    public void listen(Consumer<LeaseStatus> onStatus) {
        turns.run(() -> tell(onStatus));
    }

    private void tell(Consumer<LeaseStatus> onStatus) {
        listener = onStatus;
        notified = null;
        turn(new Observation.Elapsed());
    }

    /** Tells the other nodes something else of this one from now on. */
    public void announce(LeaseAttributes attributes) {
        change(now -> now.announcing(attributes));
    }

    /** Has the store looked at: our lease was written or is gone. */
    public void check() {
        change(LeaseState::looking);
    }

    private void change(UnaryOperator<LeaseState> how) {
        turns.run(() -> {
            LeaseState before = state;
            if (before != null) {
                state = how.apply(before);
                turn(new Observation.Elapsed());
            }
        });
    }

    /** What the lease waits for, human-readable; empty for nothing. Any thread may ask. */
    public String waitingFor() {
        LeaseState now = state;
        return now == null ? "" : now.waitingFor();
    }

    /** That another node has our address, human-readable; empty when none has. Any thread may ask. */
    public String duplicate() {
        LeaseState now = state;
        return now == null ? "" : now.duplicate();
    }

    /** Takes one observation. The decision, the call and the listener fail each by itself, and the next turn comes. */
    private void turn(Observation seen) {
        LeaseState before = state;
        if (closed || before == null) {
            return;
        }
        Instant now = NO_TIME;
        Step step;
        try {
            now = clock.instant();
            step = step(before, seen, now);
        } catch (RuntimeException | Error e) { // a defect must end neither the renewal of the lease nor its fence
            logOnce(e);
            asked++;
            step = LeaseMachine.afterDefect(before, now, random.nextLong());
        }
        state = step.state();
        if (timer != null) {
            timer.cancel();
        }
        timer = turns.after(pause(step, now), () -> turn(new Observation.Elapsed()));
        if (!(step.action() instanceof Action.Hold)) {
            call(step.action(), step.state().goal());
        }
        logOnce(step.message());
        LeaseStatus status = status(step.state(), now.equals(NO_TIME) ? Instant.MAX : now);
        if (notifyOf(status)
                && status instanceof LeaseStatus.Held
                && step.state().isSettled()) {
            logged = ""; // what happens again after this is news
        }
    }

    private void call(Action action, Goal goal) {
        int number = ++asked;
        try {
            calls.run(() -> {
                Observation answer = new Observation.Failed(store.location() + " could not be asked");
                try {
                    answer = perform(action, goal);
                } finally { // without an answer nothing would be asked ever again
                    answer(number, answer);
                }
            });
        } catch (RuntimeException | Error e) { // no thread could be made, say
            logOnce(e);
            answer(number, new Observation.Failed(e.toString()));
        }
    }

    private void answer(int number, Observation answer) {
        turns.run(() -> {
            if (number == asked) {
                asked++;
                turn(answer);
            }
        });
    }

    /** Seam for tests: the decision. */
    Step step(LeaseState from, Observation seen, Instant now) {
        return LeaseMachine.step(from, seen, now, random.nextLong());
    }

    /** Seam for tests: how it stands. */
    LeaseStatus status(LeaseState of, Instant now) {
        return of.statusAt(now);
    }

    /** Seam for tests: how long to wait for the next turn. */
    Duration pause(Step step, Instant now) {
        if (!step.again().isBefore(now.plus(LONGEST_WAIT))) {
            return LONGEST_WAIT;
        }
        Duration left = Duration.between(now, step.again());
        return left.compareTo(SHORTEST_WAIT) < 0 ? SHORTEST_WAIT : left;
    }

    private void record(LeaseStatus status) {
        // Else the event's class would be loaded at the start, which takes 90 ms.
        if (FlightRecorder.isInitialized() && !status.equals(recorded)) {
            LeaseTransition.between(recorded, status).ifPresent(LeaseTransition::commit);
        }
        recorded = status;
    }

    /** False when the listener failed; it is told again at the next turn. */
    private boolean notifyOf(LeaseStatus status) {
        try {
            record(status);
            if (!status.equals(notified)) {
                listener.accept(status);
                notified = status;
            }
            return true;
        } catch (RuntimeException | Error e) {
            logOnce(e);
            return false;
        }
    }

    private void logOnce(Step.Message message) {
        if (!message.text().isEmpty() && !message.text().equals(logged)) {
            logged = message.text();
            log.atLevel(message.level()).log("{}", logged);
        }
    }

    private void logOnce(Throwable defect) {
        if (!defect.toString().equals(logged)) {
            logged = defect.toString();
            log.error("the lease's loop failed, and goes on: {}", logged, defect);
        }
    }

    /** Asks the store; on the calls' queue. */
    private Observation perform(Action action, Goal goal) {
        Observation answer;
        try {
            answer = ask(action, goal);
        } catch (UnassignedException e) {
            answer = new Observation.Unassigned(e.problem());
        } catch (StoreException e) {
            return failed(e);
        } catch (RuntimeException | Error e) {
            log.debug("{} failed", store.location(), e);
            return failed(new StoreException(store.location() + " failed: " + e, e));
        }
        health.answered(StoreHealth.Asking.LEASE);
        return answer;
    }

    private Observation failed(StoreException e) {
        if (!closed) { // else it was broken off
            health.failed(StoreHealth.Asking.LEASE, e);
        }
        return new Observation.Failed(e.problem());
    }

    private Observation ask(Action action, Goal goal) throws StoreException {
        if (action instanceof Action.Look) {
            Optional<PodSubnets> assigned = store.assigned(goal.config());
            return assigned.isPresent()
                    ? new Observation.Assigned(assigned.get(), store.notes())
                    : new Observation.Listed(store.leases());
        }
        if (action instanceof Action.Create create) {
            return written(store.create(create.subnets(), create.attributes(), terms.timeToLive()));
        }
        if (action instanceof Action.Update update) {
            return written(store.update(update.known(), update.attributes(), terms.timeToLive()));
        }
        if (action instanceof Action.Delete delete) {
            store.delete(delete.known());
            return new Observation.LookAgain();
        }
        throw new IllegalStateException("nothing to ask for: " + action);
    }

    private static Observation written(Optional<StoredLease> lease) {
        return lease.isPresent() ? new Observation.Written(lease.get()) : new Observation.LookAgain();
    }

    /** No turn is made any more, and nobody waits any longer. */
    public void close() {
        closed = true;
        stopped.complete(true);
    }

    /** Gives our lease back, unless it is a reservation; false when it could not be. After {@link #close}; blocks. */
    public boolean release() {
        LeaseState last = state;
        if (last == null
                || !(last.statusAt(clock.instant()) instanceof LeaseStatus.Held held)
                || held.lease().isReservation()) {
            return false;
        }
        PodSubnets subnets = held.lease().subnets();
        try {
            boolean released = store.delete(held.lease());
            log.info(released ? "gave the lease {} back" : "the lease {} is not ours to give back", subnets);
            return released;
        } catch (StoreException e) {
            log.warn("the lease {} could not be given back: {}", subnets, e.problem());
            return false;
        }
    }
}
