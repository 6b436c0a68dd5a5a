package io.flannelj.lab;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waiting for a fact, for a bounded time. */
public final class Wait {
    private static final long PAUSE_MILLIS = 20;

    private Wait() {}

    /** Asks again and again; fails with {@code fact} when it does not hold in time. */
    public static void until(String fact, Duration atMost, BooleanSupplier holds) {
        until(() -> fact, atMost, holds);
    }

    /** The same; {@code fact} is made up when it did not hold in time, and may say what was seen. */
    public static void until(Supplier<String> fact, Duration atMost, BooleanSupplier holds) {
        long end = System.nanoTime() + atMost.toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new LabException("not within " + atMost.toSeconds() + " s: " + fact.get());
            }
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new LabException("interrupted while waiting: " + fact.get(), e);
            }
        }
    }
}
