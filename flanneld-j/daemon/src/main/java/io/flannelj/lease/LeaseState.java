package io.flannelj.lease;

import java.time.Clock;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What this node knows of its own lease. Written by the thread that talks to the store, read by any. */
final class LeaseState {
    private static final Logger log = LoggerFactory.getLogger(LeaseState.class);

    private final Clock clock;
    private volatile @Nullable StoredLease own;
    private volatile String waitingFor = "";
    private volatile String duplicate = "";
    private volatile boolean fromDisk;

    /** What the store held for us when last looked at; null before it ever was. Nothing else of an earlier life stands. */
    private @Nullable Set<PodSubnets> confirmed;

    /** What was logged last of why there is no lease; anew once there was one. */
    private String said = "";

    private boolean tookOver;
    private Instant acquiredAt = Instant.EPOCH;

    LeaseState(Clock clock) {
        this.clock = clock;
    }

    /** The store gave us this lease, or left it to us. */
    void acquired(StoredLease lease) {
        acquiredAt = clock.instant();
        held(lease);
    }

    /** The lease of an earlier life goes on, unseen by the store. */
    void adopted(StoredLease lease) {
        own = lease;
        fromDisk = true;
        acquiredAt = clock.instant();
        waitingFor = "";
    }

    /** The store holds this lease as ours. */
    void held(StoredLease lease) {
        own = lease;
        confirmed = Set.of(lease.subnets());
        fromDisk = false;
        waitingFor = "";
        said = "";
    }

    /** The lease stands as somebody else wrote it. */
    void tolerated(StoredLease lease) {
        own = lease;
    }

    /** The store answered that these subnets are ours. */
    void confirmed(Set<PodSubnets> subnets) {
        confirmed = subnets;
    }

    /** The store answered that nothing is ours: whatever was written down of an earlier life is over. */
    void nothingConfirmed() {
        confirmed = Set.of();
    }

    /** Whether the store never said that these subnets are not ours. */
    boolean mayStillBeOurs(PodSubnets subnets) {
        return confirmed == null || confirmed.contains(subnets);
    }

    /** Whether the lease stood there before us, with our address, and we took it for our own. */
    void tookOver(boolean itStoodThere) {
        tookOver = itStoodThere;
    }

    boolean hasTakenOver() {
        return tookOver;
    }

    Instant acquiredAt() {
        return acquiredAt;
    }

    @Nullable
    StoredLease own() {
        return own;
    }

    boolean isFromDisk() {
        return fromDisk;
    }

    String duplicate() {
        return duplicate;
    }

    void duplicate(String message) {
        duplicate = message;
    }

    String waitingFor() {
        return waitingFor;
    }

    /** What is being waited for; empty for nothing. Not logged: whoever names it has said it. */
    void waitingFor(String what) {
        waitingFor = what;
    }

    /** The same, and logs it where it is news. */
    void sayOnce(String message) {
        if (!said.equals(message)) {
            log.warn("{}", message);
            said = message;
        }
        waitingFor = message;
    }
}
