package io.flannelj.main;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Being asked to stop. SIGTERM and SIGINT start the JVM's shutdown, which would end the process with the signal's status;
 * here it waits until the daemon has cleaned up, and the daemon's own status counts.
 */
final class Shutdown {
    private static final long PATIENCE_SECONDS = 15;

    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch finished = new CountDownLatch(1);
    private volatile int status;
    private volatile Runnable onAsked = () -> {};

    /** From now on signals are ours. */
    static Shutdown onSignals() {
        Shutdown shutdown = new Shutdown();
        Runtime.getRuntime().addShutdownHook(new Thread(shutdown::signalled, "flannel-stop"));
        return shutdown;
    }

    private void signalled() {
        asked.countDown();
        onAsked.run();
        try {
            if (!finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("stopping took longer than " + PATIENCE_SECONDS + " s; leaving");
                Runtime.getRuntime().halt(1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(status);
    }

    /** What ends waits early; runs on the signal's thread. */
    void whenAsked(Runnable task) {
        onAsked = task;
        if (isAsked()) {
            task.run();
        }
    }

    boolean isAsked() {
        return asked.getCount() == 0;
    }

    /** Waits that long, or until it is asked. */
    void await(Duration atMost) throws InterruptedException {
        boolean unused = asked.await(atMost.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Ends the process with this status. */
    void finish(int exitStatus) {
        status = exitStatus;
        finished.countDown();
        System.exit(exitStatus);
    }
}
