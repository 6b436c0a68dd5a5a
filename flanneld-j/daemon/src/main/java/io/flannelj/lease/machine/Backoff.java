package io.flannelj.lease.machine;

import java.time.Duration;
import java.util.SplittableRandom;

/**
 * Waiting times between tries: doubling from the first to the longest, each shortened by a random part of up to half.
 *
 * @param first after one failure
 * @param longest that no wait exceeds
 */
public record Backoff(Duration first, Duration longest) {
    private static final int MOST_DOUBLINGS = 20;

    /**
     * How long to wait.
     *
     * @param failures tries that failed in a row before the last one
     * @param random any number
     */
    public Duration delay(int failures, long random) {
        Duration doubled = first.multipliedBy(1L << Math.min(failures, MOST_DOUBLINGS));
        Duration most = doubled.compareTo(longest) > 0 ? longest : doubled;
        return most.minus(Duration.ofNanos((long) (0.5 * most.toNanos() * new SplittableRandom(random).nextDouble())));
    }
}
