package io.flannelj.backend.hostgw;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.Uplink;
import io.flannelj.datapath.Datapath;
import io.flannelj.lease.Lease;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the kernel's routes to peers as the leases want them. Each {@link #apply} reads what is there, adds what is
 * missing, replaces what goes another way, and removes routes inside the pod network through our uplink that no lease
 * wants any more, also those that an earlier life left.
 *
 * <p>Confined to the control thread.
 */
final class HostGwBackend implements Backend {
    private static final Logger log = LoggerFactory.getLogger(HostGwBackend.class);

    private final NetlinkSocket netlink;
    private final Routes routes;
    private final Cidr network;
    private final Uplink uplink;

    HostGwBackend(NetlinkSocket netlink, Cidr network, Uplink uplink) {
        this.netlink = netlink;
        this.routes = new Routes(netlink);
        this.network = network;
        this.uplink = uplink;
    }

    @Override
    public String deviceName() {
        return uplink.name();
    }

    @Override
    public int podMtuBytes() {
        return uplink.mtuBytes();
    }

    @Override
    public void apply(Collection<Lease> peers) throws IOException {
        Map<Cidr, IpAddress> wanted = new HashMap<>();
        for (Lease lease : peers) {
            Cidr subnet = lease.subnets().ipv4();
            IpAddress address = lease.attributes().publicIpv4();
            if (subnet != null
                    && address != null
                    && lease.attributes().backendType().equals(HostGwProvider.TYPE)) {
                wanted.put(subnet, address);
            }
        }
        reconcile(wanted);
    }

    private void reconcile(Map<Cidr, IpAddress> wanted) throws IOException {
        Map<Cidr, IpAddress> missing = new HashMap<>(wanted);
        IOException firstFailure = null;
        for (Route route : routes.list()) {
            if (!isOurs(route)) {
                continue;
            }
            IpAddress gateway = wanted.get(route.destination());
            if (gateway == null) {
                firstFailure = attempt(firstFailure, () -> routes.delete(route));
            } else if (Objects.equals(gateway, route.gateway())) {
                missing.remove(route.destination());
            }
        }
        for (Map.Entry<Cidr, IpAddress> entry : missing.entrySet()) {
            Route route = Route.via(entry.getKey(), entry.getValue(), uplink.index());
            firstFailure = attempt(firstFailure, () -> routes.replace(route));
        }
        if (firstFailure != null) {
            throw firstFailure;
        }
    }

    /** Within the pod network and through our uplink: nobody but this backend makes such routes. */
    private boolean isOurs(Route route) {
        return route.gateway() != null
                && route.linkIndex() == uplink.index()
                && network.contains(route.destination())
                && !network.equals(route.destination());
    }

    private interface Step {
        void run() throws IOException;
    }

    /** One peer that cannot be reached must not keep the others from being routed. */
    private static @Nullable IOException attempt(@Nullable IOException before, Step step) {
        try {
            step.run();
            return before;
        } catch (IOException e) {
            return before == null ? e : before;
        }
    }

    @Override
    public Optional<Datapath> datapath() {
        return Optional.empty();
    }

    @Override
    public void close() {
        try {
            reconcile(Map.of());
        } catch (IOException e) {
            log.warn("routes to peers could not all be removed: {}", e.getMessage());
        }
        netlink.close();
    }
}
