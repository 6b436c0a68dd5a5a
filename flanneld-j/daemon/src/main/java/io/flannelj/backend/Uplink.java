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
 * @param publicIps what this node tells peers to send to: the addresses themselves, unless {@code --public-ip} says otherwise
 * @param knownAs what peers are told in the end: an operator's overwrite in the store counts more than what the node says
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
        PerFamily<IpAddress> knownAs,
        PerFamily<IpAddress> tunnelAddresses) {
    /** An uplink that peers know by its own addresses. */
    public Uplink(String name, int index, int mtuBytes, PerFamily<IpAddress> addresses) {
        this(name, index, mtuBytes, addresses, addresses, addresses, addresses);
    }

    /** Whether peers that are told these addresses reach the tunnels, as far as the uplink has their families. */
    public boolean isKnownAs(PerFamily<IpAddress> told) {
        return told.only(knownAs.families()).equals(knownAs.only(told.families()));
    }

    /**
     * Whether connections that were made by the other one go on: the same interface has the same addresses, and takes packets as large.
     * A connection keeps the segment size that it was made with, and interfaces drop what is longer than their MTU without a word.
     */
    public boolean keepsConnectionsOf(Uplink before) {
        return index == before.index && addresses.equals(before.addresses) && mtuBytes >= before.mtuBytes;
    }

    /** Addresses, human-readable. */
    public static String text(PerFamily<IpAddress> addresses) {
        return addresses.values().stream().map(IpAddress::toString).collect(Collectors.joining(" and "));
    }
}
