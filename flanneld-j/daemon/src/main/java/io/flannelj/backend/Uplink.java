package io.flannelj.backend;

import io.flannelj.net.IpAddress;
import io.flannelj.net.PerFamily;
import java.util.stream.Collectors;

/**
 * The interface that leads to the other nodes.
 *
 * @param name of the interface, e.g. {@code eth0}
 * @param index of the interface
 * @param mtuBytes its MTU
 * @param addresses its own, of each family that the network has
 * @param publicIps what peers are told to send to: the addresses themselves, unless {@code --public-ip} says otherwise
 * @param tunnelAddresses where tunnels end and leave from: what peers are told where that is an address of this node on any
 *     interface, as flannel gives it to kernel VXLAN. Where it is not, a router on the path translates it (1:1 NAT) from the
 *     uplink's own.
 */
public record Uplink(
        String name,
        int index,
        int mtuBytes,
        PerFamily<IpAddress> addresses,
        PerFamily<IpAddress> publicIps,
        PerFamily<IpAddress> tunnelAddresses) {
    /** An uplink that peers know by its own addresses. */
    public Uplink(String name, int index, int mtuBytes, PerFamily<IpAddress> addresses) {
        this(name, index, mtuBytes, addresses, addresses, addresses);
    }

    /** Addresses, human-readable. */
    public static String text(PerFamily<IpAddress> addresses) {
        return addresses.values().stream().map(IpAddress::toString).collect(Collectors.joining(" and "));
    }
}
