package io.flannelj.netns;

import io.flannelj.linux.NetworkNamespaces;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Work inside a network namespace, on a platform thread of its own that enters, works and ends, so that no thread ever
 * has to find its way back.
 *
 * <p>What the work starts inherits the namespace: threads (of pools and process reapers, too) would keep it alive.
 * Processes are the exception that is wanted. {@code /proc/net} and {@code NetworkInterface} still show the namespace of
 * the process; {@code /proc/thread-self/net} and sockets opened there belong to the namespace.
 */
public final class NetnsThread {
    private NetnsThread() {}

    /**
     * Runs {@code work} inside {@code namespace} and waits for it.
     *
     * @throws IOException what the work threw, or that the namespace could not be entered
     */
    public static <T> T call(Netns namespace, Callable<T> work) throws IOException {
        return run(() -> {
            namespace.enter();
            return work.call();
        });
    }

    /** Runs {@code work} inside a new, empty namespace, which ends with it unless something holds it. */
    public static <T> T callInNew(Callable<T> work) throws IOException {
        return run(() -> {
            NetworkNamespaces.unshare();
            return work.call();
        });
    }

    private static <T> T run(Callable<T> work) throws IOException {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(task, "netns");
        thread.setDaemon(true);
        thread.start();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true; // half-wired pods are worse than a late stop
                }
            }
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof IOException failure) {
                throw failure;
            }
            if (cause instanceof RuntimeException failure) {
                throw failure;
            }
            if (cause instanceof Error failure) {
                throw failure;
            }
            throw new IOException(cause);
        } catch (CancellationException e) {
            throw new IOException(e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
