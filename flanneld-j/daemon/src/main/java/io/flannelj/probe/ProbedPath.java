package io.flannelj.probe;

import io.flannelj.net.UdpFeature;
import java.util.Set;

/**
 * A path that is to be probed.
 *
 * @param mtuBytes of the tunnel: the longest inner packet that is ever sent there
 * @param leastMtuBytes below which the path's own is not looked for
 * @param features that are used there, and can be left off
 */
public record ProbedPath(PathKey key, int mtuBytes, int leastMtuBytes, Set<UdpFeature> features) {
    public ProbedPath {
        features = Set.copyOf(features);
    }

    /** The same where a feature is not used. */
    public ProbedPath without(UdpFeature feature) {
        return new ProbedPath(key, mtuBytes, leastMtuBytes, UdpFeature.where(each -> each != feature && uses(each)));
    }

    /** Whether a feature is used there. */
    boolean uses(UdpFeature feature) {
        return features.contains(feature);
    }
}
