package io.flannelj.backend;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Route;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which of a host's interfaces lead to pods and containers, and which to other nodes. Names in alphabetical order.
 *
 * <p>What is not known to lead to pods may lead to other nodes: their packets may take another way than ours, by a second
 * network card for example. So bridges are pods' unless the underlay is behind them, and any interface is that has a route
 * to a part of this node's subnet.
 *
 * @param pods interfaces that pods and other containers are behind; {@code docker0} and {@code cni0} also before they exist
 * @param tunnels tunnel devices, ours and others'
 * @param uplinks the uplink, unless pods are behind it, too
 */
public record LinkRoles(List<String> pods, List<String> tunnels, List<String> uplinks) {
    private static final List<String> USUAL_BRIDGES = List.of("docker0", "cni0");
    private static final Pattern TUNNEL =
            Pattern.compile("flannel(\\d+|\\.\\d+|-v6\\.\\d+|\\.ipip|-wg|-wg-v6)|geneve\\.\\d+");

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
        for (Route route : routes) {
            if (own.stream().anyMatch(subnet -> subnet.contains(route.destination()))) {
                toPods.add(route.linkIndex());
            } else if (route.isDefault() || nodes.stream().anyMatch(route.destination()::contains)) {
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
        return new LinkRoles(
                List.copyOf(pods),
                List.copyOf(tunnels),
                toPods.contains(uplink.index()) ? List.of() : List.of(uplink.name()));
    }
}
