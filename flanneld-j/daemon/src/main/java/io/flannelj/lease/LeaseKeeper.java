package io.flannelj.lease;

import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gets this node its lease and keeps it: the one place that waits for the store, with growing pauses, for as long as it
 * takes. What goes wrong is said once, not at every try.
 *
 * <p>Calls block; they belong to a thread that may wait, never to the control thread. {@link #close} ends them early.
 */
public final class LeaseKeeper implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LeaseKeeper.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
    private static final Duration SOONEST_RENEWAL = Duration.ofSeconds(1);

    /** So long a write may still be carried out whose answer we did not hear. */
    private static final Duration STRAGGLERS = Duration.ofSeconds(30);

    private final SubnetManager store;
    private final StoreHealth health;
    private final Clock clock;
    private final Terms terms;
    private final LeaseState state;
    private final LeaseClaim claim;
    private final LeaseGuard guard;
    private final Backoff pauses;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile @Nullable NetworkConfig networkConfig;

    /**
     * What leases are taken out on.
     *
     * @param timeToLive of our lease in the store; flannel's is 24 hours
     * @param renewMargin how long before its end the lease is renewed; at most half the time to live counts
     */
    public record Terms(Duration timeToLive, Duration renewMargin) {
        public Terms {
            Duration half = timeToLive.dividedBy(2);
            renewMargin = renewMargin.compareTo(half) > 0 ? half : renewMargin;
        }
    }

    /** The wait was ended by {@link #close}. */
    public static final class ClosedException extends Exception {
        private static final long serialVersionUID = 1;

        ClosedException() {
            super("closed while waiting for the store");
        }
    }

    public LeaseKeeper(SubnetManager store, StoreHealth health, Clock clock, RandomGenerator random, Terms terms) {
        this.store = store;
        this.health = health;
        this.clock = clock;
        this.terms = terms;
        this.state = new LeaseState(clock);
        this.claim = new LeaseClaim(store, state, clock, random, terms.timeToLive());
        this.guard = new LeaseGuard(store, state, clock, terms.timeToLive());
        this.pauses = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, random);
    }

    /**
     * The network config document, as soon as the store answers and somebody has written it.
     *
     * @param saved what an earlier life wrote down, for when the store does not answer; null when there is nothing
     * @throws ConfigException when what is written there has problems
     */
    public NetworkConfig awaitNetworkConfig(@Nullable SavedLeases saved) throws ConfigException, ClosedException {
        pauses.reset();
        while (true) {
            try {
                Optional<String> document = store.fetchNetworkConfig();
                health.answered(StoreHealth.Asking.LEASE);
                if (document.isPresent()) {
                    state.waitingFor("");
                    NetworkConfig config = NetworkConfig.parse(document.get());
                    Optional<String> objection = store.objectionTo(config);
                    if (objection.isPresent()) {
                        throw new ConfigException("the network config", List.of(objection.get()));
                    }
                    return config;
                }
                state.sayOnce(
                        "no network config at " + store.configLocation() + " yet; waiting for somebody to write it");
            } catch (StoreException e) {
                failed(e);
                if (saved != null && saved.isUsableAt(clock.instant())) {
                    return NetworkConfig.parse(saved.config());
                }
            }
            pause(pauses.next());
        }
    }

    /**
     * What the store knows of this node already, as soon as it answers.
     *
     * @param saved what an earlier life wrote down, for when the store does not answer; null when there is nothing
     */
    public NodeNotes awaitNotes(@Nullable SavedLeases saved) throws ClosedException {
        pauses.reset();
        while (true) {
            try {
                NodeNotes notes = store.notes();
                health.answered(StoreHealth.Asking.LEASE);
                state.waitingFor("");
                return notes;
            } catch (UnassignedException e) {
                unassigned(e);
                state.nothingConfirmed();
            } catch (StoreException e) {
                failed(e);
                if (saved != null && saved.isUsableAt(clock.instant())) {
                    return new NodeNotes(null, null, saved.own().lease().attributes());
                }
            }
            pause(pauses.next());
        }
    }

    /**
     * Gets a lease, as {@link LeaseClaim} chooses it. While nothing is free, waits.
     *
     * @param previous subnets of an earlier life; null when there was none
     * @param saved the lease of an earlier life, for when the store does not answer; null when there was none
     */
    public Lease acquire(
            NetworkConfig config,
            LeaseAttributes attributes,
            @Nullable PodSubnets previous,
            @Nullable SavedLeases saved)
            throws ClosedException {
        pauses.reset();
        while (true) {
            Optional<Lease> lease = attempt(config, attributes, previous, saved);
            if (lease.isPresent()) {
                return lease.get();
            }
            pause(nextPause());
        }
    }

    /** One try of {@link #acquire}; empty when it has to be tried again after {@link #nextPause}. */
    Optional<Lease> attempt(
            NetworkConfig config,
            LeaseAttributes attributes,
            @Nullable PodSubnets previous,
            @Nullable SavedLeases saved) {
        networkConfig = config;
        Optional<StoredLease> lease = Optional.empty();
        try {
            lease = claim.attempt(config, attributes, previous);
            health.answered(StoreHealth.Asking.LEASE);
            lease.ifPresent(state::acquired);
        } catch (UnassignedException e) {
            unassigned(e);
            state.nothingConfirmed();
        } catch (StoreException e) {
            guard.unsureFor(STRAGGLERS);
            failed(e);
            lease = claim.adopt(config, attributes, saved);
            lease.ifPresent(state::adopted);
        }
        if (lease.isPresent()) {
            pauses.reset();
        }
        return lease.map(StoredLease::lease);
    }

    Duration nextPause() {
        return pauses.next();
    }

    /** How it stands with our lease. */
    public enum Outcome {
        /** It is ours. */
        HELD,
        /** The store did not answer, or somebody wrote meanwhile: ask again. */
        UNKNOWN,
        /** Another node has the subnet, or has our address: this lease is over. */
        LOST
    }

    /**
     * Makes sure that our lease is ours and renews it, or claims the same subnets again when they are gone from the store
     * and nobody took them.
     */
    public Outcome renew(LeaseAttributes attributes) {
        return secure(attributes, true);
    }

    /** The same, but writes only when what the store holds is not what we wrote last. */
    public Outcome confirm(LeaseAttributes attributes) {
        return secure(attributes, false);
    }

    private Outcome secure(LeaseAttributes attributes, boolean renew) {
        StoredLease mine = Objects.requireNonNull(state.own(), "a lease is kept once it was acquired");
        NetworkConfig config = Objects.requireNonNull(networkConfig, "a lease is kept once it was acquired");
        Outcome outcome;
        try {
            outcome = guard.secure(config, mine, attributes, renew);
            health.answered(StoreHealth.Asking.LEASE);
        } catch (UnassignedException e) {
            unassigned(e);
            outcome = state.isFromDisk() ? Outcome.LOST : Outcome.UNKNOWN; // what was only written down is over
        } catch (StoreException e) {
            guard.unsureFor(STRAGGLERS);
            if (closed.getCount() > 0) { // else it was broken off
                health.failed(StoreHealth.Asking.LEASE, e);
            }
            outcome = Outcome.UNKNOWN;
        }
        switch (outcome) {
            case HELD -> pauses.reset();
            case LOST -> state.nothingConfirmed();
            case UNKNOWN -> {}
        }
        return outcome;
    }

    /** The store answered, but has no subnet for this node. */
    private void unassigned(UnassignedException e) {
        health.answered(StoreHealth.Asking.LEASE);
        state.sayOnce(e.problem());
    }

    private void failed(StoreException e) {
        health.failed(StoreHealth.Asking.LEASE, e);
        state.waitingFor(e.problem());
    }

    /** Gives our lease back, unless it is a reservation; false when it could not be. */
    public boolean release() {
        StoredLease mine = state.own();
        if (mine == null || mine.isReservation()) {
            return false;
        }
        try {
            boolean released = store.delete(mine);
            log.info(released ? "gave the lease {} back" : "the lease {} is not ours to give back", mine.subnets());
            return released;
        } catch (StoreException e) {
            log.warn("the lease {} could not be given back: {}", mine.subnets(), e.problem());
            return false;
        }
    }

    /** How long until {@link #renew} is due: the lease's end less the margin. */
    public Duration untilRenewal() {
        StoredLease mine = state.own();
        Instant end = mine == null ? null : mine.lease().expiresAt();
        if (end == null) {
            return terms.renewMargin(); // a reservation: nothing runs out, but its attributes may need repair
        }
        Duration left = Duration.between(clock.instant(), end.minus(terms.renewMargin()));
        return left.compareTo(SOONEST_RENEWAL) < 0 ? SOONEST_RENEWAL : left;
    }

    /** Our lease; null before it was acquired. */
    public @Nullable Lease own() {
        StoredLease mine = state.own();
        return mine == null ? null : mine.lease();
    }

    /** Our lease with what a later life needs to know of it; null before it was acquired. */
    public @Nullable StoredLease stored() {
        return state.own();
    }

    /** Whether our lease is known from an earlier life only: the store has not answered yet. */
    public boolean isFromDisk() {
        return state.isFromDisk();
    }

    /** Whether our lease has provably ended: its time is over, and nothing renewed it. */
    public boolean hasExpired() {
        Duration left = untilExpiry();
        return left != null && left.isNegative();
    }

    /** How long our lease lasts unless renewed, negative once it has ended; null for ever. */
    @Nullable
    Duration untilExpiry() {
        Lease mine = own();
        Instant end = mine == null ? null : mine.expiresAt();
        return end == null ? null : Duration.between(clock.instant(), end);
    }

    /** What is being waited for, for people; empty when nothing. */
    public String waitingFor() {
        return state.waitingFor();
    }

    /** That another node has our address, for people; empty when none has. */
    public String duplicate() {
        return state.duplicate();
    }

    private void pause(Duration duration) throws ClosedException {
        try {
            if (closed.await(duration.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new ClosedException();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClosedException();
        }
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
