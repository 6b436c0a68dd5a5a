package io.flannelj.linux;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/**
 * Work that mostly waits, beside that of who begins it: each on a thread of its own, because the common pool may have a single one,
 * and which does not keep the process alive.
 */
public final class Background {
    private Background() {}

    /** What is done. */
    public interface Work<T> {
        T call() throws IOException;
    }

    /**
     * Begins. The thread is in the network namespace of who calls this.
     *
     * @param name of the thread
     */
    public static <T> CompletableFuture<T> begin(String name, Work<T> work) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return work.call();
                    } catch (IOException e) {
                        throw new CompletionException(e);
                    }
                },
                task -> {
                    Thread thread = new Thread(task, name);
                    thread.setDaemon(true);
                    thread.start();
                });
    }

    /**
     * Waits for the end of it.
     *
     * @throws IOException what the work threw, or that this thread was interrupted
     */
    public static <T> T end(CompletableFuture<T> begun) throws IOException {
        try {
            return begun.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        }
    }
}
