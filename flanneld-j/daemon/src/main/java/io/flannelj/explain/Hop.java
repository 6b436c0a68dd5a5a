package io.flannelj.explain;

import java.util.Locale;

/** The links of a way, in the order in which a packet meets them on one node. */
public enum Hop {
    /** The pod's interface and its address. */
    POD,
    /** The pod's route to where it sends. */
    POD_ROUTE,
    /** The node's end of the pod's veth pair. */
    VETH,
    /** The pods' bridge, its address and the pod's port. */
    BRIDGE,
    /** Whether one pod alone has the address. */
    ADDRESS,
    /** The daemon, and whether our lease is in force. */
    DAEMON,
    /** Whether the kernel forwards. */
    FORWARDING,
    /** Whether the kernel takes packets from that source by that interface. */
    RP_FILTER,
    /** The node's route. */
    ROUTE,
    /** The packet filter, for the pods' packets. */
    RULES,
    /** The lease of the other node. */
    LEASE,
    /** The packet filter, for tunnel packets. */
    TUNNEL_RULES,
    /** The way to the other node. */
    UNDERLAY,
    /** The other node's daemon, and the tunnel to it. */
    PEER,
    /** The clocks of both nodes. */
    CLOCK,
    /** What size of packet passes between the nodes. */
    PATH_MTU,
    /** Whether runs of packets arrive that the kernel or the card cut. */
    SEGMENTATION,
    /** Whether datagrams with a UDP checksum arrive. */
    CHECKSUM,
    /** Somebody listens at the port. */
    SOCKET,
    /** A packet of our own, on the real way. */
    PACKET;

    /** As people and JSON see it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
