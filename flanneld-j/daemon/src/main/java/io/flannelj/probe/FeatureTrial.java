package io.flannelj.probe;

import io.flannelj.net.UdpFeature;
import io.flannelj.probe.Probe.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Whether datagrams to one peer arrive when a feature is used: every minute a train that needs it, and the same train without it.
 * Six rounds in a row in which the first alone has losses condemn the feature; three in which it has none acquit it. A round that
 * loses some of both says that the path loses, and the counting begins again.
 */
final class FeatureTrial {
    /** Datagrams in a train. */
    static final int TRAIN = 4;

    private static final int ROUNDS_TO_CONDEMN = 6;
    private static final int ROUNDS_TO_ACQUIT = 3;
    private static final Duration EVERY = Duration.ofSeconds(45); // with six rounds that is a minute
    private static final Duration BETWEEN_ROUNDS = Duration.ofSeconds(1);
    private static final Duration AFTER_NOTHING = Duration.ofSeconds(5);
    private static final int LONGEST_AFTER_NOTHING = 6;

    private final UdpFeature feature;
    private FeatureVerdict verdict = FeatureVerdict.UNTESTED;
    private Instant since;
    private Instant due;
    private int against;
    private int nothings;

    FeatureTrial(UdpFeature feature, Instant now) {
        this.feature = feature;
        this.since = now;
        this.due = now;
    }

    /** Both trains of a round, the one that needs the feature first; no other feature's is sent so. */
    static List<Kind> kinds(UdpFeature feature) {
        return switch (feature) {
            case SEGMENTATION -> List.of(Kind.SEGMENTED, Kind.SEPARATE);
            case CHECKSUM -> List.of(Kind.SEPARATE, Kind.UNSUMMED);
        };
    }

    Instant due() {
        return due;
    }

    FeatureVerdict verdict() {
        return verdict;
    }

    Instant since() {
        return since;
    }

    /**
     * A round is over.
     *
     * @param answered how many datagrams of the train that needs the feature were answered
     * @param answeredWithout how many of the other
     * @return whether the verdict has changed
     */
    boolean conclude(int answered, int answeredWithout, Instant now) {
        FeatureVerdict seen = seen(answered, answeredWithout);
        if (seen == FeatureVerdict.UNTESTED) {
            against = 0;
            nothings = Math.min(nothings + 1, LONGEST_AFTER_NOTHING);
            due = now.plus(AFTER_NOTHING.multipliedBy(nothings));
            return false;
        }
        nothings = 0;
        due = now.plus(EVERY);
        if (seen == verdict) {
            against = 0;
            return false;
        }
        against++;
        int rounds = seen == FeatureVerdict.DAMAGES ? ROUNDS_TO_CONDEMN : ROUNDS_TO_ACQUIT;
        if (against < rounds && !(verdict == FeatureVerdict.UNTESTED && seen == FeatureVerdict.WORKS)) {
            due = now.plus(BETWEEN_ROUNDS);
            return false;
        }
        against = 0;
        verdict = seen;
        since = now;
        return true;
    }

    /** What one round says; {@code UNTESTED} where it says nothing. */
    private FeatureVerdict seen(int answered, int answeredWithout) {
        if (answered == TRAIN) {
            return FeatureVerdict.WORKS;
        }
        int mostOfDamaged = switch (feature) {
            case SEGMENTATION -> TRAIN - 1; // faults damage some datagrams of a run, most often the last
            case CHECKSUM -> 0; // where it is wrong, nothing arrives; so what arrives in part is a path that loses
        };
        return answeredWithout == TRAIN && answered <= mostOfDamaged ? FeatureVerdict.DAMAGES : FeatureVerdict.UNTESTED;
    }

    /** There was no round: it is no time for one. */
    void postpone(Instant until) {
        due = until;
    }

    /** Something has changed, so that a round may say more than the latest did. */
    void hurry(Instant now) {
        nothings = 0;
        due = now;
    }
}
