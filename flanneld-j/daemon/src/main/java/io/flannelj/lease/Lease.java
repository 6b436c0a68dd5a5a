package io.flannelj.lease;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One node's claim on its subnets.
 *
 * @param subnets what is leased
 * @param attributes what the node says of itself
 * @param expiresAt when the store takes it back unless renewed; null for a reservation, which never ends
 * @param origin where it stands in the store, and since when
 */
public record Lease(
        PodSubnets subnets,
        LeaseAttributes attributes,
        @Nullable Instant expiresAt,
        Origin origin) {

    /** A lease of which nobody knows where it stands in the store. */
    public Lease(PodSubnets subnets, LeaseAttributes attributes, @Nullable Instant expiresAt) {
        this(subnets, attributes, expiresAt, Origin.UNKNOWN);
    }

    /** The same, ending so much later. */
    Lease shifted(Duration by) {
        return expiresAt == null ? this : new Lease(subnets, attributes, expiresAt.plus(by), origin);
    }

    /**
     * What a lease says of one family.
     *
     * @param subnet of the node's pods
     * @param node where peers send to
     */
    public record Side(Cidr subnet, IpAddress node) {}

    /** The part of one family; empty when it lacks the subnet or the address. */
    public Optional<Side> side(IpFamily family) {
        return subnets.get(family)
                .flatMap(subnet -> attributes.publicIps().get(family).map(node -> new Side(subnet, node)));
    }

    /**
     * A place in the store. The age of two leases is the same to every node, whenever it looks.
     *
     * @param key human-readable: a key of etcd, or the name of a Kubernetes node; empty when it is not known
     * @param created orders leases by age, the oldest first: etcd's create revision, which renewals leave as it is; in
     *     Kubernetes the second in which the node was made. 0 when it is not known
     */
    public record Origin(String key, long created) implements Comparable<Origin> {
        public static final Origin UNKNOWN = new Origin("", 0);

        @Override
        public int compareTo(Origin other) {
            int byAge = Long.compare(created, other.created);
            return byAge != 0 ? byAge : key.compareTo(other.key);
        }
    }
}
