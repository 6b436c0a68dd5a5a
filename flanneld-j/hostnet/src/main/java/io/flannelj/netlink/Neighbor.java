package io.flannelj.netlink;

import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import org.jspecify.annotations.Nullable;

/**
 * An entry of a neighbour table (ARP, neighbour discovery) or of a VXLAN device's FDB.
 *
 * @param linkIndex the interface
 * @param address for a neighbour its IP address, for an FDB entry the VTEP's underlay address; null when there is none
 * @param mac its MAC address; null while unresolved
 * @param state NUD_ bits; 0x80 is permanent
 */
public record Neighbor(
        int linkIndex,
        @Nullable IpAddress address,
        @Nullable MacAddress mac,
        int state) {
    private static final int PERMANENT = 0x80;

    /** Set by somebody, not found out by the kernel. */
    public boolean isPermanent() {
        return (state & PERMANENT) != 0;
    }
}
