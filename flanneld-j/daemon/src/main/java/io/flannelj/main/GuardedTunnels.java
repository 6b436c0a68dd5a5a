package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.TunnelSenders;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the packet filter's rules guard, as it was at one moment.
 *
 * @param devices that pod traffic to other nodes leaves by; none where another program brings the routes
 * @param endpoints where tunnel packets arrive, on this node or on others
 * @param spokenByUs those of them that this process sends to by itself
 * @param uncheckedSources what peers may send from where the kernel carries packets
 * @param uncheckedTunnels who may send to the tunnels that the kernel unwraps
 * @param nodes public addresses of the other nodes
 */
record GuardedTunnels(
        List<String> devices,
        List<TunnelEndpoint> endpoints,
        List<TunnelEndpoint> spokenByUs,
        List<PeerSource> uncheckedSources,
        List<TunnelSenders> uncheckedTunnels,
        List<IpAddress> nodes) {
    /**
     * Reads it off a backend; on the control thread.
     *
     * @param newest network config that the store has: nodes that have started with it speak its tunnel, and take tunnel packets
     *     from all of this node's addresses
     */
    static GuardedTunnels of(Backend backend, NetworkConfig newest, Collection<Lease> peers) {
        return new GuardedTunnels(
                backend.deviceNames(),
                Stream.concat(backend.endpoints().stream(), newest.backend().endpoint().stream())
                        .distinct()
                        .toList(),
                backend.spokenByUs(),
                backend.uncheckedSources(),
                backend.uncheckedTunnels(),
                peers.stream()
                        .flatMap(peer -> peer.attributes().publicIps().values().stream())
                        .toList());
    }

    /** Whether the kernel carries packets that nobody checks but the packet filter. */
    boolean hasUnchecked() {
        return !uncheckedSources.isEmpty() || !uncheckedTunnels.isEmpty();
    }
}
