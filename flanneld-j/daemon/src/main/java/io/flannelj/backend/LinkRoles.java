package io.flannelj.backend;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Route;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which of a host's interfaces lead to pods and containers, and which to other nodes. Names in alphabetical order.
 *
 * <p>What is not known to lead to pods may lead to other nodes: their packets may take another way than ours, by a second
 * network card for example. So bridges are pods' unless the underlay is behind them, and any interface is that has a route
 * to a part of this node's subnet. A route to a peer, or one that a router advertised, tells of the underlay only where a wire
 * is: a lease, or a pod, could name any address.
 *
 * @param pods interfaces that pods and other containers are behind; {@code docker0} and {@code cni0} also before they exist
 * @param own interfaces that addresses of this node's subnets come in by
 * @param strict those of them that nothing else is behind: neither a wire nor the underlay
 * @param tunnels tunnel devices, ours and others'
 * @param uplinks the uplink, unless pods are behind it, too
 */
public record LinkRoles(
        List<String> pods, List<String> own, List<String> strict, List<String> tunnels, List<String> uplinks) {
    private static final List<String> USUAL_BRIDGES = List.of("docker0", "cni0");
    private static final Pattern TUNNEL =
            Pattern.compile("flannel(\\d+|\\.\\d+|-v6\\.\\d+|\\.ipip|-wg|-wg-v6)|geneve\\.\\d+");

    private static final Set<String> VIRTUAL = Set.of("veth", "tun");

    /** Whether a device has the name of a tunnel of flannel's or ours. */
    public static boolean isTunnel(String device) {
        return TUNNEL.matcher(device).matches();
    }

    /**
     * Tells them apart.
     *
     * @param own this node's subnets
     * @param tunnelDevices the backend's
     * @param nodes underlay addresses of the other nodes
     */
    public static LinkRoles of(
            List<Link> links,
            List<Route> routes,
            Uplink uplink,
            Collection<Cidr> own,
            Collection<String> tunnelDevices,
            Collection<IpAddress> nodes) {
        Set<Integer> toPods = new HashSet<>();
        Set<Integer> underlay = new HashSet<>(Set.of(uplink.index()));
        Set<Integer> wires = wires(links);
        for (Route route : routes) {
            if (own.stream().anyMatch(subnet -> subnet.contains(route.destination()))) {
                toPods.add(route.linkIndex());
            } else if (route.isDefault() && !route.isAdvertised()
                    || wires.contains(route.linkIndex())
                            && (route.isDefault() || nodes.stream().anyMatch(route.destination()::contains))) {
                underlay.add(route.linkIndex());
            }
        }
        Set<String> tunnels = links.stream()
                .map(Link::name)
                .filter(name -> tunnelDevices.contains(name) || isTunnel(name))
                .filter(name -> !name.equals(uplink.name()))
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> pods = links.stream()
                .filter(link -> link.kind().equals("bridge") || toPods.contains(link.index()))
                .filter(link -> !underlay.contains(link.index()) && !link.isLoopback())
                .map(Link::name)
                .filter(name -> !tunnels.contains(name))
                .collect(Collectors.toCollection(TreeSet::new));
        USUAL_BRIDGES.stream()
                .filter(name ->
                        links.stream().noneMatch(link -> link.name().equals(name) && underlay.contains(link.index())))
                .forEach(pods::add);
        Set<Integer> ownLinks = new HashSet<>(toPods);
        links.stream()
                .filter(leg -> toPods.contains(leg.index()) && leg.kind().equals("veth"))
                .forEach(leg -> bridgeOf(leg, links).ifPresent(ownLinks::add));
        return new LinkRoles(
                List.copyOf(pods),
                names(links, ownLinks, tunnels),
                names(
                        links,
                        toPods.stream()
                                .filter(index -> !wires.contains(index) && !underlay.contains(index))
                                .collect(Collectors.toSet()),
                        tunnels),
                List.copyOf(tunnels),
                toPods.contains(uplink.index()) ? List.of() : List.of(uplink.name()));
    }

    /**
     * The bridges that nobody but this host's containers and virtual machines is behind: they have no wire, and lead nowhere else.
     * By index.
     *
     * @param defaults default routes
     */
    static Set<Integer> containerBridges(List<Link> links, Collection<Route> defaults, Uplink uplink) {
        Set<Integer> wires = wires(links);
        Set<Integer> bridges = links.stream()
                .filter(link -> link.kind().equals("bridge") && !wires.contains(link.index()))
                .map(Link::index)
                .collect(Collectors.toCollection(HashSet::new));
        bridges.remove(uplink.index());
        defaults.stream()
                .filter(route -> !route.isAdvertised())
                .map(Route::linkIndex)
                .forEach(bridges::remove);
        return bridges;
    }

    private static List<String> names(List<Link> links, Set<Integer> indices, Set<String> except) {
        return links.stream()
                .filter(link -> indices.contains(link.index()) && !link.isLoopback())
                .map(Link::name)
                .filter(name -> !except.contains(name))
                .sorted()
                .toList();
    }

    /** Interfaces that other machines may be behind: all but those of containers, and bridges of such alone. */
    private static Set<Integer> wires(List<Link> links) {
        return links.stream()
                .filter(link -> link.kind().equals("bridge")
                        ? links.stream()
                                .anyMatch(port -> port.masterIndex() == link.index() && !VIRTUAL.contains(port.kind()))
                        : !VIRTUAL.contains(link.kind()))
                .map(Link::index)
                .collect(Collectors.toSet());
    }

    /** The bridge that a leg of the node's stands in: packets that it carries are seen there as well, by br_netfilter. */
    private static Optional<Integer> bridgeOf(Link leg, List<Link> links) {
        return links.stream()
                .filter(port -> port.index() == leg.peerIndex()
                        && port.peerIndex() == leg.index()
                        && port.kind().equals("veth")
                        && port.masterIndex() != 0)
                .map(Link::masterIndex)
                .findFirst();
    }
}
