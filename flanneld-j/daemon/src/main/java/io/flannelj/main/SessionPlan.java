package io.flannelj.main;

import io.flannelj.backend.Prepared;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseCache;
import org.jspecify.annotations.Nullable;

/**
 * What a session is to be made of.
 *
 * @param uplinks finds the uplink anew
 * @param saved the lease and peers of the previous run, where they may still serve; null where they may not
 */
record SessionPlan(
        NetworkConfig config,
        Uplink uplink,
        UplinkWatch.Finder uplinks,
        Prepared prepared,
        @Nullable LeaseCache saved) {}
