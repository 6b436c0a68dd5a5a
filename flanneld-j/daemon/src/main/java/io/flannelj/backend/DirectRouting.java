package io.flannelj.backend;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.datapath.Datapath;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A tunnel, and plain routes beside it to the peers that need none: those that the uplink reaches without a router. The
 * routes are more specific than the tunnel's, so they win. The tunnel knows all peers all the same, since one that does
 * not route directly still sends by it. Where no peer shall be routed directly, what an earlier life with other options
 * left goes.
 */
public final class DirectRouting implements Backend {
    private static final Logger log = LoggerFactory.getLogger(DirectRouting.class);

    private final Backend tunnel;
    private final NetlinkSocket netlink;
    private final PeerRoutes routes;
    private final Uplink uplink;
    private final Predicate<Lease> reachable;

    private DirectRouting(
            Backend tunnel,
            NetlinkSocket netlink,
            PodDestinations destinations,
            Uplink uplink,
            Predicate<Lease> reachable) {
        this.tunnel = tunnel;
        this.netlink = netlink;
        this.routes = new PeerRoutes(netlink, destinations, uplink);
        this.uplink = uplink;
        this.reachable = reachable;
    }

    /** Watches over a started tunnel that shall have no direct routes beside it. */
    public static DirectRouting none(Backend tunnel, PodDestinations destinations, Uplink uplink) throws IOException {
        return beside(tunnel, destinations, uplink, lease -> false);
    }

    /**
     * Puts direct routes beside a started tunnel, which is closed when that fails.
     *
     * @param reachable which leases are of this backend
     */
    public static DirectRouting beside(
            Backend tunnel, PodDestinations destinations, Uplink uplink, Predicate<Lease> reachable)
            throws IOException {
        try {
            return new DirectRouting(tunnel, NetlinkSocket.open(), destinations, uplink, reachable);
        } catch (IOException | RuntimeException e) {
            tunnel.close();
            throw e;
        }
    }

    @Override
    public List<String> deviceNames() {
        return tunnel.deviceNames();
    }

    @Override
    public List<TunnelEndpoint> endpoints() {
        return tunnel.endpoints();
    }

    @Override
    public int podMtuBytes() {
        return tunnel.podMtuBytes();
    }

    @Override
    public void apply(Collection<Lease> peers) throws IOException {
        List<Route> direct = new ArrayList<>();
        for (Lease lease : peers) {
            if (reachable.test(lease)) {
                add(direct, lease.subnets().ipv4(), lease.attributes().publicIpv4());
                add(direct, lease.subnets().ipv6(), lease.attributes().publicIpv6());
            }
        }
        Attempts attempts = new Attempts();
        attempts.run(() -> tunnel.apply(peers));
        attempts.run(() -> routes.reconcile(direct, Set.of(uplink.index())));
        attempts.throwIfAny();
    }

    private void add(List<Route> direct, @Nullable Cidr subnet, @Nullable IpAddress node) {
        if (subnet != null && node != null) {
            routes.direct(subnet, node).ifPresent(direct::add);
        }
    }

    @Override
    public Map<PodSubnets, String> unreachable() {
        return tunnel.unreachable();
    }

    @Override
    public List<Datapath> datapaths() {
        return tunnel.datapaths();
    }

    @Override
    public void close() {
        try {
            routes.reconcile(List.of(), Set.of(uplink.index()));
        } catch (IOException e) {
            log.warn("direct routes could not all be removed: {}", e.getMessage());
        }
        netlink.close();
        tunnel.close();
    }

    @Override
    public void leave() {
        netlink.close();
        tunnel.leave();
    }
}
