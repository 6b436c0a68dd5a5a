package io.flannelj.lease;

import io.flannelj.net.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * What the store knows of this node before it holds a lease.
 *
 * @param publicIpv4 the address that peers shall send to, where an operator wrote it there; overrides {@code --public-ip}
 * @param publicIpv6 the same for IPv6
 * @param earlier what an earlier life told the peers; null when nothing is known
 */
public record NodeNotes(
        @Nullable IpAddress publicIpv4,
        @Nullable IpAddress publicIpv6,
        @Nullable LeaseAttributes earlier) {
    public static final NodeNotes NONE = new NodeNotes(null, null, null);
}
