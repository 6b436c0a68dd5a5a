package io.flannelj.netlink;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * A route.
 *
 * @param destination in network form; the default route is {@code 0.0.0.0/0} or {@code ::/0}
 * @param gateway next hop; null when the destination is on the link itself
 * @param linkIndex interface; 0 when the kernel tells none
 * @param source preferred source address; null when the kernel chooses
 * @param scope 0 is global, 253 link, 254 host
 * @param onLink whether the gateway counts as on the link, whatever its address
 * @param table routing table; 254 is main
 * @param protocol who made it; 2 is the kernel, 3 whoever says nothing, flannel among them, 4 static
 * @param type 1 is unicast
 */
public record Route(
        Cidr destination,
        @Nullable IpAddress gateway,
        int linkIndex,
        @Nullable IpAddress source,
        int scope,
        boolean onLink,
        int table,
        int protocol,
        int type) {
    public static final int MAIN_TABLE = 254;
    public static final int SCOPE_GLOBAL = 0;
    public static final int SCOPE_LINK = 253;
    /** Made by the kernel for an address of an interface. */
    public static final int PROTOCOL_KERNEL = 2;
    /** Made by somebody who does not say who, as {@code ip route add}, flannel, and flanneld-j before it had a number. */
    public static final int PROTOCOL_BOOT = 3;
    /** Made by the kernel because a router, or who pretends to be one, advertised it. */
    public static final int PROTOCOL_ADVERTISED = 9;
    /** Made by this daemon. The number is one that rt_protos of iproute2 gives to nobody, of flannel's port 8285. */
    public static final int PROTOCOL_FLANNEL_J = 85;

    private static final int UNICAST = 1;
    private static final int LOCAL = 2;
    private static final int BLACKHOLE = 6;

    /** To nowhere. */
    static Route blackhole(Cidr destination) {
        return new Route(destination, null, 0, null, SCOPE_GLOBAL, false, MAIN_TABLE, PROTOCOL_FLANNEL_J, BLACKHOLE);
    }

    public boolean isBlackhole() {
        return type == BLACKHOLE;
    }

    /** To this host itself. */
    public boolean isLocal() {
        return type == LOCAL;
    }

    public boolean isUnicast() {
        return type == UNICAST;
    }

    /** To a network right behind an interface. */
    public static Route toLink(Cidr destination, int linkIndex) {
        return new Route(destination, null, linkIndex, null, SCOPE_LINK, false, MAIN_TABLE, PROTOCOL_BOOT, UNICAST);
    }

    /** To a network through a neighbour. */
    public static Route via(Cidr destination, IpAddress gateway, int linkIndex) {
        return new Route(
                destination, gateway, linkIndex, null, SCOPE_GLOBAL, false, MAIN_TABLE, PROTOCOL_BOOT, UNICAST);
    }

    /** The same, with a gateway that need not lie in a network of the interface. */
    public Route withOnLink() {
        return new Route(destination, gateway, linkIndex, source, scope, true, table, protocol, type);
    }

    /** The same, made by this daemon. */
    public Route withOurProtocol() {
        return new Route(destination, gateway, linkIndex, source, scope, onLink, table, PROTOCOL_FLANNEL_J, type);
    }

    /** Whether it came by a router advertisement. */
    public boolean isAdvertised() {
        return protocol == PROTOCOL_ADVERTISED;
    }

    /** Whether this daemon made it. */
    public boolean isOurs() {
        return protocol == PROTOCOL_FLANNEL_J;
    }

    public boolean isDefault() {
        return destination.length() == 0;
    }

    @Override
    public String toString() {
        return destination + (gateway == null ? "" : " via " + gateway) + " on link " + linkIndex;
    }
}
