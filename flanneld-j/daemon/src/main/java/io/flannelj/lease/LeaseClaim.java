package io.flannelj.lease;

import io.flannelj.config.NetworkConfig;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims a lease, one try at a time: what the store assigns, where it does; else the one with our public address where it
 * still fits, else the previous subnets where they are free, else any free ones.
 */
final class LeaseClaim {
    private static final Logger log = LoggerFactory.getLogger(LeaseClaim.class);

    private final SubnetManager store;
    private final LeaseState state;
    private final Clock clock;
    private final RandomGenerator random;
    private final Duration timeToLive;

    /** Of a lease that was given up because the network changed: what of it still fits is asked for again. */
    private @Nullable PodSubnets formerly;

    LeaseClaim(SubnetManager store, LeaseState state, Clock clock, RandomGenerator random, Duration timeToLive) {
        this.store = store;
        this.state = state;
        this.clock = clock;
        this.random = random;
        this.timeToLive = timeToLive;
    }

    /** Empty when it has to be tried again after a pause. */
    Optional<StoredLease> attempt(NetworkConfig config, LeaseAttributes attributes, @Nullable PodSubnets previous)
            throws StoreException {
        Optional<PodSubnets> assigned = store.assigned(config);
        if (assigned.isPresent()) {
            return store.create(assigned.get(), attributes, timeToLive);
        }
        SubnetManager.Listing listing = store.list();
        List<StoredLease> ours = ours(listing, attributes, previous);
        state.confirmed(ours.stream().map(StoredLease::subnets).collect(Collectors.toUnmodifiableSet()));
        return ours.isEmpty()
                ? claimFree(config, listing, attributes, previous)
                : takeOver(config, ours.get(0), attributes);
    }

    /** What an earlier life held goes on while the store is away, for as long as it provably lasts. */
    Optional<StoredLease> adopt(NetworkConfig config, LeaseAttributes attributes, @Nullable SavedLeases saved) {
        if (saved == null || !saved.isUsableAt(clock.instant())) {
            return Optional.empty();
        }
        StoredLease own = saved.own();
        boolean stands = store.assigns()
                ? SubnetChooser.lies(config, own.subnets())
                : own.hasAddressOf(attributes) && SubnetChooser.fits(config, own.subnets());
        if (!stands || !state.mayStillBeOurs(own.subnets())) {
            return Optional.empty();
        }
        log.warn(
                "going on with the lease {} and {} peers as written down at {}, until the store answers",
                own.subnets(),
                saved.peers().size(),
                saved.savedAt());
        return Optional.of(own);
    }

    private Optional<StoredLease> takeOver(NetworkConfig config, StoredLease stored, LeaseAttributes attributes)
            throws StoreException {
        if (!state.duplicate().isEmpty()) {
            state.sayOnce(state.duplicate());
            return Optional.empty(); // until the other node is gone and its lease with it
        }
        if (!SubnetChooser.fits(config, stored.subnets())) {
            log.info("giving up the lease {}: it does not fit the network config any more", stored.subnets());
            formerly = stored.subnets();
            store.delete(stored);
            return Optional.empty(); // look again: the rest may have changed
        }
        Optional<StoredLease> reused = alone(store.update(stored, attributes, timeToLive));
        reused.ifPresent(lease ->
                log.info("using the lease {} that holds our address {}", lease.subnets(), attributes.publicAddress()));
        state.tookOver(true);
        return reused;
    }

    private Optional<StoredLease> claimFree(
            NetworkConfig config,
            SubnetManager.Listing listing,
            LeaseAttributes attributes,
            @Nullable PodSubnets previous)
            throws StoreException {
        state.duplicate("");
        Optional<PodSubnets> choice = SubnetChooser.choose(
                config,
                listing.leases().stream().map(StoredLease::subnets).toList(),
                formerly == null ? previous : formerly,
                random);
        if (choice.isEmpty()) {
            state.sayOnce("out of subnets: all of " + config.network() + " is leased to "
                    + listing.leases().size() + " nodes; waiting for one to become free");
            return Optional.empty();
        }
        Optional<StoredLease> created = alone(store.create(choice.get(), attributes, timeToLive));
        created.ifPresent(lease -> log.info("leased {}", lease.subnets()));
        state.tookOver(false);
        return created; // empty when another node was faster: look again
    }

    /** Leases with our address, that of an earlier life first: a write that came late may have left another one. */
    private static List<StoredLease> ours(
            SubnetManager.Listing listing, LeaseAttributes attributes, @Nullable PodSubnets previous) {
        return listing.leases().stream()
                .filter(stored -> stored.hasAddressOf(attributes))
                .sorted(Comparator.comparing(stored -> !stored.subnets().equals(previous)))
                .toList();
    }

    /** What was just written, unless it overlaps another lease: then it is taken back. */
    private Optional<StoredLease> alone(Optional<StoredLease> written) throws StoreException {
        if (written.isPresent() && meetsAnother(store, written.get())) {
            state.nothingConfirmed(); // also where the answer to this gets lost
            store.delete(written.get());
            return Optional.empty();
        }
        return written;
    }

    /**
     * Whether a lease that was just written overlaps another one: the store compares keys, and two keys may name the same
     * addresses (one IPv6 subnet beside different IPv4 ones, another subnet length). Who sees the other gives way. Both
     * looked after they wrote, so never both stay.
     */
    static boolean meetsAnother(SubnetManager store, StoredLease mine) throws StoreException {
        for (StoredLease other : store.list().leases()) {
            if (!other.subnets().equals(mine.subnets()) && other.subnets().overlaps(mine.subnets())) {
                log.info("giving up {}: it overlaps {} of another node", mine.subnets(), other.subnets());
                return true;
            }
        }
        return false;
    }
}
