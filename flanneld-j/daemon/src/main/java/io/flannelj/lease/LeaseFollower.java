package io.flannelj.lease;

import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the store: list everything, watch from the next revision on, and when the watch ends for whatever reason, or has
 * been silent for long, list again. Nothing is assumed about what a broken watch may have missed.
 *
 * <p>One thread of its own. While the store is away the last table stays in force: nobody is told anything.
 */
public final class LeaseFollower implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LeaseFollower.class);

    private final SubnetManager store;
    private final StoreHealth health;
    private final Consumer<LeaseEvent> listener;
    private final Backoff backoff;
    private final Duration relistAfter;
    private final Thread thread = new Thread(this::follow, "flannel-watch");
    private volatile boolean closed;
    private volatile long revision;

    private record Signal(@Nullable LeaseEvent event, String end) {}

    /**
     * @param relistAfter how long a watch may run before everything is listed again, in case it went deaf
     * @param listener told of events in store order, on the follower's thread
     */
    public LeaseFollower(
            SubnetManager store,
            StoreHealth health,
            RandomGenerator random,
            Duration relistAfter,
            Consumer<LeaseEvent> listener) {
        this.store = store;
        this.health = health;
        this.listener = listener;
        this.relistAfter = relistAfter;
        this.backoff = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5), random);
        thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    /** The revision that was last listed at; 0 before the first. */
    public long revision() {
        return revision;
    }

    private void follow() {
        while (!closed) {
            try {
                SubnetManager.Listing listing = store.list();
                health.answered();
                revision = listing.revision();
                listener.accept(new LeaseEvent.Reset(
                        listing.leases().stream().map(StoredLease::lease).toList()));
                String end = watch(listing.revision() + 1);
                log.debug("the watch ended: {}; listing again", end);
            } catch (StoreException e) {
                health.failed(e.problem());
            } catch (InterruptedException e) {
                return;
            }
            try {
                Thread.sleep(backoff.next().toMillis());
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private String watch(long fromRevision) throws StoreException, InterruptedException {
        LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
        SubnetManager.Watch watch = store.watch(
                fromRevision,
                event -> signals.add(new Signal(event, "")),
                reason -> signals.add(new Signal(null, reason)));
        try {
            long until = System.nanoTime() + relistAfter.toNanos();
            while (true) {
                Signal signal = signals.poll(until - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (signal == null) {
                    backoff.reset();
                    return "its time is over";
                }
                if (signal.event() == null) {
                    return signal.end();
                }
                backoff.reset();
                listener.accept(signal.event());
            }
        } finally {
            watch.close();
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }
}
