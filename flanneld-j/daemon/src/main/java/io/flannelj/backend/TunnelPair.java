package io.flannelj.backend;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.datapath.Datapath;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.TunnelEndpoint;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A tunnel for each family of a dual-stack network, side by side as flannel has them: IPv4 pods over the IPv4 underlay,
 * IPv6 pods over the IPv6 underlay, each with a device, a socket and a worker of its own, so that neither family waits
 * for the other and nothing on the packet path asks which it is.
 */
public final class TunnelPair implements Backend {
    private final Tunnel ipv4;
    private final Tunnel ipv6;

    private TunnelPair(Tunnel ipv4, Tunnel ipv6) {
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
    }

    /** Starts both, or neither. */
    public static TunnelPair start(Tunnel.Spec ipv4, Tunnel.Spec ipv6, Lease own, Consumer<String> onLost)
            throws IOException {
        Tunnel first = Tunnel.start(ipv4, own, onLost);
        try {
            return new TunnelPair(first, Tunnel.start(ipv6, own, onLost));
        } catch (IOException | RuntimeException e) {
            first.close();
            throw e;
        }
    }

    @Override
    public List<String> deviceNames() {
        return Stream.of(ipv4, ipv6)
                .flatMap(tunnel -> tunnel.deviceNames().stream())
                .toList();
    }

    @Override
    public List<TunnelEndpoint> endpoints() {
        return Stream.of(ipv4, ipv6)
                .flatMap(tunnel -> tunnel.endpoints().stream())
                .distinct()
                .toList();
    }

    /** What both take, since a pod's interface has one MTU for both. */
    @Override
    public int podMtuBytes() {
        return Math.min(ipv4.podMtuBytes(), ipv6.podMtuBytes());
    }

    @Override
    public void apply(Collection<Lease> peers) throws IOException {
        Attempts attempts = new Attempts();
        attempts.run(() -> ipv4.apply(peers));
        attempts.run(() -> ipv6.apply(peers));
        attempts.throwIfAny();
    }

    /** Those that neither reaches: with one of the families a peer is there. */
    @Override
    public Map<PodSubnets, String> unreachable() {
        Map<PodSubnets, String> neither = new HashMap<>(ipv4.unreachable());
        neither.keySet().retainAll(ipv6.unreachable().keySet());
        return neither;
    }

    @Override
    public List<Datapath> datapaths() {
        return Stream.of(ipv4, ipv6)
                .flatMap(tunnel -> tunnel.datapaths().stream())
                .toList();
    }

    @Override
    public void close() {
        ipv4.close();
        ipv6.close();
    }
}
