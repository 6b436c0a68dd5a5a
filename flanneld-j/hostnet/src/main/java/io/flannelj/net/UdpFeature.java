package io.flannelj.net;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What the kernel or the network card does to tunnel datagrams on their way out, and may do wrong without saying so. Each can be
 * left off.
 */
public enum UdpFeature {
    /** They cut runs of datagrams (UDP_SEGMENT). */
    SEGMENTATION,
    /** They fill in the outer checksum; over IPv4 datagrams can do without. */
    CHECKSUM;

    public static final Set<UdpFeature> ALL = where(feature -> true);

    /** Those that the predicate holds for, in the order in which they are declared. */
    public static Set<UdpFeature> where(Predicate<UdpFeature> holds) {
        Set<UdpFeature> features = EnumSet.allOf(UdpFeature.class);
        features.removeIf(holds.negate());
        return Collections.unmodifiableSet(features);
    }
}
