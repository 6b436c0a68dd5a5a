package io.flannelj.backend.hostgw;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Unreachable;
import io.flannelj.backend.Uplink;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PeerSource;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Keeps the kernel's routes to peers as the leases want them. Confined to the control thread. */
final class HostGwBackend implements Backend {
    private final NetlinkSocket netlink;
    private final PeerRoutes routes;
    private final Uplink uplink;
    private List<PeerSource> sources = List.of();
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
                add(wanted, lease.subnets().ipv4(), lease.attributes().publicIpv4());
                add(wanted, lease.subnets().ipv6(), lease.attributes().publicIpv6());
            }
        }
        sources = wanted.stream()
                .map(route -> new PeerSource(uplink.name(), null, route.destination()))
                .toList();
        unreachable = Unreachable.among(
                peers,
                HostGwProvider.TYPE,
                lease -> lease.attributes().backendType().equals(HostGwProvider.TYPE));
        routes.reconcile(wanted, Set.of(uplink.index()));
    }

    @Override
    public Map<PodSubnets, String> unreachable() {
        return unreachable;
    }

    private void add(List<Route> wanted, @Nullable Cidr subnet, @Nullable IpAddress node) {
        if (subnet != null && node != null) {
            wanted.add(Route.via(subnet, node, uplink.index()));
        }
    }

    @Override
    public void close() {
        netlink.close();
    }
}
