package io.flannelj.lease.loop;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Time that passes only when nothing is left to do before. One thread. */
final class VirtualTime extends Clock {
    @SuppressWarnings("ArrayRecordComponent") // a flag that its canceller shares; tasks are never compared as records
    private record Task(Instant at, long number, Runnable work, boolean[] cancelled) {}

    private final PriorityQueue<Task> tasks = new PriorityQueue<>((one, other) ->
            one.at.equals(other.at) ? Long.compare(one.number, other.number) : one.at.compareTo(other.at));
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private long number;

    /** Tasks that failed. */
    int defects;

    TaskQueue.Pending at(Instant when, Runnable work) {
        boolean[] cancelled = new boolean[1];
        tasks.add(new Task(when.isBefore(now) ? now : when, number++, work, cancelled));
        return () -> cancelled[0] = true;
    }

    TaskQueue.Pending after(Duration delay, Runnable work) {
        return at(now.plus(delay), work);
    }

    /** Does everything that is due until then; {@code afterEach} looks at the world after each step. */
    void runUntil(Instant end, Runnable afterEach) {
        while (!tasks.isEmpty() && !tasks.peek().at.isAfter(end)) {
            Task task = tasks.remove();
            if (!task.cancelled[0]) {
                now = task.at.isAfter(now) ? task.at : now;
                task.work.run();
                afterEach.run();
            }
        }
        now = end.isAfter(now) ? end : now;
    }

    /**
     * A clock that moves at every reading, as real ones do: by microseconds, and now and then by as much as a thread waits
     * for a processor.
     */
    Clock moving(RandomGenerator random) {
        return new Clock() {
            @Override
            public Instant instant() {
                now = now.plusNanos(random.nextInt(1000) == 0 ? random.nextInt(100_000_000) : random.nextInt(20_000));
                return now;
            }

            @Override
            public ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(ZoneId zone) {
                return this;
            }
        };
    }

    @Override
    public Instant instant() {
        return now;
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        return this;
    }

    /** One thread of one process: what is handed in is done in order, after delays that chance decides. */
    final class Queue implements TaskQueue {
        private static final int SLOWEST_MILLIS = 20;

        private final RandomGenerator random;
        private Instant last = Instant.MIN;
        private Instant awake = Instant.MIN;
        private Duration suspended = Duration.ZERO;
        private boolean dead;
        private boolean busy;

        /** Whose answers are slow: one out of twenty tasks that its tasks hand in comes up to five seconds late. */
        @Nullable
        Queue slow;

        Queue(RandomGenerator random) {
            this.random = random;
        }

        @Override
        public void run(Runnable task) {
            Instant begin = now.isBefore(awake) ? awake : now;
            int slowest = slow != null && slow.busy && random.nextInt(20) == 0 ? 5_000 : SLOWEST_MILLIS;
            Instant due = begin.plusMillis(random.nextInt(slowest));
            last = due.isBefore(last) ? last : due;
            at(last, guarded(task));
        }

        /** Timers of threads stand still while the machine is suspended. */
        @Override
        public Pending after(Duration delay, Runnable task) {
            Instant begin = now.isBefore(awake) ? awake : now;
            boolean[] cancelled = new boolean[1];
            sleep(begin.plus(delay), suspended, () -> {
                if (!cancelled[0]) {
                    guarded(task).run();
                }
            });
            return () -> cancelled[0] = true;
        }

        private void sleep(Instant due, Duration suspendedBefore, Runnable task) {
            at(due, () -> {
                if (suspended.equals(suspendedBefore)) {
                    task.run();
                } else {
                    sleep(due.plus(suspended.minus(suspendedBefore)), suspended, task);
                }
            });
        }

        /** The machine is suspended from now on, for so long. */
        void suspend(Duration length) {
            awake = now.plus(length);
            suspended = suspended.plus(length);
        }

        /** A task that fails ends nothing but itself, as in a {@link TaskThread}. */
        private Runnable guarded(Runnable task) {
            return () -> {
                if (!dead && now.isBefore(awake)) {
                    at(awake, guarded(task));
                } else if (!dead) {
                    busy = true;
                    try {
                        task.run();
                    } catch (IllegalStateException e) {
                        defects++;
                    } finally {
                        busy = false;
                    }
                }
            };
        }

        void kill() {
            dead = true;
        }
    }
}
