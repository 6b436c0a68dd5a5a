package io.flannelj.lease;

import io.flannelj.net.IpAddress;
import io.flannelj.net.PerFamily;
import org.jspecify.annotations.Nullable;

/**
 * What the store knows of this node before it holds a lease.
 *
 * @param publicIps the addresses that peers shall send to, where an operator wrote them there; they override {@code --public-ip}
 * @param overwrites the addresses that the store tells peers whatever this node says of itself
 * @param earlier what the previous run told the peers; null when nothing is known
 */
public record NodeNotes(
        PerFamily<IpAddress> publicIps,
        PerFamily<IpAddress> overwrites,
        @Nullable LeaseAttributes earlier) {
    public static final NodeNotes NONE = new NodeNotes(PerFamily.none(), PerFamily.none(), null);
}
