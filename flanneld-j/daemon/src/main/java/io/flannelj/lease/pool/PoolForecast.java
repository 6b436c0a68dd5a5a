package io.flannelj.lease.pool;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * When the pool will be used up if it goes on as it did over the last day: a straight line from the oldest sample to the
 * newest. For several threads.
 */
public final class PoolForecast {
    private static final Duration WINDOW = Duration.ofDays(1);
    private static final Duration RESOLUTION = Duration.ofMinutes(1);

    private record Sample(Instant at, long free) {}

    private final Deque<Sample> samples = new ArrayDeque<>();

    /** Notes how many subnets were free; more than one sample a minute replaces the one before. */
    public synchronized void sample(Instant at, long free) {
        Sample last = samples.peekLast();
        if (last != null && samples.size() > 1 && at.isBefore(last.at().plus(RESOLUTION))) {
            samples.removeLast();
            samples.addLast(new Sample(last.at(), free));
            return;
        }
        samples.addLast(new Sample(at, free));
        while (samples.getFirst().at().isBefore(at.minus(WINDOW))) {
            samples.removeFirst();
        }
    }

    /** How long the pool still lasts; empty while it does not shrink. */
    public synchronized Optional<Duration> untilExhausted() {
        Sample first = samples.peekFirst();
        Sample last = samples.peekLast();
        if (first == null || last == null || last.free() >= first.free()) {
            return last != null && last.free() == 0 ? Optional.of(Duration.ZERO) : Optional.empty();
        }
        double perSecond = (first.free() - last.free())
                / Math.max(1.0, Duration.between(first.at(), last.at()).toMillis() / 1000.0);
        return Optional.of(Duration.ofSeconds((long) (last.free() / perSecond)));
    }
}
