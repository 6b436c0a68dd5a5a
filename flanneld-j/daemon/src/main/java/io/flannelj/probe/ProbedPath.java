package io.flannelj.probe;

import java.util.EnumSet;
import java.util.Set;

/**
 * A path that is to be probed.
 *
 * @param mtuBytes of the tunnel: the longest inner packet that is ever sent there
 * @param leastMtuBytes below which the path's own is not looked for
 * @param features that are used there, and can be left off
 */
public record ProbedPath(PathKey key, int mtuBytes, int leastMtuBytes, Set<Feature> features) {
    public ProbedPath {
        features = Set.copyOf(features);
    }

    /** The same where a feature is not used. */
    public ProbedPath without(Feature feature) {
        Set<Feature> others = EnumSet.allOf(Feature.class);
        others.remove(feature);
        others.retainAll(features);
        return new ProbedPath(key, mtuBytes, leastMtuBytes, others);
    }

    /** Whether a feature is used there. */
    boolean uses(Feature feature) {
        return features.contains(feature);
    }
}
