package io.flannelj.cleanup;

import io.flannelj.config.Instance;
import io.flannelj.net.Cidr;
import io.flannelj.net.SubnetEnv;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What of ours the kernel has in this network namespace and keeps without a daemon, and how each is known:
 *
 * <ul>
 *   <li>VXLAN and IP in IP devices by their alias, which names the instance. Their addresses, neighbours, FDB entries and
 *       routes go with them. Names say nothing: flannel's are the same.
 *   <li>Routes to other nodes and blackhole routes by their protocol number and by the pod network that they are in, which no
 *       two instances share.
 * </ul>
 *
 * <p>TUN devices go with the process. Rules of the packet filter are known by names and comments (see {@code firewall}).
 *
 * @param links all interfaces, ours or not
 * @param devices those that are ours
 * @param routes those that are ours, also through devices of ours
 */
public record HostInventory(List<Link> links, List<Link> devices, List<Route> routes) {
    private static final String ALIAS = "flanneld-j";

    public HostInventory {
        links = List.copyOf(links);
        devices = List.copyOf(devices);
        routes = List.copyOf(routes);
    }

    /**
     * What a run uses.
     *
     * @param links interfaces that its routes to other nodes lead through
     * @param networks its pod networks
     * @param blackholes its own subnets, where it wants blackhole routes for them
     */
    public record Use(Collection<String> links, Collection<Cidr> networks, Collection<Cidr> blackholes) {
        /** Nothing. */
        public static final Use NONE = new Use(List.of(), List.of(), List.of());
    }

    /** The pod networks of the last run, of which its subnet file tells; none where that is gone. */
    public static List<Cidr> networks(Path subnetFile) {
        return SubnetEnv.readIfUsable(subnetFile)
                .map(file -> file.networks().values())
                .orElse(List.of());
    }

    /**
     * Looks around.
     *
     * @param networks pod networks that the instance has or had
     */
    public static HostInventory find(NetlinkSocket netlink, Instance instance, Collection<Cidr> networks)
            throws IOException {
        Links door = new Links(netlink);
        List<Link> links = door.list();
        Map<Integer, String> aliases = door.aliases();
        List<Link> devices = links.stream()
                .filter(link -> alias(instance).equals(aliases.get(link.index())))
                .toList();
        List<Route> routes = new Routes(netlink)
                .list().stream().filter(route -> isOurs(route, networks)).toList();
        return new HostInventory(links, devices, routes);
    }

    static boolean isOurs(Route route, Collection<Cidr> networks) {
        return route.isOurs() && networks.stream().anyMatch(network -> network.contains(route.destination()));
    }

    /** Whether a destination is part of a pod network, and not the whole of it. */
    static boolean isWithin(Collection<Cidr> networks, Cidr destination) {
        return networks.stream().anyMatch(network -> network.containsPart(destination));
    }

    /** Whether a device with that alias is of any instance of ours. */
    static boolean isClaimed(@Nullable String alias) {
        return alias != null && (alias.equals(ALIAS) || alias.startsWith(ALIAS + "-"));
    }

    private static String alias(Instance instance) {
        return ALIAS + instance.suffix();
    }

    /** Marks devices as ours, where they are there. */
    public static void claim(NetlinkSocket netlink, Instance instance, Collection<String> devices) throws IOException {
        Links links = new Links(netlink);
        for (String device : devices) {
            Optional<Link> present = links.find(device);
            if (present.isPresent()) {
                links.setAlias(present.get().index(), alias(instance));
            }
        }
    }

    /** What of it a run has no use for. */
    public HostInventory without(Use use) {
        return new HostInventory(
                links,
                devices.stream()
                        .filter(device -> !use.links().contains(device.name()))
                        .toList(),
                routes.stream().filter(route -> !isUsed(route, use)).toList());
    }

    private boolean isUsed(Route route, Use use) {
        return route.isBlackhole()
                ? use.blackholes().contains(route.destination())
                : use.links().contains(nameOf(route))
                        && use.networks().stream().anyMatch(network -> network.contains(route.destination()));
    }

    /** Each thing with the way to remove it, in the order in which they are to go. */
    public List<Leaving> leavings(NetlinkSocket netlink) {
        Stream<Leaving> routesByThemselves = routes.stream()
                .filter(route -> devices.stream().noneMatch(device -> device.index() == route.linkIndex()))
                .map(route -> new Leaving(describe(route), () -> new Routes(netlink).deleteIfPresent(route)));
        return Stream.concat(
                        devices.stream()
                                .map(device -> new Leaving(
                                        "the device " + device.name() + " with its addresses, neighbours and routes",
                                        () -> new Links(netlink).delete(device.index()))),
                        routesByThemselves)
                .toList();
    }

    /** Human-readable, and for {@code ip route delete}. */
    String describe(Route route) {
        return route.isBlackhole()
                ? "the blackhole route " + route.destination()
                : "the route " + route.destination() + " via " + route.gateway() + " dev " + nameOf(route);
    }

    private String nameOf(Route route) {
        return links.stream()
                .filter(link -> link.index() == route.linkIndex())
                .map(Link::name)
                .findFirst()
                .orElse("?");
    }
}
