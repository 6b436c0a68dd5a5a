package io.flannelj.probe;

import io.flannelj.probe.PathState.RoundTrip;
import io.flannelj.probe.Probe.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All probes of one path: short ones all the time, and one trial at a time beside them: of a length, or of segmentation. A
 * trial sends what it tries together with what must arrive for the outcome to count.
 */
final class PathProbes {
    private static final Duration MIN_WAIT = Duration.ofMillis(300);
    private static final Duration MAX_WAIT = Duration.ofSeconds(1);
    private static final Duration AFTER_REFUSAL = Duration.ofMinutes(1);
    private static final Duration AFTER_NOTHING = Duration.ofSeconds(3);

    private final long number;
    private final ProbedPath path;
    private final Echoes echoes;
    private final PathMtu mtu;
    private final SegmentationTrial segmentation;
    private @Nullable Trial trial;

    /** What was sent and may still be answered. */
    private static final class Trial {
        private final Kind kind;
        private final Instant begun;
        private final Instant ends;
        private int answered;
        private int companions;

        Trial(Kind kind, Instant begun, Instant ends) {
            this.kind = kind;
            this.begun = begun;
            this.ends = ends;
        }

        boolean isComplete() {
            return kind == Kind.WHOLE
                    ? answered == 1
                    : answered == SegmentationTrial.TRAIN && companions == SegmentationTrial.TRAIN;
        }
    }

    /**
     * @param number that no other path has
     */
    PathProbes(long number, ProbedPath path, Instant now) {
        this.number = number;
        this.path = path;
        this.echoes = new Echoes(now);
        this.mtu = new PathMtu(path.leastMtuBytes(), path.mtuBytes(), now);
        this.segmentation = new SegmentationTrial(now);
    }

    long number() {
        return number;
    }

    ProbedPath path() {
        return path;
    }

    Echoes echoes() {
        return echoes;
    }

    /** When a trial is to begin or to end; {@link Instant#MAX} while the peer does not answer, or the kernel carries. */
    Instant trialDue(Instant now) {
        if (trial != null) {
            return trial.isComplete() ? now : trial.ends;
        }
        if (echoes.reach() != Reach.ANSWERING || path.key().carriedBy() == CarriedBy.KERNEL) {
            return Instant.MAX;
        }
        return path.isSegmented() && segmentation.due().isBefore(mtu.due()) ? segmentation.due() : mtu.due();
    }

    /** Ends the trial whose time is over; whether that changed what is known. */
    boolean conclude(Instant now) {
        Trial over = trial;
        if (over == null || (!over.isComplete() && now.isBefore(over.ends))) {
            return false;
        }
        trial = null;
        if (over.kind == Kind.SEGMENTED) {
            return segmentation.conclude(over.answered, over.companions, now);
        }
        int before = mtu.found();
        if (over.answered > 0) {
            mtu.fits(now);
        } else if (over.companions > 0) {
            mtu.isLost(now);
        } else {
            mtu.isUnclear(now, AFTER_NOTHING);
        }
        return mtu.found() != before;
    }

    /** What a trial that is to begin now sends first; null when none is. The second follows from it. */
    @Nullable
    Kind begin(Instant now) {
        if (trial != null || echoes.reach() != Reach.ANSWERING) {
            return null;
        }
        Kind kind = !mtu.due().isAfter(now)
                ? Kind.WHOLE
                : path.isSegmented() && !segmentation.due().isAfter(now) ? Kind.SEGMENTED : null;
        if (kind != null) {
            trial = new Trial(kind, now, now.plus(patience()));
        }
        return kind;
    }

    private Duration patience() {
        RoundTrip time = echoes.roundTrip();
        Duration wait = time == null ? MAX_WAIT : time.smoothed().multipliedBy(4);
        return wait.compareTo(MIN_WAIT) < 0 ? MIN_WAIT : wait.compareTo(MAX_WAIT) > 0 ? MAX_WAIT : wait;
    }

    /** Length of what is tried. */
    int trialBytes(Kind kind) {
        return kind == Kind.WHOLE ? mtu.candidate() : mtu.found() > 0 ? mtu.found() : path.mtuBytes();
    }

    /** A datagram was answered that was sent then. */
    void answered(Kind kind, Instant sentAt) {
        if (trial == null || sentAt.isBefore(trial.begun)) {
            return; // of no trial, or too late for it
        }
        if (kind == trial.kind) {
            trial.answered++;
        } else if (kinds(trial.kind).contains(kind)) {
            trial.companions++;
        }
    }

    /** This node itself cannot send what is tried. */
    void isRefused(Instant now) {
        if (trial == null) {
            return;
        }
        if (trial.kind == Kind.WHOLE) {
            mtu.isTooLong(now);
        } else {
            segmentation.postpone(now.plus(AFTER_REFUSAL)); // who sends data finds that out, too
        }
        trial = null;
    }

    /** This node was told that some packet was too big for some path. */
    void isTold(Instant now) {
        mtu.isTold(now);
    }

    /** Whether it takes more than what must pass in any case, as far as is known, or there is nobody. */
    boolean isWide() {
        return echoes.reach() != Reach.ANSWERING || mtu.found() > path.leastMtuBytes() && !mtu.isInDoubt();
    }

    PathState state(Instant now) {
        return new PathState(
                path.key(),
                echoes.reach(),
                echoes.since(),
                echoes.roundTrip(),
                echoes.decided(now),
                echoes.lost(now),
                mtu.found(),
                path.mtuBytes(),
                segmentation.verdict(),
                segmentation.since());
    }

    /** Kinds that a trial sends, in this order. */
    static List<Kind> kinds(Kind first) {
        return first == Kind.WHOLE ? List.of(Kind.WHOLE, Kind.ECHO) : List.of(Kind.SEGMENTED, Kind.SEPARATE);
    }
}
