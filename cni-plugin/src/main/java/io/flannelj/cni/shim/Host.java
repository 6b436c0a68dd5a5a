package io.flannelj.cni.shim;

import io.flannelj.cni.Invocation;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What the shim needs of the system that runs it. Used by one thread. */
public interface Host {
    /** What this process knows of the pod's namespace. */
    enum Netns {
        /** It is open here, and the descriptor can be handed over. */
        DESCRIPTOR,
        /** There is such a file, which the daemon must open itself. */
        SEEN,
        /** There is no such file. */
        MISSING
    }

    /** An environment variable; null when it is not set. */
    @Nullable
    String variable(String name);

    /** Standard input to its end. */
    byte[] readInput() throws IOException;

    /** Standard output. */
    void print(String text);

    /** Standard error. */
    void log(String text);

    /** Opens the file that stands for the pod's network namespace, or looks whether it is there. */
    Netns openNetns(String path);

    /** Device and inode of the namespace that was found, {@code DEVICE:INODE} in decimal, by which others know it again. */
    String netnsIdentity();

    /**
     * Connects to the daemon.
     *
     * @throws IOException when nobody listens; says why
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
    interface Connection {
        void send(byte[] octets) throws IOException;

        /** Sends one octet that carries the descriptor of the namespace which {@link Host#openNetns} opened. */
        void sendNetns() throws IOException;

        /** What has come; empty at the end. */
        byte[] receive() throws IOException;

        void close();
    }
}
