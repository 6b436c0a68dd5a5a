package io.flannelj.netlink;

import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import org.jspecify.annotations.Nullable;

/**
 * A kernel VXLAN device: to be made, or as it is.
 *
 * @param vni 24 bits
 * @param lowerIndex interface that carries the outer packets; 0 when the device is bound to none
 * @param local outer source address; null when the kernel chooses
 * @param port outer destination port
 * @param mac the VTEP's address; null lets the kernel choose
 * @param learning whether the device learns from what it receives which VTEP is where
 * @param gbp whether the group policy extension is on
 * @param foreign whether it has what we never ask for: a multicast group or fixed remote, or notices of misses
 */
public record VxlanLink(
        String name,
        int vni,
        int lowerIndex,
        @Nullable IpAddress local,
        int port,
        int mtuBytes,
        @Nullable MacAddress mac,
        boolean learning,
        boolean gbp,
        boolean foreign) {

    /** A device as flannel makes it: no learning, no extensions. */
    public static VxlanLink plain(
            String name, int vni, int lowerIndex, IpAddress local, int port, int mtuBytes, @Nullable MacAddress mac) {
        return new VxlanLink(name, vni, lowerIndex, local, port, mtuBytes, mac, false, false, false);
    }
}
