package io.flannelj.probe;

import java.time.Duration;
import java.time.Instant;

/**
 * Looks for the longest packet that passes to one peer without being cut, as RFC 8899 has it: padded probes, of which three
 * must be lost, while a short one is answered, before a length counts as too long. The tunnel's whole MTU is tried first,
 * which usually ends the search; else the range is halved. What was found is tried again every minute, and more than that
 * every ten. It takes more to believe that a length has become too long: a queue that is full has room for a short probe sooner
 * than for a long one, and a path that is called narrow by mistake stays so for ten minutes. An ICMP error which says that a
 * packet was too big is no more than a reason to try what was found at once, for anybody can send it.
 */
final class PathMtu {
    private static final int MAX_PROBES = 3; // RFC 8899 §5.1.2, MAX_PROBES
    private static final int MAX_PROBES_AGAIN = 12;
    private static final Duration VERIFY_EVERY = Duration.ofSeconds(60);
    private static final Duration TOLD_EVERY = Duration.ofSeconds(5);
    private static final Duration RAISE_EVERY = Duration.ofMinutes(10); // PMTU_RAISE_TIMER is 600 s

    private final int least;
    private final int most;
    private int low;
    private int high;
    private int candidate;
    private int failures;
    private int found;
    private Instant due;
    private Instant raiseAt;
    private Instant toldAt = Instant.MIN;

    PathMtu(int least, int most, Instant now) {
        this.least = Math.min(least, most);
        this.most = most;
        this.low = this.least;
        this.high = most;
        this.candidate = most;
        this.due = now;
        this.raiseAt = now;
    }

    /** When the next length is to be tried. */
    Instant due() {
        return due;
    }

    /** The length to try now. */
    int candidate() {
        return candidate;
    }

    /** The longest packet that passes; 0 while that is not known. */
    int found() {
        return found;
    }

    /** The probe arrived. */
    void fits(Instant now) {
        failures = 0;
        low = Math.max(low, candidate);
        goOn(now);
    }

    /** The probe was lost, and a short one beside it was not. */
    void isLost(Instant now) {
        failures++;
        if (failures >= (isVerifying() ? MAX_PROBES_AGAIN : MAX_PROBES)) {
            isTooLong(now);
        } else {
            due = now;
        }
    }

    /** Whether it is asked whether what was found still passes. */
    private boolean isVerifying() {
        return found > 0 && candidate == found && low == found;
    }

    /** This node's own uplink takes no such packet, or three were lost. */
    void isTooLong(Instant now) {
        failures = 0;
        if (candidate <= low) {
            low = least; // what passed before does so no longer
        }
        high = Math.max(low, candidate - 1);
        goOn(now);
    }

    /** This node was told that some packet was too big for some path. Within five seconds of such a trial the next one waits. */
    void isTold(Instant now) {
        Instant next = toldAt.plus(TOLD_EVERY);
        Instant soon = now.isBefore(next) ? next : now;
        if (isVerifying() && soon.isBefore(due)) {
            toldAt = soon;
            due = soon;
        }
    }

    /** Whether what was found did not pass lately, and it is not known yet what does. */
    boolean isInDoubt() {
        return low < found || isVerifying() && failures > 0;
    }

    /** Nothing was learnt: the short probe was lost as well, so that the path loses whatever length. */
    void isUnclear(Instant now, Duration wait) {
        failures = 0;
        due = now.plus(wait);
    }

    private void goOn(Instant now) {
        if (low < high) {
            candidate = low + (high - low + 1) / 2;
            due = now;
            return;
        }
        if (found == 0 || found != low) {
            raiseAt = now.plus(RAISE_EVERY);
        }
        found = low;
        due = now.plus(VERIFY_EVERY);
        candidate = found;
        if (found < most && !now.isBefore(raiseAt)) {
            raiseAt = now.plus(RAISE_EVERY);
            high = most;
            candidate = most;
            due = now;
        }
    }
}
