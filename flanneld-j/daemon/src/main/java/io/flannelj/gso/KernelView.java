package io.flannelj.gso;

import io.flannelj.datapath.NextHop;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Neighbor;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.UdpRoute;
import java.util.Map;
import java.util.Optional;

/**
 * What the kernel says of the ways to peers, at one moment.
 *
 * @param uplink that super-packets leave by
 * @param timeToLive of outer packets
 * @param believesTold whether what the kernel was told of a path's MTU counts, as for the socket
 * @param routes by underlay address; nothing for those that the kernel has no route to
 * @param neighbors of the uplink
 */
record KernelView(
        Link uplink,
        int timeToLive,
        boolean believesTold,
        Map<IpAddress, UdpRoute> routes,
        Map<IpAddress, Neighbor> neighbors) {
    private static final long MULTICAST = 1L << 40; // the group bit of a MAC address

    /**
     * The next hop to a peer; empty where the kernel would have to ask for it first, or sends by another link.
     *
     * @param peer its underlay address
     */
    Optional<NextHop> nextHop(IpAddress peer) {
        if (!uplink.isUp() || uplink.mac() == null) {
            return Optional.empty();
        }
        long source = uplink.mac().bits();
        return neighbor(peer)
                .filter(Neighbor::isUsable)
                .flatMap(neighbor -> Optional.ofNullable(neighbor.mac()))
                .filter(mac -> (mac.bits() & MULTICAST) == 0)
                .map(mac -> new NextHop(mac.bits(), source, timeToLive, mtuBytes(peer)));
    }

    private int mtuBytes(IpAddress peer) {
        UdpRoute route = routes.get(peer);
        return believesTold && route != null && route.mtuBytes() > 0
                ? Math.min(route.mtuBytes(), uplink.mtuBytes())
                : uplink.mtuBytes();
    }

    /** The neighbour that packets to a peer go to, in whatever state; empty where the kernel knows none, or another link leads there. */
    Optional<Neighbor> neighbor(IpAddress peer) {
        UdpRoute found = routes.get(peer);
        Route route = found == null ? null : found.route();
        if (route == null || !route.isUnicast() || route.linkIndex() != uplink.index()) {
            return Optional.empty();
        }
        IpAddress gateway = route.gateway();
        return Optional.ofNullable(neighbors.get(gateway == null ? peer : gateway));
    }
}
