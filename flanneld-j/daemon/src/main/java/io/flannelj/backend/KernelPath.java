package io.flannelj.backend;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Route;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

/**
 * A way to a peer's pods that the kernel carries by itself: what is sent there from this node takes it as pods' packets do.
 *
 * @param device that packets leave by: the kernel's tunnel, or the uplink
 * @param subnet the peer's lease
 * @param node the peer's address on the underlay
 * @param mtuBytes of the device
 */
public record KernelPath(Kind kind, String device, Cidr subnet, IpAddress node, int mtuBytes) {
    /** What leads there. */
    public enum Kind {
        /** A tunnel device of the kernel's; the peer's has the first address of its subnet. */
        TUNNEL,
        /** A route with the peer as the gateway. */
        PLAIN_ROUTE
    }

    /** Those of the routes that name the peer as the gateway behind the uplink. */
    public static List<KernelPath> among(Collection<Route> routes, Uplink uplink) {
        return routes.stream()
                .filter(route -> route.linkIndex() == uplink.index() && route.gateway() != null)
                .map(route -> new KernelPath(
                        Kind.PLAIN_ROUTE,
                        uplink.name(),
                        route.destination(),
                        Objects.requireNonNull(route.gateway()),
                        uplink.mtuBytes()))
                .toList();
    }
}
