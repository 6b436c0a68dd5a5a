package io.flannelj.lease;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What the clocks of this machine say at one moment. Two moments of two processes tell how much time has passed between
 * them, or that nobody knows.
 *
 * @param instant by the clock that this process measures leases with
 * @param boot names the run of the kernel; empty when it is not known
 * @param sinceBoot of that run, suspension counted
 * @param wall the time of day
 * @param synchronised whether the kernel says that the time of day is kept right
 */
public record Moment(Instant instant, String boot, Duration sinceBoot, Instant wall, boolean synchronised) {
    /**
     * How much time has passed, at least. In one run of the kernel its own clock tells; from one run to another the time of
     * day does, where it was kept right at both moments and does not say that time went back. Where both tell, the longer
     * counts: a machine that was frozen as a whole has no clock of its own for that.
     *
     * @param earlier of this machine, of this process or a former one
     */
    public Optional<Duration> since(Moment earlier) {
        boolean sameBoot = !boot.isEmpty() && boot.equals(earlier.boot);
        boolean told = synchronised && earlier.synchronised && !wall.isBefore(earlier.wall);
        Duration running = sameBoot ? sinceBoot.minus(earlier.sinceBoot) : sinceBoot;
        if (running.isNegative() || (!sameBoot && !told)) {
            return Optional.empty();
        }
        Duration day = told ? Duration.between(earlier.wall, wall) : running;
        return Optional.of(day.compareTo(running) > 0 ? day : running);
    }
}
