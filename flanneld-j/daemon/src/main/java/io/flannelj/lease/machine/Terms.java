package io.flannelj.lease.machine;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What leases are taken out on.
 *
 * @param timeToLive of our lease in the store; flannel's is 24 hours
 * @param renewMargin how long before its end the lease is renewed; at most half the time to live counts
 */
public record Terms(Duration timeToLive, Duration renewMargin) {
    private static final Duration SOONEST_RENEWAL = Duration.ofSeconds(1);

    public Terms {
        Duration half = timeToLive.dividedBy(2);
        renewMargin = renewMargin.compareTo(half) > 0 ? half : renewMargin;
    }

    /** When a lease that was written now is to be renewed. One that never ends is looked at, since its text may need repair. */
    Instant renewalOf(@Nullable Instant end, Instant now) {
        if (end == null) {
            return now.plus(renewMargin);
        }
        Instant due = end.minus(renewMargin);
        Instant soonest = now.plus(SOONEST_RENEWAL);
        return due.isBefore(soonest) ? soonest : due;
    }
}
