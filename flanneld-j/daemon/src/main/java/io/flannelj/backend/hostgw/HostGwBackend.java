package io.flannelj.backend.hostgw;

import io.flannelj.backend.Backend;
import io.flannelj.backend.KernelPath;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Unreachable;
import io.flannelj.backend.Uplink;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PeerSource;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Keeps the kernel's routes to peers as the leases want them. Confined to the control thread. */
final class HostGwBackend implements Backend {
    private final NetlinkSocket netlink;
    private final PeerRoutes routes;
    private final Uplink uplink;
    private List<PeerSource> sources = List.of();
    private List<KernelPath> paths = List.of();
    private volatile Map<PodSubnets, String> unreachable = Map.of();

    HostGwBackend(NetlinkSocket netlink, PodDestinations destinations, Uplink uplink) {
        this.netlink = netlink;
        this.routes = new PeerRoutes(netlink, destinations, uplink);
        this.uplink = uplink;
    }

    @Override
    public List<String> deviceNames() {
        return List.of(uplink.name());
    }

    @Override
    public List<PeerSource> uncheckedSources() {
        return sources;
    }

    @Override
    public int podMtuBytes() {
        return uplink.mtuBytes();
    }

    @Override
    public void apply(Collection<Lease> peers) throws IOException {
        List<Route> wanted = new ArrayList<>();
        for (Lease lease : peers) {
            if (lease.attributes().backendType().equals(HostGwProvider.TYPE)) {
                for (IpFamily family : IpFamily.values()) {
                    lease.side(family)
                            .ifPresent(side -> wanted.add(Route.via(side.subnet(), side.node(), uplink.index())));
                }
            }
        }
        sources = wanted.stream()
                .map(route -> new PeerSource(uplink.name(), null, route.destination()))
                .toList();
        paths = KernelPath.among(wanted, uplink);
        unreachable = Unreachable.among(
                peers,
                HostGwProvider.TYPE,
                lease -> lease.attributes().backendType().equals(HostGwProvider.TYPE));
        routes.reconcile(wanted, Set.of(uplink.index()));
    }

    @Override
    public List<KernelPath> kernelPaths() {
        return paths;
    }

    @Override
    public Map<PodSubnets, String> unreachable() {
        return unreachable;
    }

    @Override
    public void close() {
        netlink.close();
    }
}
