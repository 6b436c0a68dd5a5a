package io.flannelj.cni.shim;

import io.flannelj.cni.Invocation;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What the shim needs of the system that runs it. Used by one thread. */
public interface Host {
    /** An environment variable; null when it is not set. */
    @Nullable
    String variable(String name);

    /** Standard input to its end. */
    byte[] readInput() throws IOException;

    /** Standard output. */
    void print(String text);

    /** Standard error. */
    void log(String text);

    /**
     * Looks for the file that stands for the pod's network namespace, and opens it where a descriptor can be handed over.
     *
     * @return whether it is there
     */
    boolean findNetns(String path);

    /** Device and inode of the namespace that was found, {@code DEVICE:INODE} in decimal, by which others know it again. */
    String netnsIdentity();

    /**
     * Connects to the daemon.
     *
     * @throws IOException when nobody listens, or another user than root; says why
     */
    Connection connect(String socket) throws IOException;

    /**
     * Carries the call out without a daemon, and answers it.
     *
     * @param why what became of asking the daemon
     * @return the exit status
     */
    int carryOut(Invocation invocation, String why);

    /** A connection to the daemon. A peer that says nothing for {@link Shim#PATIENCE_SECONDS} is an error. */
    interface Connection extends Frames.Source {
        /** Sends, and with the first bytes the descriptor of the namespace that {@link Host#findNetns} opened, if it did. */
        void send(byte[] bytes) throws IOException;

        void close();
    }
}
