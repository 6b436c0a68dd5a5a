package io.flannelj.main;

import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.PodSubnets;

/**
 * What of a session its rules depend on, beside its tunnels.
 *
 * @param subnets this node's own
 */
record RuleScope(NetworkConfig config, PodSubnets subnets, Uplink uplink) {}
