package io.flannelj.explain.filter;

import io.flannelj.net.IpAddress;

/**
 * A packet at one place of its way through this host.
 *
 * @param hook the place
 * @param in interface that it came by; empty for one of this host's own
 * @param out interface that it leaves by; empty where that is not decided yet, or where it is for this host
 * @param protocol IP protocol number
 * @param port destination port; 0 where the protocol has none
 * @param first whether it is the first of its connection, and not an answer
 */
public record Passage(
        Hook hook, String in, String out, IpAddress from, IpAddress to, int protocol, int port, boolean first) {
    /** IP protocol numbers. */
    public static final int ICMP = 1;

    public static final int TCP = 6;
    public static final int UDP = 17;
    public static final int ICMPV6 = 58;

    /** Type of ICMP: of an echo request, or of the answer to it (RFC 792, RFC 4443); -1 of what is no ICMP. */
    int icmpType() {
        return switch (protocol) {
            case ICMP -> first ? 8 : 0;
            case ICMPV6 -> first ? 128 : 129;
            default -> -1;
        };
    }

    /** Where the packet filter looks at packets. */
    public enum Hook {
        PREROUTING,
        INPUT,
        FORWARD,
        OUTPUT,
        POSTROUTING
    }
}
