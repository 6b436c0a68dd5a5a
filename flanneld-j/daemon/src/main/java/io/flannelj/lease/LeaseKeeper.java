package io.flannelj.lease;

import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
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

    /** A rewrite of our lease by somebody else so soon after we took it over means that we are the intruder. */
    private static final Duration NEWCOMER = Duration.ofMinutes(1);

    private static final Duration STRAGGLERS = Duration.ofSeconds(30);

    private final SubnetManager store;
    private final StoreHealth health;
    private final Clock clock;
    private final RandomGenerator random;
    private final Terms terms;
    private final Backoff pauses;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile @Nullable StoredLease own;
    private volatile @Nullable NetworkConfig networkConfig;
    private volatile String waitingFor = "";
    private volatile String duplicate = "";
    private volatile boolean fromDisk;

    /** Until then the store may come to hold what we wrote without having heard the answer. */
    private Instant unsureUntil = Instant.EPOCH;

    /** Of a lease that was given up because the network changed: what of it still fits is asked for again. */
    private @Nullable PodSubnets formerly;

    /** What the store held for us when it was last looked at; null before it ever was. Nothing else of an earlier life stands. */
    private @Nullable Set<PodSubnets> confirmed;

    private boolean tookOver;
    private Instant acquiredAt = Instant.EPOCH;
    private Instant restoredAt = Instant.EPOCH;

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
        this.random = random;
        this.terms = terms;
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
                health.failed(StoreHealth.Asking.LEASE, e);
                waitingFor = e.problem();
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
                waitingFor = "";
                return notes;
            } catch (UnassignedException e) {
                health.answered(StoreHealth.Asking.LEASE);
                sayOnce(e.problem());
                confirmed = Set.of(); // whatever was written down of an earlier life is over
            } catch (StoreException e) {
                health.failed(StoreHealth.Asking.LEASE, e);
                waitingFor = e.problem();
                if (saved != null && saved.isUsableAt(clock.instant())) {
                    return new NodeNotes(null, null, saved.own().lease().attributes());
                }
            }
            pause(pauses.next());
        }
    }

    /**
     * Gets a lease: what the store assigns, where it does; else the one with our public address where it still fits, else the previous subnets where they are free,
     * else any free ones. While nothing is free, waits.
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
        try {
            Optional<StoredLease> lease = claimAny(config, attributes, previous);
            health.answered(StoreHealth.Asking.LEASE);
            lease.ifPresent(taken -> {
                waitingFor = "";
                fromDisk = false;
                own = taken;
                confirmed = Set.of(taken.subnets());
                acquiredAt = clock.instant();
                pauses.reset();
            });
            return lease.map(StoredLease::lease);
        } catch (UnassignedException e) {
            health.answered(StoreHealth.Asking.LEASE);
            sayOnce(e.problem());
            confirmed = Set.of();
            return Optional.empty();
        } catch (StoreException e) {
            unsureUntil = clock.instant().plus(STRAGGLERS);
            health.failed(StoreHealth.Asking.LEASE, e);
            waitingFor = e.problem();
            return adopt(config, attributes, saved);
        }
    }

    Duration nextPause() {
        return pauses.next();
    }

    /** What an earlier life held goes on while the store is away, for as long as it provably lasts. */
    private Optional<Lease> adopt(NetworkConfig config, LeaseAttributes attributes, @Nullable SavedLeases saved) {
        if (saved == null || !saved.isUsableAt(clock.instant())) {
            return Optional.empty();
        }
        PodSubnets subnets = saved.own().subnets();
        if (confirmed != null && !confirmed.contains(subnets)) {
            return Optional.empty();
        }
        boolean stands = store.assigns()
                ? SubnetChooser.lies(config, subnets)
                : isOurs(saved.own(), attributes) && SubnetChooser.fits(config, subnets);
        if (!stands) {
            return Optional.empty();
        }
        log.warn(
                "going on with the lease {} and {} peers as written down at {}, until the store answers",
                subnets,
                saved.peers().size(),
                saved.savedAt());
        own = saved.own();
        fromDisk = true;
        acquiredAt = clock.instant();
        waitingFor = "";
        pauses.reset();
        return Optional.of(saved.own().lease());
    }

    private Optional<StoredLease> claimAny(
            NetworkConfig config, LeaseAttributes attributes, @Nullable PodSubnets previous) throws StoreException {
        Optional<PodSubnets> assigned = store.assigned(config);
        if (assigned.isPresent()) {
            return store.create(assigned.get(), attributes, terms.timeToLive());
        }
        SubnetManager.Listing listing = store.list();
        List<StoredLease> ours = ours(listing, attributes, previous);
        confirmed = ours.stream().map(StoredLease::subnets).collect(Collectors.toUnmodifiableSet());
        for (StoredLease stored : ours) {
            if (!duplicate.isEmpty()) {
                sayOnce(duplicate);
                return Optional.empty(); // until the other node is gone and its lease with it
            }
            if (SubnetChooser.fits(config, stored.subnets())) {
                Optional<StoredLease> reused = alone(store.update(stored, attributes, terms.timeToLive()));
                reused.ifPresent(lease ->
                        log.info("using the lease {} that holds our address {}", lease.subnets(), address(attributes)));
                tookOver = true;
                return reused;
            }
            log.info("giving up the lease {}: it does not fit the network config any more", stored.subnets());
            formerly = stored.subnets();
            store.delete(stored);
            return Optional.empty(); // look again: the rest may have changed
        }
        duplicate = "";
        Optional<PodSubnets> choice = SubnetChooser.choose(
                config,
                listing.leases().stream().map(StoredLease::subnets).toList(),
                formerly == null ? previous : formerly,
                random);
        if (choice.isEmpty()) {
            sayOnce("out of subnets: all of " + config.network() + " is leased to "
                    + listing.leases().size() + " nodes; waiting for one to become free");
            return Optional.empty();
        }
        Optional<StoredLease> created = alone(store.create(choice.get(), attributes, terms.timeToLive()));
        created.ifPresent(lease -> log.info("leased {}", lease.subnets()));
        tookOver = false;
        return created; // empty when another node was faster: look again
    }

    /** Leases with our address, that of an earlier life first: a write that came late may have left another one. */
    private static List<StoredLease> ours(
            SubnetManager.Listing listing, LeaseAttributes attributes, @Nullable PodSubnets previous) {
        return listing.leases().stream()
                .filter(stored -> isOurs(stored, attributes))
                .sorted(Comparator.comparing(stored -> !stored.subnets().equals(previous)))
                .toList();
    }

    /**
     * Looks whether a lease that was just written overlaps another one: the store compares keys, and two keys may name the
     * same addresses (one IPv6 subnet beside different IPv4 ones, another subnet length). Who sees the other gives way.
     * Both looked after they wrote, so never both stay.
     */
    private Optional<StoredLease> alone(Optional<StoredLease> written) throws StoreException {
        if (written.isPresent() && meetsAnother(written.get())) {
            confirmed = Set.of(); // also where the answer to this gets lost
            store.delete(written.get());
            return Optional.empty();
        }
        return written;
    }

    private boolean meetsAnother(StoredLease mine) throws StoreException {
        for (StoredLease other : store.list().leases()) {
            if (!other.subnets().equals(mine.subnets()) && other.subnets().overlaps(mine.subnets())) {
                log.info("giving up {}: it overlaps {} of another node", mine.subnets(), other.subnets());
                return true;
            }
        }
        return false;
    }

    private static boolean isOurs(StoredLease stored, LeaseAttributes attributes) {
        LeaseAttributes theirs = stored.lease().attributes();
        return attributes.publicIpv4() != null
                ? Objects.equals(theirs.publicIpv4(), attributes.publicIpv4())
                : attributes.publicIpv6() != null && Objects.equals(theirs.publicIpv6(), attributes.publicIpv6());
    }

    private static Object address(LeaseAttributes attributes) {
        return attributes.publicIpv4() != null ? attributes.publicIpv4() : String.valueOf(attributes.publicIpv6());
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
        StoredLease mine = Objects.requireNonNull(own, "a lease is kept once it was acquired");
        try {
            Outcome outcome = secure(mine, attributes, renew);
            if (outcome == Outcome.LOST) {
                confirmed = Set.of();
            }
            health.answered(StoreHealth.Asking.LEASE);
            return outcome;
        } catch (UnassignedException e) {
            health.answered(StoreHealth.Asking.LEASE);
            sayOnce(e.problem());
            if (fromDisk) { // what was written down is over
                confirmed = Set.of();
                return Outcome.LOST;
            }
            return Outcome.UNKNOWN;
        } catch (StoreException e) {
            unsureUntil = clock.instant().plus(STRAGGLERS);
            if (closed.getCount() > 0) { // else it was broken off
                health.failed(StoreHealth.Asking.LEASE, e);
            }
            return Outcome.UNKNOWN;
        }
    }

    private Outcome secure(StoredLease mine, LeaseAttributes attributes, boolean renew) throws StoreException {
        NetworkConfig config = Objects.requireNonNull(networkConfig, "a lease is kept once it was acquired");
        Optional<PodSubnets> assigned = store.assigned(config);
        if (assigned.isPresent()) {
            return secureAssigned(assigned.get(), mine, attributes, renew);
        }
        List<StoredLease> listed = store.list().leases();
        for (StoredLease stored : listed) {
            if (stored.subnets().equals(mine.subnets())) {
                return secureStored(stored, mine, attributes, renew);
            }
        }
        for (StoredLease stored : listed) {
            if (stored.subnets().overlaps(mine.subnets())) {
                log.warn("another node holds {} now, which overlaps our {}", stored.subnets(), mine.subnets());
                return Outcome.LOST;
            }
        }
        log.warn("the lease {} is gone from the store; claiming it again", mine.subnets());
        return heldAlone(store.create(mine.subnets(), attributes, terms.timeToLive()));
    }

    /** As {@link #alone}, for a node that sends: it stops before it deletes, as whoever acquires anew does. */
    private Outcome heldAlone(Optional<StoredLease> written) throws StoreException {
        return written.isPresent() && meetsAnother(written.get()) ? Outcome.LOST : held(written);
    }

    private Outcome secureStored(StoredLease stored, StoredLease mine, LeaseAttributes attributes, boolean renew)
            throws StoreException {
        if (!isOurs(stored, attributes)) {
            log.warn("another node holds our subnets {} now", mine.subnets());
            return Outcome.LOST;
        }
        if (stored.version() == mine.version() && !renew) {
            return Outcome.HELD;
        }
        boolean foreign = stored.version() != mine.version()
                && !stored.isReservation()
                && clock.instant().isAfter(unsureUntil)
                && !fromDisk;
        if (foreign) {
            return onForeignWrite(stored, attributes);
        }
        Optional<StoredLease> renewed = store.update(stored, attributes, terms.timeToLive());
        // A claim of ours that was carried out late has met nobody's eye yet.
        return stored.version() == mine.version() ? held(renewed) : heldAlone(renewed);
    }

    private Outcome secureAssigned(PodSubnets assigned, StoredLease mine, LeaseAttributes attributes, boolean renew)
            throws StoreException {
        if (!assigned.equals(mine.subnets())) {
            log.warn("this node's subnets are {} now, no longer {}", assigned, mine.subnets());
            return Outcome.LOST;
        }
        if (fromDisk && isCalledOtherwise(store.notes(), attributes)) {
            log.warn("the store says another public address of this node than {}", address(attributes));
            return Outcome.LOST;
        }
        boolean written = store.list().leases().stream()
                .anyMatch(stored -> stored.subnets().equals(assigned)
                        && stored.lease().attributes().equals(attributes));
        return written && !renew ? Outcome.HELD : held(store.create(assigned, attributes, terms.timeToLive()));
    }

    /** What was begun while the store was away did not know what an operator wrote there. */
    private static boolean isCalledOtherwise(NodeNotes notes, LeaseAttributes attributes) {
        return (notes.publicIpv4() != null && !Objects.equals(notes.publicIpv4(), attributes.publicIpv4()))
                || (notes.publicIpv6() != null && !Objects.equals(notes.publicIpv6(), attributes.publicIpv6()));
    }

    /** Nobody but us writes our lease, unless another node has our address and believes that it is its own. */
    private Outcome onForeignWrite(StoredLease stored, LeaseAttributes attributes) throws StoreException {
        Instant now = clock.instant();
        String message = "another node uses our address " + address(attributes) + ": it rewrote our lease "
                + stored.subnets() + " as " + LeaseJson.format(stored.lease().attributes())
                + "; give one of the two another --public-ip or --iface";
        if (tookOver && now.isBefore(acquiredAt.plus(NEWCOMER))) {
            duplicate = message;
            log.error("{}; it was there first, so this node waits until it is gone", message);
            return Outcome.LOST;
        }
        boolean quiet = now.isBefore(restoredAt.plus(NEWCOMER));
        duplicate = message;
        if (quiet) {
            own = new StoredLease(stored.lease(), stored.version(), stored.storeLeaseId());
            return Outcome.HELD; // two nodes must not rewrite each other's words as fast as they can
        }
        log.error("{}; this node was there first and restores it", message);
        restoredAt = now;
        return held(store.update(stored, attributes, terms.timeToLive()));
    }

    private Outcome held(Optional<StoredLease> written) {
        written.ifPresent(lease -> {
            own = lease;
            confirmed = Set.of(lease.subnets());
            fromDisk = false;
            waitingFor = "";
            pauses.reset();
        });
        return written.isPresent() ? Outcome.HELD : Outcome.UNKNOWN; // somebody wrote meanwhile: look again
    }

    /** Gives our lease back, unless it is a reservation; false when it could not be. */
    public boolean release() {
        StoredLease mine = own;
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
        StoredLease mine = own;
        Instant end = mine == null ? null : mine.lease().expiresAt();
        if (end == null) {
            return terms.renewMargin(); // a reservation: nothing runs out, but its attributes may need repair
        }
        Duration left = Duration.between(clock.instant(), end.minus(terms.renewMargin()));
        return left.compareTo(SOONEST_RENEWAL) < 0 ? SOONEST_RENEWAL : left;
    }

    /** Our lease; null before it was acquired. */
    public @Nullable Lease own() {
        StoredLease mine = own;
        return mine == null ? null : mine.lease();
    }

    /** Our lease with what a later life needs to know of it; null before it was acquired. */
    public @Nullable StoredLease stored() {
        return own;
    }

    /** Whether our lease is known from an earlier life only: the store has not answered yet. */
    public boolean isFromDisk() {
        return fromDisk;
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
        return waitingFor;
    }

    /** That another node has our address, for people; empty when none has. */
    public String duplicate() {
        return duplicate;
    }

    private void sayOnce(String message) {
        if (!waitingFor.equals(message)) {
            log.warn("{}", message);
            waitingFor = message;
        }
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
