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
    private static final Duration RENEWAL_RETRY = Duration.ofMinutes(1);

    private final SubnetManager store;
    private final StoreHealth health;
    private final Clock clock;
    private final RandomGenerator random;
    private final Duration timeToLive;
    private final Duration renewMargin;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile @Nullable StoredLease own;
    private volatile @Nullable NetworkConfig networkConfig;
    private volatile String waitingFor = "";

    /** The wait was ended by {@link #close}. */
    public static final class ClosedException extends Exception {
        private static final long serialVersionUID = 1;

        ClosedException() {
            super("closed while waiting for the store");
        }
    }

    /**
     * @param timeToLive of our lease in the store; flannel's is 24 hours
     * @param renewMargin how long before its end the lease is renewed
     */
    public LeaseKeeper(
            SubnetManager store,
            StoreHealth health,
            Clock clock,
            RandomGenerator random,
            Duration timeToLive,
            Duration renewMargin) {
        this.store = store;
        this.health = health;
        this.clock = clock;
        this.random = random;
        this.timeToLive = timeToLive;
        this.renewMargin = renewMargin;
    }

    /**
     * The network config, as soon as the store answers and somebody has written it.
     *
     * @throws ConfigException when what is written there has problems
     */
    public NetworkConfig awaitNetworkConfig() throws ConfigException, ClosedException {
        Backoff backoff = backoff();
        while (true) {
            try {
                Optional<String> document = store.fetchNetworkConfig();
                health.answered();
                if (document.isPresent()) {
                    waitingFor = "";
                    NetworkConfig config = NetworkConfig.parse(document.get());
                    Optional<String> objection = store.objectionTo(config);
                    if (objection.isPresent()) {
                        throw new ConfigException("the network config", List.of(objection.get()));
                    }
                    return config;
                }
                sayOnce("no network config at " + store.configLocation() + " yet; waiting for somebody to write it");
            } catch (StoreException e) {
                health.failed(e.problem());
                waitingFor = e.problem();
            }
            pause(backoff.next());
        }
    }

    /** What the store knows of this node already, as soon as it answers. */
    public NodeNotes awaitNotes() throws ClosedException {
        Backoff backoff = backoff();
        while (true) {
            try {
                NodeNotes notes = store.notes();
                health.answered();
                waitingFor = "";
                return notes;
            } catch (UnassignedException e) {
                health.answered();
                sayOnce(e.problem());
            } catch (StoreException e) {
                health.failed(e.problem());
                waitingFor = e.problem();
            }
            pause(backoff.next());
        }
    }

    /**
     * Gets a lease: what the store assigns, where it does; else the one with our public address where it still fits, else the previous subnets where they are free,
     * else any free ones. While nothing is free, waits.
     *
     * @param previous subnets of an earlier life; null when there was none
     */
    public Lease acquire(NetworkConfig config, LeaseAttributes attributes, @Nullable PodSubnets previous)
            throws ClosedException {
        Backoff backoff = backoff();
        while (true) {
            try {
                Optional<StoredLease> lease = tryAcquire(config, attributes, previous);
                health.answered();
                if (lease.isPresent()) {
                    waitingFor = "";
                    own = lease.get();
                    networkConfig = config;
                    return lease.get().lease();
                }
            } catch (UnassignedException e) {
                health.answered();
                sayOnce(e.problem());
            } catch (StoreException e) {
                health.failed(e.problem());
                waitingFor = e.problem();
            }
            pause(backoff.next());
        }
    }

    private Optional<StoredLease> tryAcquire(
            NetworkConfig config, LeaseAttributes attributes, @Nullable PodSubnets previous) throws StoreException {
        Optional<PodSubnets> assigned = store.assigned(config);
        if (assigned.isPresent()) {
            return store.create(assigned.get(), attributes, timeToLive);
        }
        SubnetManager.Listing listing = store.list();
        for (StoredLease stored : listing.leases()) {
            if (!isOurs(stored, attributes)) {
                continue;
            }
            if (SubnetChooser.fits(config, stored.subnets())) {
                Optional<StoredLease> reused = store.update(stored, attributes, timeToLive);
                reused.ifPresent(lease -> log.info(
                        "using the lease {} that holds our address {}", lease.subnets(), attributes.publicIpv4()));
                return reused;
            }
            log.info("giving up the lease {}: it does not fit the network config any more", stored.subnets());
            store.delete(stored);
            return Optional.empty(); // look again: the rest may have changed
        }
        Optional<PodSubnets> choice = SubnetChooser.choose(
                config, listing.leases().stream().map(StoredLease::subnets).toList(), previous, random);
        if (choice.isEmpty()) {
            sayOnce("out of subnets: all of " + config.network() + " is leased to "
                    + listing.leases().size() + " nodes; waiting for one to become free");
            return Optional.empty();
        }
        Optional<StoredLease> created = store.create(choice.get(), attributes, timeToLive);
        created.ifPresent(lease -> log.info("leased {}", lease.subnets()));
        return created; // empty when another node was faster: look again
    }

    private static boolean isOurs(StoredLease stored, LeaseAttributes attributes) {
        LeaseAttributes theirs = stored.lease().attributes();
        return attributes.publicIpv4() != null
                ? Objects.equals(theirs.publicIpv4(), attributes.publicIpv4())
                : attributes.publicIpv6() != null && Objects.equals(theirs.publicIpv6(), attributes.publicIpv6());
    }

    /** What happened to our lease when it was looked after. */
    public enum Outcome {
        /** It is ours, for longer. */
        HELD,
        /** The store did not answer; nothing is known. */
        UNKNOWN,
        /** Another node holds our subnets or parts of them, or the store assigns us others now. */
        LOST
    }

    /**
     * Makes sure that our lease is ours: renews it, or claims the same subnets again when they are gone from the store
     * and nobody took them.
     */
    public Outcome secure(LeaseAttributes attributes) {
        StoredLease mine = Objects.requireNonNull(own, "secure() follows acquire()");
        NetworkConfig config = Objects.requireNonNull(networkConfig, "secure() follows acquire()");
        try {
            Optional<PodSubnets> assigned = store.assigned(config);
            if (assigned.isPresent()) {
                health.answered();
                if (!assigned.get().equals(mine.subnets())) {
                    log.warn("this node's subnets are {} now, no longer {}", assigned.get(), mine.subnets());
                    return Outcome.LOST;
                }
                return held(store.create(assigned.get(), attributes, timeToLive));
            }
            SubnetManager.Listing listing = store.list();
            health.answered();
            for (StoredLease stored : listing.leases()) {
                if (stored.subnets().equals(mine.subnets())) {
                    if (!isOurs(stored, attributes)) {
                        log.warn("another node holds our subnets {} now", mine.subnets());
                        return Outcome.LOST;
                    }
                    return held(store.update(stored, attributes, timeToLive));
                }
                if (stored.subnets().overlaps(mine.subnets())) {
                    log.warn("another node holds {} now, which overlaps our {}", stored.subnets(), mine.subnets());
                    return Outcome.LOST;
                }
            }
            log.warn("the lease {} is gone from the store; claiming it again", mine.subnets());
            return held(store.create(mine.subnets(), attributes, timeToLive));
        } catch (UnassignedException e) {
            health.answered();
            sayOnce(e.problem());
            return Outcome.UNKNOWN;
        } catch (StoreException e) {
            health.failed(e.problem());
            return Outcome.UNKNOWN;
        }
    }

    private Outcome held(Optional<StoredLease> written) {
        written.ifPresent(lease -> {
            own = lease;
            waitingFor = "";
        });
        return written.isPresent() ? Outcome.HELD : Outcome.UNKNOWN; // somebody wrote meanwhile: look again
    }

    /**
     * How long until {@link #secure} is due: the lease's end less the margin, and at least every minute once that has
     * passed.
     */
    public Duration untilRenewal() {
        StoredLease mine = own;
        Instant end = mine == null ? null : mine.lease().expiresAt();
        if (end == null) {
            return renewMargin; // a reservation: nothing runs out, but its attributes may need repair
        }
        Duration left = Duration.between(clock.instant(), end.minus(renewMargin));
        return left.compareTo(RENEWAL_RETRY) < 0 ? RENEWAL_RETRY : left;
    }

    /** Our lease; null before it was acquired. */
    public @Nullable Lease own() {
        StoredLease mine = own;
        return mine == null ? null : mine.lease();
    }

    /** Whether our lease has provably ended: its time is over, and nothing renewed it. */
    public boolean hasExpired() {
        Lease mine = own();
        Instant end = mine == null ? null : mine.expiresAt();
        return end != null && clock.instant().isAfter(end);
    }

    /** What is being waited for, for people; empty when nothing. */
    public String waitingFor() {
        return waitingFor;
    }

    private void sayOnce(String message) {
        if (!waitingFor.equals(message)) {
            log.warn("{}", message);
            waitingFor = message;
        }
    }

    private Backoff backoff() {
        return new Backoff(FIRST_PAUSE, LONGEST_PAUSE, random);
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
