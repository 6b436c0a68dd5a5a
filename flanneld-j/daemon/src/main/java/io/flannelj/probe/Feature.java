package io.flannelj.probe;

import io.flannelj.probe.Probe.Kind;
import java.util.List;

/** What the kernel or the network card does to datagrams on their way out, and may do wrong without saying so. */
public enum Feature {
    /** They cut runs (UDP_SEGMENT). Faults damage some datagrams of a run, most often the last. */
    SEGMENTATION(Kind.SEGMENTED, Kind.SEPARATE, FeatureTrial.TRAIN - 1),
    /** They fill in the outer checksum. Where that is wrong, nothing arrives; so what arrives in part is a path that loses. */
    CHECKSUM(Kind.SEPARATE, Kind.UNSUMMED, 0);

    private final Kind with;
    private final Kind without;
    private final int mostOfDamaged;

    Feature(Kind with, Kind without, int mostOfDamaged) {
        this.with = with;
        this.without = without;
        this.mostOfDamaged = mostOfDamaged;
    }

    /** The train that needs it; no other feature's is sent so. */
    Kind with() {
        return with;
    }

    /** Both trains of a round, the one that needs it first. */
    List<Kind> kinds() {
        return List.of(with, without);
    }

    /**
     * What one round says.
     *
     * @param answered how many datagrams of the train that needs it were answered
     * @param answeredWithout how many of the other
     * @return {@code UNTESTED} where the round says nothing
     */
    FeatureVerdict seen(int answered, int answeredWithout) {
        if (answered == FeatureTrial.TRAIN) {
            return FeatureVerdict.WORKS;
        }
        return answeredWithout == FeatureTrial.TRAIN && answered <= mostOfDamaged
                ? FeatureVerdict.DAMAGES
                : FeatureVerdict.UNTESTED;
    }
}
