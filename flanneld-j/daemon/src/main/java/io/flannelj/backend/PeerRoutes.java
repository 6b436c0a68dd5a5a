package io.flannelj.backend;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The kernel's routes to peers' subnets, kept as they shall be: what is missing is added, what goes another way is
 * replaced, and what nobody wants any more is removed, also what an earlier run left. Nothing is remembered; the kernel
 * is asked each time.
 *
 * <p>Confined to the control thread.
 */
public final class PeerRoutes {
    private final Routes routes;
    private final PodDestinations destinations;
    private final Uplink uplink;

    /**
     * @param destinations where peers' pods can be; routes to elsewhere are never touched
     */
    public PeerRoutes(NetlinkSocket netlink, PodDestinations destinations, Uplink uplink) {
        this.routes = new Routes(netlink);
        this.destinations = destinations;
        this.uplink = uplink;
    }

    /** Whether a peer's pods can be there. */
    public boolean cover(Cidr destination) {
        return destinations.cover(destination);
    }

    /**
     * The plain route to a node's subnet, when the kernel would reach the node through our uplink without any router;
     * else empty.
     */
    public Optional<Route> direct(Cidr subnet, IpAddress node) {
        try {
            Route way = routes.lookup(node);
            return way.gateway() == null && way.linkIndex() == uplink.index()
                    ? Optional.of(Route.via(subnet, node, uplink.index()))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // no way there at all
        }
    }

    /**
     * Makes the routes through gateways within the pod networks what they shall be.
     *
     * @param wanted the routes, each to a subnet of its own
     * @param links whose routes are ours to remove when they are not wanted
     * @throws IOException when the kernel refused one; all others are in force
     */
    public void reconcile(Collection<Route> wanted, Set<Integer> links) throws IOException {
        Map<Cidr, Route> missing = new HashMap<>();
        wanted.forEach(route -> missing.put(route.destination(), route));
        List<Route> stale = new ArrayList<>();
        for (Route present : routes.list()) {
            Route route = missing.get(present.destination());
            if (route != null && isSame(route, present)) {
                if (present.protocol() != Route.PROTOCOL_BOOT) { // else it becomes ours
                    missing.remove(present.destination());
                }
            } else if (route == null
                    && mayBeOurs(present)
                    && links.contains(present.linkIndex())
                    && isUnwanted(present, wanted)) {
                stale.add(present);
            }
        }
        BestEffort attempts = new BestEffort();
        stale.forEach(route -> attempts.run(() -> routes.delete(route)));
        missing.values()
                .forEach(route -> attempts.run(() -> {
                    destinations.require(route.destination());
                    routes.replace(route.withOurProtocol());
                }));
        attempts.throwIfAny();
    }

    /** Strictly within a pod network and through another node: such routes are ours, or flannel's, which has no number. */
    private boolean mayBeOurs(Route route) {
        return (route.isOurs() || route.protocol() == Route.PROTOCOL_BOOT)
                && route.gateway() != null
                && destinations.isInNetwork(route.destination());
    }

    private static boolean isUnwanted(Route present, Collection<Route> wanted) {
        return wanted.stream().noneMatch(route -> isSame(route, present));
    }

    private static boolean isSame(Route a, Route b) {
        return a.destination().equals(b.destination())
                && a.linkIndex() == b.linkIndex()
                && Objects.equals(a.gateway(), b.gateway());
    }
}
