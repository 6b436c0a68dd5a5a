package io.flannelj.net;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who sends to a tunnel that the kernel unwraps.
 *
 * @param endpoint where its packets arrive
 * @param vni of VXLAN; 0 for what has none
 * @param senders the peers
 */
public record TunnelSenders(TunnelEndpoint endpoint, int vni, List<Sender> senders) {
    public TunnelSenders {
        senders = List.copyOf(senders);
    }

    /**
     * A peer.
     *
     * @param node its underlay address
     * @param mac that its inner packets bear; null where those are no frames
     */
    public record Sender(IpAddress node, @Nullable MacAddress mac) {}
}
