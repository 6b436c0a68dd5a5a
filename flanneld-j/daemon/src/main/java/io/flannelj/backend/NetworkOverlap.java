package io.flannelj.backend;

import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A pod network must not have addresses in it that this node itself has or reaches directly: whoever leases them would take
 * the node's own network from it.
 *
 * <p>A network of the host that is larger than the whole pod network is no conflict: the more specific route wins, as it
 * does with flannel.
 */
public final class NetworkOverlap {
    private static final Logger log = LoggerFactory.getLogger(NetworkOverlap.class);

    private NetworkOverlap() {}

    /**
     * An address of this host.
     *
     * @param kind of the interface, as the kernel names it
     * @param address with the prefix of its network
     */
    record Held(String link, String kind, Cidr address) {}

    /**
     * Refuses a network config in which nodes could lease what this node is on. What only the network has in it, but no lease
     * can have, is named.
     *
     * @param anyLength whether the store gives subnets from anywhere in the network
     * @param previous this node's subnets of before, whose addresses are pods' and bridges'; null when it had none
     * @throws ConfigException naming the addresses
     */
    public static void refuse(NetworkConfig config, boolean anyLength, Uplink uplink, @Nullable PodSubnets previous)
            throws IOException, ConfigException {
        List<Held> held = new ArrayList<>();
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            List<Link> links = new Links(netlink).list();
            for (Address address : new Addresses(netlink).list()) {
                links.stream()
                        .filter(link -> link.index() == address.linkIndex())
                        .forEach(link -> held.add(new Held(link.name(), link.kind(), address.cidr())));
            }
        }
        List<String> problems = problems(config, anyLength, uplink.name(), previous, held);
        if (!problems.isEmpty()) {
            throw new ConfigException("the network config", problems);
        }
        for (Held one : held) {
            config.networks().values().stream()
                    .filter(network -> network.contains(one.address().address()))
                    .filter(network -> !isOfPods(one, network, uplink.name(), previous))
                    .forEach(network -> log.warn(
                            "this node is on {} by {}, inside the network {}: no pod's subnet can be there, and nodes there"
                                    + " are reached only as far as other routes lead",
                            one.address().network(),
                            one.link(),
                            network));
        }
    }

    /** What is wrong; nothing when no lease can reach into what the host is on. */
    static List<String> problems(
            NetworkConfig config, boolean anyLength, String uplink, @Nullable PodSubnets previous, List<Held> held) {
        List<String> problems = new ArrayList<>();
        for (Held one : held) {
            for (SubnetPool pool : config.pools().values()) {
                add(problems, pool, anyLength, uplink, previous, one);
            }
        }
        return problems;
    }

    private static void add(
            List<String> problems,
            SubnetPool pool,
            boolean anyLength,
            String uplink,
            @Nullable PodSubnets previous,
            Held one) {
        if (!pool.network().contains(one.address().address()) || isOfPods(one, pool.network(), uplink, previous)) {
            return;
        }
        Cidr taken = pool.network().contains(one.address())
                ? one.address().network()
                : Cidr.host(one.address().address());
        IpAddress first = anyLength ? pool.network().address() : pool.first();
        IpAddress last = anyLength ? pool.network().lastAddress() : pool.lastAddress();
        if (taken.lastAddress().compareTo(first) >= 0 && taken.address().compareTo(last) <= 0) {
            problems.add(SubnetPool.networkKey(pool.family()) + ": " + pool.network() + " overlaps "
                    + one.address().network()
                    + ", which this node itself is on by " + one.address().address() + " of " + one.link()
                    + "; choose a network that no node is on"
                    + (anyLength ? "" : ", or keep it out of " + SubnetPool.boundKeys(pool.family())));
        }
    }

    /** A tunnel's device, a bridge for pods, or an end of a pod's link; never the uplink. */
    private static boolean isOfPods(Held one, Cidr network, String uplink, @Nullable PodSubnets previous) {
        if (one.link().equals(uplink)) {
            return false;
        }
        Cidr address = one.address();
        boolean bridge = one.kind().equals("bridge")
                && !network.equals(address.network())
                && network.contains(address)
                && address.equals(address.gateway());
        boolean ours =
                previous != null && previous.all().stream().anyMatch(subnet -> subnet.contains(address.address()));
        return bridge || ours || LinkRoles.isTunnel(one.link());
    }
}
