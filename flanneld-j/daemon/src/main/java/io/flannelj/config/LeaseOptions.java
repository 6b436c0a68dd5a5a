package io.flannelj.config;

import java.time.Duration;

/**
 * How this node's own lease is kept.
 *
 * @param timeToLive {@code --subnet-lease-ttl}: in the store, unless renewed
 * @param renewMargin {@code --subnet-lease-renew-margin}: how long before its end it is renewed
 * @param releaseOnStop {@code --subnet-lease-release}: whether it is given back when the daemon is asked to stop
 */
public record LeaseOptions(Duration timeToLive, Duration renewMargin, boolean releaseOnStop) {
    /** Checks what was given and notes every problem. */
    public static LeaseOptions of(
            int timeToLiveSeconds, int renewMarginMinutes, boolean releaseOnStop, Problems problems) {
        problems.unless(
                renewMarginMinutes >= 1 && renewMarginMinutes <= 1439,
                "--subnet-lease-renew-margin",
                "must be 1 to 1439 minutes, was " + renewMarginMinutes);
        problems.unless(
                timeToLiveSeconds >= 5, "--subnet-lease-ttl", "must be at least 5 seconds, was " + timeToLiveSeconds);
        return new LeaseOptions(
                Duration.ofSeconds(timeToLiveSeconds), Duration.ofMinutes(renewMarginMinutes), releaseOnStop);
    }
}
