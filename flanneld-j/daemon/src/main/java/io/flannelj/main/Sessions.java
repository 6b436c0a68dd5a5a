package io.flannelj.main;

import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.loop.ClosedException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One session after the other; usually there is just one. Decides what a failure means: before a session was ready it ends the
 * daemon, later what keeps the next one from starting is awaited. Where a session ran before, a network config that cannot be
 * used is not the end: the one before stays in force.
 */
class Sessions {
    private static final Logger log = LoggerFactory.getLogger(Sessions.class);
    private static final Duration RETRY_EVERY = Duration.ofSeconds(1);

    private final Steps steps;
    private final boolean keepOnStop;

    /** In force, or last in force; null before the first session. */
    private @Nullable NetworkConfig config;

    private boolean wasReady;

    /** What is done for a session. None of it decides what follows when it fails. */
    interface Steps {
        boolean isStopAsked();

        /**
         * Waits for the network config of the store.
         *
         * @throws ConfigException when it cannot be used
         */
        NetworkConfig newest() throws IOException, ConfigException, ClosedException;

        /**
         * Waits for a lease, and makes a session of it.
         *
         * @param isNew whether it is another config than the one in force
         * @return the session; empty when the daemon was asked to stop meanwhile
         * @throws ConfigException when this host cannot be part of such a network
         */
        Optional<Running> begin(NetworkConfig wanted, boolean isNew)
                throws IOException, ConfigException, ClosedException, InterruptedException;

        /** A session is ready, with this config in force. */
        void onReady(NetworkConfig config);

        /** Waits, because the next session could not start. */
        void pause(String problem, Duration length) throws InterruptedException;
    }

    /** A session. */
    interface Running {
        /**
         * Begins to carry traffic.
         *
         * @return whether it is ready; it is over already where it is not
         */
        boolean start() throws IOException, InterruptedException;

        /** Waits for the end; true when another session shall begin. */
        boolean awaitEnd() throws InterruptedException;

        /** The config in force; it may be a newer one than it began with. */
        NetworkConfig config();

        /** Ends it, and what it has put into the kernel stays or goes. */
        void close(Remains remains);
    }

    /** What becomes of devices and routes when a session is closed. The packet filter's rules stay for the next one. */
    enum Remains {
        STAY,
        ARE_REMOVED
    }

    /**
     * Begins with {@link #run}.
     *
     * @param keepOnStop whether what the kernel carries by itself goes on after a stop
     */
    Sessions(Steps steps, boolean keepOnStop) {
        this.steps = steps;
        this.keepOnStop = keepOnStop;
    }

    /**
     * Returns when the daemon was asked to stop.
     *
     * @throws IOException when the first session cannot start
     * @throws ConfigException when there is no network config that could be used
     */
    void run() throws IOException, ConfigException, ClosedException, InterruptedException {
        boolean again = true;
        String logged = "";
        while (again && !steps.isStopAsked()) {
            try {
                again = next();
                logged = "";
            } catch (IOException e) {
                if (!wasReady) {
                    throw e;
                }
                String problem = String.valueOf(e.getMessage());
                if (!problem.equals(logged)) {
                    log.error("{}; trying again every {} s until it works", problem, RETRY_EVERY.toSeconds());
                }
                logged = problem;
                steps.pause(problem, RETRY_EVERY);
            }
        }
    }

    private boolean next() throws IOException, ConfigException, ClosedException, InterruptedException {
        try {
            return next(steps.newest());
        } catch (ConfigException e) {
            return next(insteadOf(e));
        }
    }

    private boolean next(NetworkConfig wanted)
            throws IOException, ConfigException, ClosedException, InterruptedException {
        Optional<Running> begun = steps.begin(wanted, !wanted.equals(config));
        if (begun.isEmpty()) {
            return false;
        }
        Running session = begun.get();
        boolean again = false;
        try {
            if (session.start()) {
                wasReady = true;
                steps.onReady(session.config());
            }
            again = session.awaitEnd();
            config = session.config();
            return again;
        } finally {
            session.close(remains(again));
        }
    }

    /** Which config serves instead of one that cannot be used. Seam for tests. */
    NetworkConfig insteadOf(ConfigException refused) throws ConfigException {
        NetworkConfig before = config;
        if (before == null) {
            throw refused;
        }
        log.error("{}; going on with the one before", refused.oneLine());
        return before;
    }

    /** After a start that failed, too, what survived the last stop stays. Seam for tests. */
    Remains remains(boolean again) {
        return keepOnStop && !again ? Remains.STAY : Remains.ARE_REMOVED;
    }
}
