package io.flannelj.lease;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Waiting times between tries: doubling from the first to the longest, each shortened by a random part of up to half. */
final class Backoff {
    private final Duration first;
    private final Duration longest;
    private final RandomGenerator random;
    private Duration next;

    Backoff(Duration first, Duration longest, RandomGenerator random) {
        this.first = first;
        this.longest = longest;
        this.random = random;
        this.next = first;
    }

    Duration next() {
        Duration now = next;
        Duration doubled = now.multipliedBy(2);
        next = doubled.compareTo(longest) > 0 ? longest : doubled;
        return now.minus(Duration.ofNanos((long) (0.5 * now.toNanos() * random.nextDouble())));
    }

    void reset() {
        next = first;
    }
}
