package io.flannelj.lease.loop;

import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.machine.Backoff;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the store: list everything, watch from the next revision on, and when the watch ends for whatever reason, or has
 * run for long, list again. Nothing is assumed about what a broken watch may have missed.
 *
 * <p>All of it runs on one queue, which may block. While the store is away the last table stays in force: nobody is told
 * anything.
 */
public class LeaseFollower implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LeaseFollower.class);
    private static final Backoff RETRIES = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5));
    private static final Duration FIRST_PROBE = Duration.ofSeconds(5);
    private static final Duration PROBE_EVERY = Duration.ofSeconds(20);
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(10);

    private final SubnetManager store;
    private final StoreHealth health;
    private final TaskQueue queue;
    private final Consumer<LeaseEvent> listener;
    private final RandomGenerator random;
    private final Duration relistAfter;
    private int failures;
    private volatile boolean closed;
    private volatile long revision;
    private String logged = "";
    private int generation;

    /** Whether the watch has said anything since it was probed last. */
    private boolean heard;

    private SubnetManager.@Nullable Watch watch;
    private TaskQueue.@Nullable Pending relist;

    /**
     * @param queue may block
     * @param listener told of events in store order, on the queue
     */
    public LeaseFollower(
            SubnetManager store,
            StoreHealth health,
            TaskQueue queue,
            RandomGenerator random,
            Consumer<LeaseEvent> listener) {
        this.store = store;
        this.health = health;
        this.queue = queue;
        this.listener = listener;
        this.relistAfter = store.relistAfter();
        this.random = random;
    }

    /**
     * Begins to list and to watch.
     *
     * @param knownRevision what the caller knows already; 0 when it knows nothing
     */
    public void start(long knownRevision) {
        revision = knownRevision;
        queue.run(this::list);
    }

    /** The revision that was last listed at; 0 before the first. */
    public long revision() {
        return revision;
    }

    private void list() {
        endWatch();
        if (closed) {
            return;
        }
        int mine = generation;
        try {
            SubnetManager.Listing listing = store.list();
            Optional<String> config = store.fetchNetworkConfig();
            boolean rolledBack = listing.revision() < revision;
            if (rolledBack) {
                log.warn(
                        "{} has gone back from revision {} to {}: was it restored from a snapshot?"
                                + " Forgotten peers are kept until they have had time to come back",
                        store.location(),
                        revision,
                        listing.revision());
            }
            revision = listing.revision();
            listener.accept(new LeaseEvent.Reset(
                    listing.leases().stream().map(StoredLease::lease).toList(), rolledBack));
            config.ifPresent(document -> listener.accept(new LeaseEvent.ConfigWritten(document)));
            watch = store.watch(
                    listing.revision() + 1,
                    event -> queue.run(() -> onEvent(mine, event)),
                    reason -> queue.run(() -> onEnd(mine, reason)));
            health.answered(StoreHealth.Asking.WATCH);
            probe(mine, FIRST_PROBE);
            relist = queue.after(relistAfter, () -> {
                if (mine == generation) {
                    failures = 0;
                    list();
                }
            });
        } catch (StoreException e) {
            if (closed) {
                return; // broken off
            }
            again(mine); // first, for nothing else must keep it from being tried
            health.failed(StoreHealth.Asking.WATCH, e);
        } catch (RuntimeException | Error e) {
            onDefect(mine, e);
        }
    }

    /** A watch without changes says nothing, and neither does one that its client lost on the way: so it is asked. */
    private void probe(int from, Duration delay) {
        queue.after(delay, () -> {
            SubnetManager.Watch running = watch;
            if (from == generation && running != null) {
                heard = false;
                if (running.requestProgress()) {
                    queue.after(PROBE_TIMEOUT, () -> {
                        if (from == generation && !heard) {
                            onSilence(from);
                        }
                    });
                }
                probe(from, PROBE_EVERY);
            }
        });
    }

    /** Seam for tests. */
    void onSilence(int from) {
        if (!closed) {
            log.info("the watch at {} has gone silent; listing again", store.location());
            again(from);
        }
    }

    private void onEvent(int from, LeaseEvent event) {
        if (from != generation || closed) {
            return;
        }
        heard = true;
        try {
            if (!(event instanceof LeaseEvent.Progress)) {
                listener.accept(event);
            }
            failures = 0;
            health.answered(StoreHealth.Asking.WATCH);
        } catch (RuntimeException | Error e) {
            onDefect(from, e); // the event may have been half applied: only a listing tells the whole truth
        }
    }

    /**
     * A defect, here or in a library, must not end following: peers would never be heard of again. A class that is missing
     * because the files were exchanged under a running daemon is one, too. Seam for tests.
     */
    void onDefect(int from, Throwable defect) {
        if (closed) {
            return;
        }
        again(from);
        String what = defect.toString();
        if (!what.equals(logged)) {
            logged = what;
            log.error("following {} failed: {}; listing again", store.location(), what, defect);
        }
        health.failed(
                StoreHealth.Asking.WATCH,
                new StoreException("following " + store.location() + " failed: " + what, defect));
    }

    /** Everything is listed again, as after a broken watch. */
    public void restart() {
        queue.run(() -> again(generation));
    }

    private void onEnd(int from, String reason) {
        if (from == generation && !closed) {
            log.debug("the watch ended: {}; listing again", reason);
            again(from);
        }
    }

    private void again(int from) {
        queue.after(RETRIES.delay(failures++, random.nextLong()), () -> {
            if (from == generation) {
                list();
            }
        });
    }

    /** Whatever an earlier watch still says is not listened to. */
    private void endWatch() {
        generation++;
        if (relist != null) {
            relist.cancel();
            relist = null;
        }
        SubnetManager.Watch old = watch;
        watch = null;
        if (old != null) {
            old.close();
        }
    }

    @Override
    public void close() {
        closed = true;
        queue.run(this::endWatch);
    }
}
