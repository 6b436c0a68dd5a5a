package io.flannelj.lease;

import java.time.Clock;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the store answers. Says so once when it stops, and once when it is back, however often it is tried in between.
 * Any thread may report and ask.
 */
public final class StoreHealth {
    private static final Logger log = LoggerFactory.getLogger(StoreHealth.class);

    /**
     * What is known of the store.
     *
     * @param reachable whether the last call was answered
     * @param lastContact when a call was last answered; the epoch when none ever was
     * @param problem what went wrong last; empty while it is reachable
     */
    public record Status(boolean reachable, Instant lastContact, String problem) {}

    private final Clock clock;
    private final String location;
    private volatile Status status = new Status(true, Instant.EPOCH, "");

    public StoreHealth(Clock clock, String location) {
        this.clock = clock;
        this.location = location;
    }

    public Status status() {
        return status;
    }

    synchronized void answered() {
        if (!status.reachable()) {
            log.info("{} answers again", location);
        }
        status = new Status(true, clock.instant(), "");
    }

    synchronized void failed(String problem) {
        if (status.reachable()) {
            log.warn("{}; trying again until it answers", problem);
        }
        status = new Status(false, status.lastContact(), problem);
    }
}
