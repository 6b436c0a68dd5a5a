package io.flannelj.cleanup;

import io.flannelj.backend.LinkRoles;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What others left on the host that works against us: devices of flannel's, and routes within the pod network that are more
 * specific than ours and silently take traffic past it. Named, never touched: somebody may want them.
 */
public final class Leftovers {
    private Leftovers() {}

    /**
     * Looks around once our own routes are in force.
     *
     * @param config of the pod network
     * @param own our own subnets, whose routes lead to our pods
     * @param devices the interfaces that our traffic leaves by
     * @param nodes addresses of the nodes, which direct routes lead through, ours among them
     * @return a line for each, with the command that removes it
     */
    public static List<String> find(
            NetworkConfig config, Collection<Cidr> own, Collection<String> devices, Set<IpAddress> nodes)
            throws IOException {
        List<String> found = new ArrayList<>();
        List<Cidr> networks = config.networks().values();
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            Links door = new Links(netlink);
            List<Link> links = door.list();
            Map<Integer, String> aliases = door.aliases();
            for (Link link : links) {
                if (LinkRoles.isTunnel(link.name())
                        && !devices.contains(link.name())
                        && !HostInventory.isClaimed(aliases.get(link.index()))) {
                    found.add("the device " + link.name()
                            + " is of another network or left from one; if nothing needs it: ip link delete "
                            + link.name());
                }
            }
            for (Route route : new Routes(netlink).list()) {
                String link = name(links, route.linkIndex());
                boolean within = HostInventory.isWithin(networks, route.destination());
                boolean toOurPods = own.stream().anyMatch(subnet -> subnet.contains(route.destination()));
                boolean toNode = route.gateway() != null && nodes.contains(route.gateway());
                if (within && !toOurPods && !toNode && !devices.contains(link)) {
                    found.add(line(config, nodes, route, link));
                }
            }
        }
        return found;
    }

    /** Names the command only where nothing but pods can be behind the route: following our advice must cut nobody off. */
    static String line(NetworkConfig config, Set<IpAddress> nodes, Route route, String link) {
        Cidr destination = route.destination();
        String by = link.isEmpty() ? "no interface" : link;
        String begin = "the route " + destination + " by " + by
                + " is more specific than ours and takes that traffic past us; ";
        if (route.protocol() == Route.PROTOCOL_KERNEL) {
            return begin + "this node itself is on that network, which must not be part of the pod network";
        }
        boolean onlyPods = config.pools().values().stream().anyMatch(pool -> isLeasable(pool, destination));
        boolean leadsToNodes = nodes.stream().anyMatch(destination::contains);
        if (!onlyPods || leadsToNodes) {
            return begin + "find out what it is for before it is changed";
        }
        return begin + "if nothing needs it: ip route delete " + (route.isBlackhole() ? "blackhole " : "") + destination
                + (link.isEmpty() ? "" : " dev " + link);
    }

    private static boolean isLeasable(SubnetPool pool, Cidr destination) {
        return destination.family() == pool.family()
                && destination.address().compareTo(pool.first()) >= 0
                && destination.lastAddress().compareTo(pool.lastAddress()) <= 0;
    }

    private static String name(List<Link> links, int index) {
        return links.stream()
                .filter(link -> link.index() == index)
                .map(Link::name)
                .findFirst()
                .orElse("");
    }
}
