package io.flannelj.lease;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseKeeper.Outcome;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes sure that the lease we have is ours still, renews it, and finds out who else believes that it is theirs. */
final class LeaseGuard {
    private static final Logger log = LoggerFactory.getLogger(LeaseGuard.class);

    /** A rewrite of our lease by somebody else so soon after we took it over means that we are the intruder. */
    private static final Duration NEWCOMER = Duration.ofMinutes(1);

    private final SubnetManager store;
    private final LeaseState state;
    private final Clock clock;
    private final Duration timeToLive;

    /** Until then the store may come to hold what we wrote without having heard the answer. */
    private Instant unsureUntil = Instant.EPOCH;

    private Instant restoredAt = Instant.EPOCH;

    LeaseGuard(SubnetManager store, LeaseState state, Clock clock, Duration timeToLive) {
        this.store = store;
        this.state = state;
        this.clock = clock;
        this.timeToLive = timeToLive;
    }

    /** For so long the store may come to hold what we wrote without having heard the answer. */
    void unsureFor(Duration duration) {
        unsureUntil = clock.instant().plus(duration);
    }

    /** @param renew also when the store holds what we wrote last */
    Outcome secure(NetworkConfig config, StoredLease mine, LeaseAttributes attributes, boolean renew)
            throws StoreException {
        Optional<PodSubnets> assigned = store.assigned(config);
        return assigned.isPresent()
                ? secureAssigned(assigned.get(), mine, attributes, renew)
                : secureListed(mine, attributes, renew);
    }

    private Outcome secureAssigned(PodSubnets assigned, StoredLease mine, LeaseAttributes attributes, boolean renew)
            throws StoreException {
        if (!assigned.equals(mine.subnets())) {
            log.warn("this node's subnets are {} now, no longer {}", assigned, mine.subnets());
            return Outcome.LOST;
        }
        if (state.isFromDisk() && isCalledOtherwise(store.notes(), attributes)) {
            log.warn("the store says another public address of this node than {}", attributes.publicAddress());
            return Outcome.LOST;
        }
        boolean written = store.list().leases().stream()
                .anyMatch(stored -> stored.subnets().equals(assigned)
                        && stored.lease().attributes().equals(attributes));
        return written && !renew ? Outcome.HELD : held(store.create(assigned, attributes, timeToLive));
    }

    private Outcome secureListed(StoredLease mine, LeaseAttributes attributes, boolean renew) throws StoreException {
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
        return heldAlone(store.create(mine.subnets(), attributes, timeToLive));
    }

    private Outcome secureStored(StoredLease stored, StoredLease mine, LeaseAttributes attributes, boolean renew)
            throws StoreException {
        if (!stored.hasAddressOf(attributes)) {
            log.warn("another node holds our subnets {} now", mine.subnets());
            return Outcome.LOST;
        }
        boolean asWeWroteIt = stored.version() == mine.version();
        if (asWeWroteIt && !renew) {
            return Outcome.HELD;
        }
        boolean foreign =
                !asWeWroteIt && !stored.isReservation() && clock.instant().isAfter(unsureUntil) && !state.isFromDisk();
        if (foreign) {
            return onForeignWrite(stored, attributes);
        }
        Optional<StoredLease> renewed = store.update(stored, attributes, timeToLive);
        // A claim of ours that was carried out late has met nobody's eye yet.
        return asWeWroteIt ? held(renewed) : heldAlone(renewed);
    }

    /** What was begun while the store was away did not know what an operator wrote there. */
    private static boolean isCalledOtherwise(NodeNotes notes, LeaseAttributes attributes) {
        return (notes.publicIpv4() != null && !Objects.equals(notes.publicIpv4(), attributes.publicIpv4()))
                || (notes.publicIpv6() != null && !Objects.equals(notes.publicIpv6(), attributes.publicIpv6()));
    }

    /** Nobody but us writes our lease, unless another node has our address and believes that it is its own. */
    private Outcome onForeignWrite(StoredLease stored, LeaseAttributes attributes) throws StoreException {
        Instant now = clock.instant();
        String message = "another node uses our address " + attributes.publicAddress() + ": it rewrote our lease "
                + stored.subnets() + " as " + LeaseJson.format(stored.lease().attributes())
                + "; give one of the two another --public-ip or --iface";
        state.duplicate(message);
        if (state.hasTakenOver() && now.isBefore(state.acquiredAt().plus(NEWCOMER))) {
            log.error("{}; it was there first, so this node waits until it is gone", message);
            return Outcome.LOST;
        }
        if (now.isBefore(restoredAt.plus(NEWCOMER))) {
            state.tolerated(stored);
            return Outcome.HELD; // two nodes must not rewrite each other's words as fast as they can
        }
        log.error("{}; this node was there first and restores it", message);
        restoredAt = now;
        return held(store.update(stored, attributes, timeToLive));
    }

    /** As a claim that gives way, for a node that sends: it stops before it deletes, as whoever acquires anew does. */
    private Outcome heldAlone(Optional<StoredLease> written) throws StoreException {
        return written.isPresent() && LeaseClaim.meetsAnother(store, written.get()) ? Outcome.LOST : held(written);
    }

    private Outcome held(Optional<StoredLease> written) {
        written.ifPresent(state::held);
        return written.isPresent() ? Outcome.HELD : Outcome.UNKNOWN; // somebody wrote meanwhile: look again
    }
}
