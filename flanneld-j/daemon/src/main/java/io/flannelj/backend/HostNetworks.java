package io.flannelj.backend;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The networks that this node itself is on. */
public final class HostNetworks {
    private HostNetworks() {}

    /**
     * Every address of this host with the prefix of its network, and those that the node is known by from outside.
     *
     * @throws IOException when the kernel does not tell
     */
    public static List<Cidr> of(Uplink uplink) throws IOException {
        List<Cidr> networks = new ArrayList<>(publicAddresses(uplink));
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            new Addresses(netlink).list().stream().map(Address::cidr).forEach(networks::add);
        }
        return networks;
    }

    /**
     * The networks of its bridges that have containers behind them and no other node.
     *
     * @throws IOException when the kernel does not tell
     */
    public static List<Cidr> ofContainers(Uplink uplink) throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            List<Route> defaults = new ArrayList<>();
            for (IpFamily family : IpFamily.values()) {
                defaults.addAll(new Routes(netlink).listDefaults(family));
            }
            Set<Integer> bridges = LinkRoles.containerBridges(new Links(netlink).list(), defaults, uplink);
            return new Addresses(netlink)
                    .list().stream()
                            .filter(address -> bridges.contains(address.linkIndex()))
                            .map(Address::cidr)
                            .filter(network -> !network.address().isLinkLocal())
                            .toList();
        }
    }

    /** The addresses that the node sends from and is known by. */
    public static List<Cidr> publicAddresses(Uplink uplink) {
        return Stream.of(uplink.addresses(), uplink.knownAs())
                .flatMap(addresses -> addresses.values().stream())
                .map(Cidr::host)
                .distinct()
                .toList();
    }
}
