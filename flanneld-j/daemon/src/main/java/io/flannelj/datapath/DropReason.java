package io.flannelj.datapath;

import java.util.Locale;

/**
 * Why a packet did not go on: a closed list, so that packets in equal packets delivered plus all of these. Each is a
 * counter, never an exception and never a log line.
 */
public enum DropReason {
    /** From a pod: neither an IP packet nor one that agrees with its own length fields. */
    MALFORMED(Direction.OUT, "not a well-formed IP packet"),
    /** From a pod: IPv6 where the network has none, or the other way round. */
    UNSUPPORTED_FAMILY(Direction.OUT, "an IP version that this network does not carry"),
    /** From a pod: no lease covers the destination; answered with ICMP net unreachable. */
    NO_ROUTE(Direction.OUT, "no lease covers the destination"),
    /** From a pod: its time to live ended here. */
    TIME_TO_LIVE(Direction.OUT, "time to live expired"),
    /** From a pod: longer than the way to the peer takes; answered with ICMP fragmentation needed. */
    TOO_BIG(Direction.OUT, "larger than the path MTU"),
    /** From a pod: a bare TCP acknowledgement that a later one of its flow, sent at once, makes needless. Nothing is lost. */
    ACK_FILTERED(Direction.OUT, "a TCP acknowledgement that a later one replaces; nothing is lost"),
    /** The socket's send buffer was full: more was sent than the underlay takes. */
    SEND_BUFFER_FULL(Direction.OUT, "the underlay socket's send buffer was full"),
    /** The node has no way to the peer's address. */
    PEER_UNREACHABLE(Direction.OUT, "the node has no route to the peer's address"),
    /** The node's own firewall forbids sending to the peer. */
    SEND_FORBIDDEN(Direction.OUT, "the node's firewall forbids sending to the peer"),
    /** The kernel refused to send for any other reason. */
    SEND_REFUSED(Direction.OUT, "the kernel refused to send"),

    /** From the wire: longer than any datagram can be. */
    TRUNCATED(Direction.IN, "truncated by the kernel"),
    /** From the wire: too short, or flags and reserved bits that its encapsulation does not allow. */
    BAD_ENCAPSULATION(Direction.IN, "no valid packet of this encapsulation"),
    /** From the wire: another network's VNI. */
    WRONG_VNI(Direction.IN, "a VNI of another network"),
    /** From the wire: an inner Ethernet address that is not ours to receive. */
    WRONG_MAC(Direction.IN, "an inner MAC address that is not ours"),
    /** From the wire: ARP, neighbour discovery and the like, which a tunnel of routes has no use for. */
    NOT_IP(Direction.IN, "no IP packet inside"),
    /** From the wire: nobody with a lease sends from that address. */
    UNKNOWN_PEER(Direction.IN, "the sender holds no lease"),
    /** From the wire: an inner source that its sender has not leased. */
    SPOOFED(Direction.IN, "an inner source address that its sender has not leased"),
    /** From the wire: an inner destination outside our own lease. */
    NOT_OUR_SUBNET(Direction.IN, "an inner destination outside this node's lease"),
    /** From the wire: an inner packet that does not agree with its own length fields. */
    MALFORMED_INNER(Direction.IN, "not a well-formed IP packet inside"),
    /** From the wire: damaged on the way, by its own transport checksum. */
    BAD_INNER_CHECKSUM(Direction.IN, "wrong inner checksum"),
    /** From the wire: marked by a congested router, though its sender would not see the mark (RFC 6040 §4.2). */
    BAD_CONGESTION_MARK(Direction.IN, "an outer congestion mark on a packet without ECN support"),
    /** From the wire: its time to live ended here. */
    TIME_TO_LIVE_IN(Direction.IN, "time to live expired"),
    /** The node's IP stack did not take it from the TUN device. */
    TUN_REFUSED(Direction.IN, "refused by the TUN device");

    /** Which way a packet was going. */
    public enum Direction {
        /** From the pods to the wire. */
        OUT,
        /** From the wire to the pods. */
        IN;

        /** The name as metrics and JSON show it. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Direction direction;
    private final String help;

    DropReason(Direction direction, String help) {
        this.direction = direction;
        this.help = help;
    }

    public Direction direction() {
        return direction;
    }

    /** A few words, human-readable. */
    public String help() {
        return help;
    }

    /** Whether anybody misses the packet. */
    public boolean isLoss() {
        return this != ACK_FILTERED;
    }

    /** The direction and the name, e.g. {@code out.no_route}. */
    public String key() {
        return direction.label() + "." + label();
    }

    /** The name as metrics and JSON show it, e.g. {@code no_route}. */
    public String label() {
        return this == TIME_TO_LIVE_IN ? "time_to_live" : name().toLowerCase(Locale.ROOT);
    }
}
