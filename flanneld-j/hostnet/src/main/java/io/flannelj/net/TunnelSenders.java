package io.flannelj.net;

import java.util.List;

/**
 * Who sends to a tunnel that the kernel unwraps.
 *
 * @param endpoint where its packets arrive
 * @param vni of VXLAN; 0 for what has none
 * @param nodes underlay addresses of the peers
 */
public record TunnelSenders(TunnelEndpoint endpoint, int vni, List<IpAddress> nodes) {
    public TunnelSenders {
        nodes = List.copyOf(nodes);
    }
}
