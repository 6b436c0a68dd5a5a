package io.flannelj.netlink;

import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import org.jspecify.annotations.Nullable;

/**
 * A kernel VXLAN device to be made, without learning, as flannel configures it.
 *
 * @param vni 24 bits
 * @param lowerIndex interface that carries the outer packets
 * @param local outer source address
 * @param port outer destination port
 * @param mac the VTEP's address; null lets the kernel choose
 */
public record VxlanLink(
        String name,
        int vni,
        int lowerIndex,
        IpAddress local,
        int port,
        int mtuBytes,
        @Nullable MacAddress mac) {}
