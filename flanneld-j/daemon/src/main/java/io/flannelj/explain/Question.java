package io.flannelj.explain;

import io.flannelj.explain.filter.Passage;
import io.flannelj.explain.filter.Passage.Hook;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;

/**
 * Which packets are asked about.
 *
 * @param protocol IP protocol number; that of ICMP for both families
 * @param port destination port; 0 where the protocol has none
 * @param sends whether packets of our own may be sent to find out
 */
public record Question(IpAddress from, IpAddress to, int protocol, int port, boolean sends) {
    public Question {
        if (from.family() != to.family()) {
            throw new IllegalArgumentException(from + " and " + to + " are of different families");
        }
    }

    IpFamily family() {
        return to.family();
    }

    /** What asks this on another node. */
    String command() {
        return "flanneld-j explain " + from + " " + to
                + (port == 0 ? "" : " --port " + port)
                + (protocol == Passage.UDP ? " --proto udp" : "");
    }

    /** The packet at a place of its way. */
    Passage at(Hook hook, String in, String out) {
        return new Passage(hook, in, out, from, to, protocolOfFamily(), port, true);
    }

    /** The answer to it at a place of its way back. */
    Passage answerAt(Hook hook, String in, String out) {
        return new Passage(hook, in, out, to, from, protocolOfFamily(), 0, false);
    }

    /** IPv6 has an ICMP of its own. */
    private int protocolOfFamily() {
        return protocol == Passage.ICMP && family() == IpFamily.IPV6 ? Passage.ICMPV6 : protocol;
    }
}
