package io.flannelj.backend;

import io.flannelj.net.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * The interface that leads to the other nodes.
 *
 * @param name of the interface, e.g. {@code eth0}
 * @param index of the interface
 * @param mtuBytes its MTU
 * @param address its IPv4 address; null when the network has no IPv4
 * @param publicIp what peers are told to send to: the address itself, unless {@code --public-ip} says otherwise
 * @param ipv6Address as {@code address}, for IPv6
 * @param publicIpv6 as {@code publicIp}, for IPv6
 * @param tunnelAddress where IPv4 tunnels end and leave from: what peers are told where that is an address of this node on any
 *     interface, as flannel gives it to kernel VXLAN. Where it is not, somebody on the way translates it (1:1 NAT) from the
 *     uplink's own.
 * @param tunnelIpv6Address as {@code tunnelAddress}, for IPv6
 */
public record Uplink(
        String name,
        int index,
        int mtuBytes,
        @Nullable IpAddress address,
        @Nullable IpAddress publicIp,
        @Nullable IpAddress ipv6Address,
        @Nullable IpAddress publicIpv6,
        @Nullable IpAddress tunnelAddress,
        @Nullable IpAddress tunnelIpv6Address) {
    /** The addresses tunnels leave from, for people. */
    public String addresses() {
        return text(tunnelAddress, tunnelIpv6Address);
    }

    /** What peers are told, for people. */
    public String publicAddresses() {
        return text(publicIp, publicIpv6);
    }

    private static String text(@Nullable IpAddress ipv4, @Nullable IpAddress ipv6) {
        return ipv6 == null ? String.valueOf(ipv4) : ipv4 == null ? ipv6.toString() : ipv4 + " and " + ipv6;
    }
}
