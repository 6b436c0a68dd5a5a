package io.flannelj.lease;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One node's claim on its subnets.
 *
 * @param subnets what is leased
 * @param attributes what the node says of itself
 * @param expiresAt when the store takes it back unless renewed; null for a reservation, which never ends
 */
public record Lease(
        PodSubnets subnets,
        LeaseAttributes attributes,
        @Nullable Instant expiresAt) {}
