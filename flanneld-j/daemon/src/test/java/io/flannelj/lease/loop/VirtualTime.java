package io.flannelj.lease.loop;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Time that passes only when nothing is left to do before. One thread. */
final class VirtualTime extends Clock {
    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");
    private static final long NEVER_YET = Long.MIN_VALUE;

    private final class Task implements TaskQueue.Pending {
        private final long at;
        private final long number;
        private final Runnable work;

        Task(long at, long number, Runnable work) {
            this.at = at;
            this.number = number;
            this.work = work;
        }

        @Override
        public void cancel() {
            tasks.remove(this);
        }
    }

    private final PriorityQueue<Task> tasks = new PriorityQueue<>((one, other) ->
            one.at == other.at ? Long.compare(one.number, other.number) : Long.compare(one.at, other.at));

    /** Nanoseconds since {@link #BEGIN}, for a million lives are compared by it millions of times each. */
    private long now;

    private Instant shown = BEGIN;
    private long shownAt;
    private long number;

    TaskQueue.Pending at(Instant when, Runnable work) {
        return atNanos(nanos(when), work);
    }

    private Task atNanos(long when, Runnable work) {
        Task task = new Task(Math.max(when, now), number++, work);
        tasks.add(task);
        return task;
    }

    TaskQueue.Pending after(Duration delay, Runnable work) {
        return atNanos(now + delay.toNanos(), work);
    }

    private static long nanos(Instant when) {
        return Duration.between(BEGIN, when).toNanos();
    }

    /** Does everything that is due until then; {@code afterEach} looks at the world after each step. */
    void runUntil(Instant until, Runnable afterEach) {
        long end = nanos(until);
        while (!tasks.isEmpty() && tasks.peek().at <= end) {
            Task task = tasks.remove();
            now = Math.max(task.at, now);
            task.work.run();
            afterEach.run();
        }
        now = Math.max(end, now);
    }

    /**
     * A clock that moves at every reading, as real ones do: by microseconds, and now and then by as much as a thread waits
     * for a processor.
     */
    Clock moving(RandomGenerator random) {
        InstantSource moving = () -> {
            now += random.nextInt(1000) == 0 ? random.nextInt(100_000_000) : random.nextInt(20_000);
            return instant();
        };
        return moving.withZone(ZoneOffset.UTC);
    }

    @Override
    public Instant instant() {
        if (shownAt != now) {
            shown = BEGIN.plusNanos(now);
            shownAt = now;
        }
        return shown;
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
        private static final long NANOS_A_MILLI = 1_000_000;

        private final RandomGenerator random;
        private long last = NEVER_YET;
        private long awake = NEVER_YET;
        private long suspended;
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
            int slowest = slow != null && slow.busy && random.nextInt(20) == 0 ? 5_000 : SLOWEST_MILLIS;
            last = Math.max(last, Math.max(now, awake) + random.nextInt(slowest) * NANOS_A_MILLI);
            atNanos(last, () -> perform(task));
        }

        /** Timers of threads stand still while the machine is suspended. */
        @Override
        public Pending after(Duration delay, Runnable task) {
            Timer timer = new Timer(task);
            timer.sleepUntil(Math.max(now, awake) + delay.toNanos());
            return timer;
        }

        private final class Timer implements Pending {
            private final Runnable task;
            private long due;
            private long suspendedBefore;

            @Nullable
            private Task waiting;

            Timer(Runnable task) {
                this.task = task;
            }

            void sleepUntil(long when) {
                due = when;
                suspendedBefore = suspended;
                waiting = atNanos(when, this::onDue);
            }

            private void onDue() {
                if (suspended != suspendedBefore) {
                    sleepUntil(due + suspended - suspendedBefore);
                } else {
                    perform(task);
                }
            }

            @Override
            public void cancel() {
                if (waiting != null) {
                    waiting.cancel();
                }
            }
        }

        /** The machine is suspended from now on, for so long. */
        void suspend(Duration length) {
            awake = now + length.toNanos();
            suspended += length.toNanos();
        }

        /** What a task throws ends the test: whoever is simulated has to deal with defects itself. */
        private void perform(Runnable task) {
            if (!dead && now < awake) {
                atNanos(awake, () -> perform(task));
            } else if (!dead) {
                busy = true;
                try {
                    task.run();
                } finally {
                    busy = false;
                }
            }
        }

        void kill() {
            dead = true;
        }
    }
}
