package io.flannelj.probe;

import io.flannelj.net.UdpFeature;
import io.flannelj.probe.PathState.RoundTrip;
import io.flannelj.probe.Probe.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All probes of one path: short ones all the time, and one trial at a time beside them: of a length, or of a feature. A
 * trial sends what it tries together with what must arrive for the outcome to count.
 */
final class PathProbes {
    private static final Duration MIN_WAIT = Duration.ofMillis(300);
    private static final Duration MAX_WAIT = Duration.ofSeconds(1);
    private static final Duration AFTER_REFUSAL = Duration.ofMinutes(1);
    private static final Duration AFTER_NOTHING = Duration.ofSeconds(3);
    private static final Duration WITHOUT_CHECKSUMS = Duration.ofMinutes(1);

    private final long number;
    private final ProbedPath path;
    private final Echoes echoes;
    private final PathMtu mtu;
    private final Map<UdpFeature, FeatureTrial> features = new EnumMap<>(UdpFeature.class);
    private @Nullable Trial trial;

    /** What was sent and may still be answered. */
    private static final class Trial {
        private final Kind kind;
        private final @Nullable UdpFeature feature;
        private final Instant begun;
        private final Instant ends;
        private int answered;
        private int companions;

        Trial(Kind kind, @Nullable UdpFeature feature, Instant begun, Instant ends) {
            this.kind = kind;
            this.feature = feature;
            this.begun = begun;
            this.ends = ends;
        }

        boolean isComplete() {
            return kind == Kind.WHOLE
                    ? answered == 1
                    : answered == FeatureTrial.TRAIN && companions == FeatureTrial.TRAIN;
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
        for (UdpFeature feature : UdpFeature.ALL) {
            features.put(feature, new FeatureTrial(feature, now));
        }
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

    /** From now on this is said of the peer. */
    void become(Reach reach, Instant now) {
        echoes.become(reach, now);
        if (reach != Reach.ANSWERING) {
            trialOf(UdpFeature.CHECKSUM).hurry(now);
        }
    }

    /** When a trial is to begin or to end; {@link Instant#MAX} where there is nothing to try. */
    Instant trialDue(Instant now) {
        if (trial != null) {
            return trial.isComplete() ? now : trial.ends;
        }
        if (path.key().carriedBy() == CarriedBy.KERNEL) {
            return Instant.MAX;
        }
        Instant length = isAnswering() ? mtu.due() : Instant.MAX;
        return triedFeatures()
                .map(feature -> trialOf(feature).due())
                .reduce(length, (first, other) -> other.isBefore(first) ? other : first);
    }

    private boolean isAnswering() {
        return echoes.reach() == Reach.ANSWERING;
    }

    private FeatureTrial trialOf(UdpFeature feature) {
        return Objects.requireNonNull(features.get(feature), "it has all");
    }

    private boolean isDamaging(UdpFeature feature) {
        return trialOf(feature).verdict() == FeatureVerdict.DAMAGES;
    }

    private Stream<UdpFeature> triedFeatures() {
        return features.keySet().stream().filter(feature -> path.uses(feature) && isTried(feature));
    }

    private boolean isTried(UdpFeature feature) {
        return switch (feature) {
            case SEGMENTATION -> isAnswering() && !isDamaging(UdpFeature.CHECKSUM); // a run needs checksums
            case CHECKSUM ->
                isAnswering()
                        ? trialOf(feature).verdict()
                                != FeatureVerdict.WORKS // else each short probe that is answered tries it
                        : echoes.reach() != Reach.UNKNOWN;
        };
    }

    /** Ends the trial whose time is over; whether that changed what is known. */
    boolean conclude(Instant now) {
        Trial over = trial;
        if (over == null || (!over.isComplete() && now.isBefore(over.ends))) {
            return false;
        }
        trial = null;
        if (over.feature != null) {
            return trialOf(over.feature).conclude(over.answered, over.companions, now);
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
        if (trial != null) {
            return null;
        }
        if (isAnswering() && !mtu.due().isAfter(now)) {
            return begin(Kind.WHOLE, null, now);
        }
        return triedFeatures()
                .filter(feature -> !trialOf(feature).due().isAfter(now))
                .findFirst()
                .map(feature -> begin(FeatureTrial.kinds(feature).get(0), feature, now))
                .orElse(null);
    }

    private Kind begin(Kind kind, @Nullable UdpFeature feature, Instant now) {
        trial = new Trial(kind, feature, now, now.plus(patience()));
        return kind;
    }

    private Duration patience() {
        RoundTrip time = echoes.roundTrip();
        Duration wait = time == null ? MAX_WAIT : time.smoothed().multipliedBy(4);
        return wait.compareTo(MIN_WAIT) < 0 ? MIN_WAIT : wait.compareTo(MAX_WAIT) > 0 ? MAX_WAIT : wait;
    }

    /** Length of what is tried. */
    int trialBytes(Kind kind) {
        if (!isAnswering()) {
            return ProbeMachine.ECHO_BYTES; // what its length may lose is another question
        }
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
            trialOf(UdpFeature.SEGMENTATION).postpone(now.plus(AFTER_REFUSAL)); // who sends data finds that out, too
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
                trialOf(UdpFeature.SEGMENTATION).verdict(),
                trialOf(UdpFeature.SEGMENTATION).since(),
                trialOf(UdpFeature.CHECKSUM).verdict(),
                trialOf(UdpFeature.CHECKSUM).since(),
                isSummed(now));
    }

    /**
     * Whether packets to it get an outer checksum. They get none either for as long as nothing comes from the peer, and for a
     * minute where it does not answer: where both directions damage checksums, answers arrive only so.
     */
    private boolean isSummed(Instant now) {
        if (!path.uses(UdpFeature.CHECKSUM)) {
            return true;
        }
        return !isDamaging(UdpFeature.CHECKSUM)
                && switch (echoes.reach()) {
                    case UNKNOWN, ANSWERING -> true;
                    case SILENT -> false;
                    case NOT_ANSWERING ->
                        !echoes.since().plus(WITHOUT_CHECKSUMS).isAfter(now);
                };
    }

    /** Kinds that a trial sends, in this order. */
    static List<Kind> kinds(Kind first) {
        return UdpFeature.ALL.stream()
                .map(FeatureTrial::kinds)
                .filter(kinds -> kinds.get(0) == first)
                .findFirst()
                .orElse(List.of(Kind.WHOLE, Kind.ECHO));
    }
}
