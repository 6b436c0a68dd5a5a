package io.flannelj.lease.machine;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.PodSubnets;
import org.jspecify.annotations.Nullable;

/**
 * The lease that is wanted.
 *
 * @param attributes what this node tells the others
 * @param previous subnets of the previous run, taken again where they are free; null when there was none
 * @param saved the lease of the previous run, for when the store does not answer; null when there is none
 * @param assigned whether the store gives nodes their subnets
 */
public record Goal(
        NetworkConfig config,
        LeaseAttributes attributes,
        @Nullable PodSubnets previous,
        @Nullable LeaseCache saved,
        boolean assigned) {
    Goal withAttributes(LeaseAttributes now) {
        return new Goal(config, now, previous, saved, assigned);
    }

    Goal withPrevious(PodSubnets now) {
        return new Goal(config, attributes, now, saved, assigned);
    }
}
