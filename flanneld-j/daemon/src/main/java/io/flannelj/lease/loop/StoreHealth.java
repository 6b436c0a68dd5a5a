package io.flannelj.lease.loop;

import io.flannelj.lease.DeniedException;
import io.flannelj.lease.StoreException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the store answers. Says so once when it stops, and once when it is back, however often it is tried in between;
 * the same trouble is not told twice within a minute, and a denial is told also after it was away. Any thread may report and ask.
 */
public final class StoreHealth {
    private static final Logger log = LoggerFactory.getLogger(StoreHealth.class);
    private static final Duration QUIET = Duration.ofMinutes(1);

    /** Who asks the store. A store with a full disk still answers the one, and refuses the other. */
    enum Asking {
        WATCH,
        LEASE
    }

    /**
     * What is known of the store.
     *
     * @param reachable whether the last calls were answered
     * @param lastContact when a call was last answered; the epoch when none ever was
     * @param problem what went wrong last; empty while it is reachable
     * @param denied whether it answers, and denies us what we need: that does not pass by itself
     */
    public record Status(boolean reachable, Instant lastContact, String problem, boolean denied) {}

    private final Clock clock;
    private final String location;
    private final Map<Asking, StoreException> problems = new EnumMap<>(Asking.class);
    private volatile Status status = new Status(true, Instant.EPOCH, "", false);
    private boolean said;
    private boolean saidDenied;
    private String told = "";
    private Instant toldAt = Instant.EPOCH;

    public StoreHealth(Clock clock, String location) {
        this.clock = clock;
        this.location = location;
    }

    public Status status() {
        return status;
    }

    synchronized void answered(Asking who) {
        problems.remove(who);
        if (problems.isEmpty() && said) {
            log.info("{} answers again", location);
            said = false;
            saidDenied = false;
        }
        status = new Status(
                problems.isEmpty(),
                clock.instant(),
                problems.values().stream()
                        .findFirst()
                        .map(StoreException::problem)
                        .orElse(""),
                denied());
    }

    synchronized void failed(Asking who, StoreException failure) {
        problems.put(who, failure);
        String problem = failure.problem();
        Instant now = clock.instant();
        boolean news = !said || (failure instanceof DeniedException && !saidDenied);
        if (news && (!problem.equals(told) || now.isAfter(toldAt.plus(QUIET)))) {
            log.warn("{}; trying again until it {}", problem, denied() ? "lets us" : "answers");
            said = true;
            saidDenied = denied();
            told = problem;
            toldAt = now;
        }
        status = new Status(false, status.lastContact(), problem, denied());
    }

    private boolean denied() {
        return problems.values().stream().anyMatch(DeniedException.class::isInstance);
    }
}
