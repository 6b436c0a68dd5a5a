package io.flannelj.lease;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;

/** Time that passes only when nothing is left to do before. One thread. */
final class VirtualTime extends Clock {
    @SuppressWarnings("ArrayRecordComponent") // a flag that its canceller shares; tasks are never compared as records
    private record Task(Instant at, long number, Runnable work, boolean[] cancelled) {}

    private final PriorityQueue<Task> tasks = new PriorityQueue<>((one, other) ->
            one.at.equals(other.at) ? Long.compare(one.number, other.number) : one.at.compareTo(other.at));
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private long number;

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
                now = task.at;
                task.work.run();
                afterEach.run();
            }
        }
        now = end;
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
        private boolean dead;

        Queue(RandomGenerator random) {
            this.random = random;
        }

        @Override
        public void run(Runnable task) {
            Instant due = now.plusMillis(random.nextInt(SLOWEST_MILLIS));
            last = due.isBefore(last) ? last : due;
            at(last, guarded(task));
        }

        @Override
        public Pending after(Duration delay, Runnable task) {
            return VirtualTime.this.after(delay, guarded(task));
        }

        private Runnable guarded(Runnable task) {
            return () -> {
                if (!dead) {
                    task.run();
                }
            };
        }

        void kill() {
            dead = true;
        }
    }
}
