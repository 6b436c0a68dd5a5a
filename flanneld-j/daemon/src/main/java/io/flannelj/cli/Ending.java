package io.flannelj.cli;

import java.io.Closeable;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Ends a stream that is being read, by closing it: after a time, and when the process is told to end. Then the process waits for a
 * moment until whoever reads has written what it has.
 */
final class Ending implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 2;

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "ending");
        thread.setDaemon(true);
        return thread;
    });
    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook = new Thread(this::interrupt, "interrupted");
    private final long seconds;
    private volatile @Nullable Closeable stream;
    private volatile boolean over;

    private Ending(long seconds) {
        this.seconds = seconds;
    }

    /** @param seconds 0 for never */
    static Ending after(long seconds) {
        Ending ending = new Ending(seconds);
        Runtime.getRuntime().addShutdownHook(ending.hook);
        return ending;
    }

    /** The time runs from now on. */
    void closes(Closeable stream) {
        this.stream = stream;
        if (over) {
            end();
        }
        if (seconds > 0) {
            timer.schedule(this::end, seconds, TimeUnit.SECONDS);
        }
    }

    private void end() {
        over = true;
        Closeable open = stream;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                // it is gone, as it should be
            }
        }
    }

    private void interrupt() {
        end();
        try {
            finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the stream was closed here. */
    boolean isOver() {
        return over;
    }

    @Override
    public void close() {
        finished.countDown();
        timer.shutdownNow();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the process is ending
        }
    }
}
