package io.flannelj.lease.machine;

import java.time.Duration;
import java.time.Instant;

/**
 * When the store is looked at next.
 *
 * @param due then, at the latest
 * @param failures tries that failed in a row
 * @param changed whether our lease was written or went since the last look was asked for
 * @param waitingFor what failed, human-readable; empty where nothing did, or nothing is waited for
 */
record Pace(Instant due, int failures, boolean changed, String waitingFor) {
    static final Pace AT_ONCE = new Pace(Instant.MIN, 0, false, "");

    private static final Backoff RETRIES = new Backoff(Duration.ofMillis(200), Duration.ofSeconds(5));

    /** A change does not wait; after a failure it does, for the store is to be spared. */
    boolean isDue(Instant now) {
        return !now.isBefore(due) || (changed && failures == 0);
    }

    Pace afterFailure(Instant now, long random, String why) {
        return new Pace(now.plus(RETRIES.delay(failures, random)), failures + 1, changed, why);
    }

    Pace next(Instant when) {
        return new Pace(when, 0, changed, "");
    }

    Pace withChange(boolean now) {
        return new Pace(due, failures, now, waitingFor);
    }
}
