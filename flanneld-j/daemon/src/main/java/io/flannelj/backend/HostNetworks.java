package io.flannelj.backend;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

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

    /** The addresses that the node sends from and is known by. */
    public static List<Cidr> publicAddresses(Uplink uplink) {
        return Stream.of(
                        host(uplink.address()),
                        host(uplink.publicIp()),
                        host(uplink.ipv6Address()),
                        host(uplink.publicIpv6()))
                .flatMap(List::stream)
                .distinct()
                .toList();
    }

    private static List<Cidr> host(@Nullable IpAddress address) {
        return address == null ? List.of() : List.of(Cidr.host(address));
    }
}
