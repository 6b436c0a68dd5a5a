package io.flannelj.lease.kube;

import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.machine.Action;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the nodes from one resource version on. The apiserver ends each watch after some minutes (and checks then whether
 * we still may); it is taken up where it ended. When that fails, or nothing was heard for long, it is over: the server
 * sends a bookmark every minute, so silence means that the connection is dead.
 */
final class NodeWatch implements SubnetManager.Watch {
    private static final Logger log = LoggerFactory.getLogger(NodeWatch.class);
    private static final Duration DEAF_AFTER = Duration.ofMinutes(3);
    private static final Duration LOOK_EVERY = Duration.ofSeconds(20);
    private static final Duration TOO_SHORT = Duration.ofSeconds(1);
    private static final int SHORTEST_SECONDS = 120;
    private static final int LONGEST_SECONDS = 240;

    private final KubeConnection connection;
    private final ScheduledExecutorService timer;
    private final RandomGenerator random;
    private final BiConsumer<Watcher.Action, Node> onNode;
    private final Consumer<String> onEnd;
    private String resourceVersion;
    private @Nullable Watch running;
    private @Nullable ScheduledFuture<?> listening;
    private long openedAt;
    private volatile long heardAt;
    private boolean over;

    NodeWatch(
            KubeConnection connection,
            ScheduledExecutorService timer,
            RandomGenerator random,
            long resourceVersion,
            BiConsumer<Watcher.Action, Node> onNode,
            Consumer<String> onEnd) {
        this.connection = connection;
        this.timer = timer;
        this.random = random;
        this.resourceVersion = String.valueOf(resourceVersion);
        this.onNode = onNode;
        this.onEnd = onEnd;
    }

    synchronized void open() throws StoreException {
        openedAt = System.nanoTime();
        heardAt = openedAt;
        try {
            running = connection
                    .client()
                    .nodes()
                    .watch(
                            new ListOptionsBuilder()
                                    .withResourceVersion(resourceVersion)
                                    .withAllowWatchBookmarks(true)
                                    .withTimeoutSeconds((long) random.nextInt(SHORTEST_SECONDS, LONGEST_SECONDS))
                                    .build(),
                            new Listener());
        } catch (RuntimeException e) {
            throw connection.problem("watch nodes", e);
        }
        if (listening == null) {
            listening = timer.scheduleWithFixedDelay(
                    this::listen, LOOK_EVERY.toMillis(), LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void listen() {
        Duration silence = Duration.ofNanos(System.nanoTime() - heardAt);
        if (silence.compareTo(DEAF_AFTER) > 0) {
            end("nothing was heard for " + silence.toSeconds() + " s");
        }
    }

    private synchronized void resume(String why) {
        if (over) {
            return;
        }
        if (System.nanoTime() - openedAt < TOO_SHORT.toNanos()) {
            end(why); // the follower pauses before it asks again
            return;
        }
        try {
            open();
        } catch (StoreException e) {
            end(e.problem());
        }
    }

    private void end(String why) {
        synchronized (this) {
            if (over) {
                return;
            }
            close();
        }
        onEnd.accept(why);
    }

    private synchronized boolean take(Node node) {
        heardAt = System.nanoTime();
        if (over) {
            return false;
        }
        resourceVersion = node.getMetadata().getResourceVersion();
        return true;
    }

    /** On a thread of the client's, one call at a time. */
    private final class Listener implements Watcher<Node> {
        @Override
        public void eventReceived(Action action, Node node) {
            try {
                if (take(node)) {
                    onNode.accept(action, node);
                }
            } catch (RuntimeException | Error e) {
                log.error("an event of a node could not be read: {}; listing again", e.toString(), e);
                end(e.toString());
            }
        }

        @Override
        public void onClose(WatcherException cause) {
            String why = String.valueOf(cause.getMessage());
            if (cause.isHttpGone()) {
                end("the history from " + resourceVersion + " on is gone");
                return;
            }
            try {
                timer.execute(() -> resume(why));
            } catch (RejectedExecutionException e) {
                end(why);
            }
        }
    }

    @Override
    public synchronized void close() {
        over = true;
        if (listening != null) {
            listening.cancel(false);
        }
        if (running != null) {
            running.close();
        }
    }
}
