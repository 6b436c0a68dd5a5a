package io.flannelj.probe;

import io.flannelj.probe.PathState.RoundTrip;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Short probes to one peer: round-trip time, loss over the latest of them, and whether the peer answers. That changes only
 * after several of one outcome in a row, so that a lossy path does not flap. An answer that is late corrects the loss.
 */
final class Echoes {
    /** Without an answer for so long, one counts as lost. */
    static final Duration TIMEOUT = Duration.ofSeconds(2);

    static final int WINDOW = 20;
    private static final int LOST_IN_A_ROW = 5;
    private static final int ANSWERED_IN_A_ROW = 3;
    private static final int SLOTS = 64;

    private final Instant[] sentAt = new Instant[SLOTS];
    private final long[] heardAt = new long[SLOTS];
    private long answered;
    private long sent;
    private Reach reach = Reach.UNKNOWN;
    private Instant since;
    private @Nullable RoundTrip roundTrip;

    Echoes(Instant now) {
        this.since = now;
    }

    /**
     * One is sent.
     *
     * @param heard packets that came from the peer until now
     * @return its number
     */
    long send(Instant now, long heard) {
        int slot = slot(sent);
        sentAt[slot] = now;
        heardAt[slot] = heard;
        answered &= ~(1L << slot);
        return sent++;
    }

    /** One was answered; false when that says nothing new. */
    boolean answer(long number, Duration time) {
        long bit = 1L << slot(number);
        if (number < sent - SLOTS || (answered & bit) != 0) {
            return false;
        }
        answered |= bit;
        RoundTrip before = roundTrip;
        roundTrip = before == null
                ? new RoundTrip(time, time, time)
                : new RoundTrip(
                        time,
                        before.smoothed().multipliedBy(7).plus(time).dividedBy(8),
                        time.compareTo(before.least()) < 0 ? time : before.least());
        return true;
    }

    /**
     * What is to be said of the peer now.
     *
     * @param heard packets that came from it until now
     */
    Reach judge(Instant now, long heard) {
        Row row = row(now);
        if (row.lost >= LOST_IN_A_ROW) {
            return heard > heardAt[slot(row.first)] ? Reach.NOT_ANSWERING : Reach.SILENT;
        }
        boolean answers = reach == Reach.UNKNOWN ? answered != 0 : row.answered >= ANSWERED_IN_A_ROW;
        return answers ? Reach.ANSWERING : reach;
    }

    /** Says it from now on. */
    void become(Reach next, Instant now) {
        reach = next;
        since = now;
    }

    /** Whether the latest outcome is not what is said of the peer, so that it should be asked again soon. */
    boolean isInDoubt(Instant now) {
        Row row = row(now);
        return reach == Reach.ANSWERING ? row.lost > 0 : reach == Reach.UNKNOWN || row.answered > 0;
    }

    /** The same outcome, from the newest on; probes that may still be answered are passed over. */
    private Row row(Instant now) {
        Row row = new Row();
        for (long number = sent - 1; number >= Math.max(0, sent - WINDOW); number--) {
            if (isAnswered(number)) {
                if (row.lost > 0) {
                    break;
                }
                row.answered++;
                row.first = number;
            } else if (isDecided(number, now)) {
                if (row.answered > 0) {
                    break;
                }
                row.lost++;
                row.first = number;
            }
        }
        return row;
    }

    private static final class Row {
        private int answered;
        private int lost;
        private long first;
    }

    /** How many of the latest are answered or lost. */
    int decided(Instant now) {
        int decided = 0;
        for (long number = Math.max(0, sent - WINDOW); number < sent; number++) {
            decided += isDecided(number, now) ? 1 : 0;
        }
        return decided;
    }

    /** How many of the latest are lost. */
    int lost(Instant now) {
        int lost = 0;
        for (long number = Math.max(0, sent - WINDOW); number < sent; number++) {
            lost += isDecided(number, now) && !isAnswered(number) ? 1 : 0;
        }
        return lost;
    }

    private boolean isDecided(long number, Instant now) {
        return isAnswered(number) || !sentAt[slot(number)].plus(TIMEOUT).isAfter(now);
    }

    private boolean isAnswered(long number) {
        return (answered >>> slot(number) & 1) != 0;
    }

    private static int slot(long number) {
        return (int) (number % SLOTS);
    }

    Reach reach() {
        return reach;
    }

    Instant since() {
        return since;
    }

    @Nullable
    RoundTrip roundTrip() {
        return roundTrip;
    }
}
