package io.flannelj.explain;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * The time that an explanation has, so that its verdict is there within five seconds of the command's start. It bounds how long
 * silence is listened to before it counts as evidence; whoever has taken a question, and works on it, is waited for beyond it as
 * long as nothing is known to be broken. Pure but for the clock that it is given.
 */
public final class Budget {
    static final Duration WHOLE = Duration.ofSeconds(4);

    /** More than that was not spent, whatever a clock says that was set meanwhile. */
    private static final Duration MOST_SPENT = Duration.ofSeconds(3);

    private final LongSupplier nanoTime;
    private final long end;

    /**
     * Begins.
     *
     * @param nanoTime a clock that never jumps, in nanoseconds
     * @param spent how long ago the command was started; what is not between nothing and three seconds counts as that
     */
    public Budget(LongSupplier nanoTime, Duration spent) {
        this.nanoTime = nanoTime;
        Duration before = within(Duration.ZERO, spent, MOST_SPENT);
        this.end = nanoTime.getAsLong() + WHOLE.minus(before).toNanos();
    }

    /** What is left; nothing once it is over. */
    Duration left() {
        return Duration.ofNanos(Math.max(0, end - nanoTime.getAsLong()));
    }

    /**
     * How long one question may wait from now on.
     *
     * @param least that it has to have to say anything, even where less is left
     * @param most that it can use
     */
    Duration share(Duration least, Duration most) {
        return within(least, left(), most);
    }

    private static Duration within(Duration least, Duration asked, Duration most) {
        Duration atMost = asked.compareTo(most) > 0 ? most : asked;
        return atMost.compareTo(least) < 0 ? least : atMost;
    }
}
