package io.flannelj.lease.loop;

import java.time.Duration;

/**
 * Where the control plane's work is done, one task after the other: a thread in the daemon, virtual time in tests. Any
 * thread may hand in tasks; what comes after the end is dropped.
 */
public interface TaskQueue {
    void run(Runnable task);

    Pending after(Duration delay, Runnable task);

    /** Does it again and again, with this pause before each time. */
    default void every(Duration pause, Runnable task) {
        Pending unused = after(pause, () -> {
            try {
                task.run();
            } finally {
                every(pause, task);
            }
        });
    }

    /** A task that waits for its time. */
    interface Pending {
        /** Forgets it, unless it has begun. */
        void cancel();
    }
}
