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
    private static final int STALE = 0x04;
    private static final int PERMANENT = 0x80;
    private static final int USABLE = 0x02 | STALE | 0x08 | 0x10 | 0x40 | PERMANENT;

    /** Whether packets can be sent to its MAC address: reachable, or not known to be gone (REACHABLE, STALE, DELAY, PROBE). */
    public boolean isUsable() {
        return mac != null && (state & USABLE) != 0;
    }

    /** Not heard of for a while, and not asked since. */
    public boolean isStale() {
        return (state & STALE) != 0;
    }

    /** Set by a program, not found out by the kernel. */
    public boolean isPermanent() {
        return (state & PERMANENT) != 0;
    }
}
