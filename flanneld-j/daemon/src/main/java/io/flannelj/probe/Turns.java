package io.flannelj.probe;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Whose turn it is, by time, and a budget of datagrams a second for all of them together. */
final class Turns {
    private static final int BURST = 20;

    private final Duration datagramEvery;
    private final TreeSet<Turn> queue =
            new TreeSet<>(Comparator.comparing(Turn::at).thenComparing(turn -> turn.path.number()));
    private final Map<PathProbes, Turn> byPath = new HashMap<>();
    private long budget = BURST;
    private Instant filledAt;

    private record Turn(Instant at, PathProbes path) {}

    Turns(int datagramsPerSecond, Instant now) {
        this.datagramEvery = Duration.ofSeconds(1).dividedBy(datagramsPerSecond);
        this.filledAt = now;
    }

    /** Gives a path its next turn, in place of the one that it may have; none at {@link Instant#MAX}. */
    void put(PathProbes path, Instant at) {
        remove(path);
        if (at.equals(Instant.MAX)) {
            return;
        }
        Turn turn = new Turn(at, path);
        byPath.put(path, turn);
        queue.add(turn);
    }

    void remove(PathProbes path) {
        Turn before = byPath.remove(path);
        if (before != null) {
            queue.remove(before);
        }
    }

    /** Takes out the path whose turn it is; null when it is nobody's, or the budget is used up. */
    @Nullable
    PathProbes take(Instant now) {
        long grown = Duration.between(filledAt, now).dividedBy(datagramEvery);
        if (grown > 0) {
            budget = Math.min(BURST, budget + grown);
            filledAt = filledAt.plus(datagramEvery.multipliedBy(grown));
        }
        if (budget <= 0 || queue.isEmpty() || queue.first().at().isAfter(now)) {
            return null;
        }
        PathProbes path = queue.first().path();
        remove(path);
        return path;
    }

    void spend(int datagrams) {
        budget -= datagrams;
    }

    /** When {@link #take} may give something again. */
    Instant next() {
        if (queue.isEmpty()) {
            return Instant.MAX;
        }
        Instant first = queue.first().at();
        Instant affordable = budget > 0 ? first : filledAt.plus(datagramEvery.multipliedBy(1 - budget));
        return first.isAfter(affordable) ? first : affordable;
    }
}
