package io.flannelj.netns;

import java.io.IOException;
import java.util.concurrent.locks.LockSupport;

/**
 * Work inside a network namespace on the calling thread, which comes back: a thread of its own, as {@link NetnsThread} takes
 * one, costs two changes of threads, which on a busy node are longer than the work.
 */
public final class NetnsVisit {
    private static final System.Logger log = System.getLogger(NetnsVisit.class.getName());

    private NetnsVisit() {}

    /** What is done inside; must start neither threads nor processes, which would stay there. */
    public interface Work<T> {
        T call() throws IOException;
    }

    /**
     * Runs {@code work} inside {@code namespace}.
     *
     * @throws IOException what the work threw, or that the namespace could not be entered
     */
    public static <T> T call(Netns namespace, Work<T> work) throws IOException {
        try (Netns home = Netns.current()) {
            namespace.enter();
            try {
                return work.call();
            } finally {
                comeBack(home);
            }
        }
    }

    /** A thread that cannot must never do anything again: all that it touched would be another host's. */
    private static void comeBack(Netns home) {
        try {
            home.enter();
        } catch (IOException e) {
            log.log(System.Logger.Level.ERROR, "a thread cannot leave a pod's network namespace and stops for good", e);
            while (true) {
                LockSupport.park();
            }
        }
    }
}
