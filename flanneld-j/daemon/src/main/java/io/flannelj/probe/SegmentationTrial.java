package io.flannelj.probe;

import java.time.Duration;
import java.time.Instant;

/**
 * Whether runs of datagrams to one peer arrive when the kernel or the card cuts them: every minute a train that is sent so, and
 * the same train sent one by one. Six rounds in a row in which datagrams of the first alone are lost condemn segmentation;
 * three in which none is lost acquit it. A round that loses some of both says that the path loses, and the counting begins again.
 */
final class SegmentationTrial {
    /** Datagrams in a train. */
    static final int TRAIN = 4;

    private static final int ROUNDS_TO_CONDEMN = 6;
    private static final int ROUNDS_TO_ACQUIT = 3;
    private static final Duration EVERY = Duration.ofSeconds(45); // with six rounds that is a minute
    private static final Duration BETWEEN_ROUNDS = Duration.ofSeconds(1);
    private static final Duration AFTER_NOTHING = Duration.ofSeconds(5);

    private SegmentationVerdict verdict = SegmentationVerdict.UNTESTED;
    private Instant since;
    private Instant due;
    private int against;

    SegmentationTrial(Instant now) {
        this.since = now;
        this.due = now;
    }

    Instant due() {
        return due;
    }

    SegmentationVerdict verdict() {
        return verdict;
    }

    Instant since() {
        return since;
    }

    /**
     * A round is over.
     *
     * @param segmented how many datagrams of the segmented train were answered
     * @param separate how many of the other
     * @return whether the verdict has changed
     */
    boolean conclude(int segmented, int separate, Instant now) {
        due = now.plus(EVERY);
        SegmentationVerdict seen;
        if (segmented == TRAIN) {
            seen = SegmentationVerdict.WORKS;
        } else if (separate == TRAIN) {
            seen = SegmentationVerdict.DAMAGES;
        } else {
            against = 0;
            due = now.plus(AFTER_NOTHING);
            return false;
        }
        if (seen == verdict) {
            against = 0;
            return false;
        }
        against++;
        int rounds = seen == SegmentationVerdict.DAMAGES ? ROUNDS_TO_CONDEMN : ROUNDS_TO_ACQUIT;
        if (against < rounds && !(verdict == SegmentationVerdict.UNTESTED && seen == SegmentationVerdict.WORKS)) {
            due = now.plus(BETWEEN_ROUNDS);
            return false;
        }
        against = 0;
        verdict = seen;
        since = now;
        return true;
    }

    /** There was no round: it is no time for one. */
    void postpone(Instant until) {
        due = until;
    }
}
