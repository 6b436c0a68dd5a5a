package io.flannelj.firewall;

import java.io.IOException;
import java.util.Collection;

/** One flavour of packet filter for both families, each of which has tables of its own. */
public final class Firewalls {
    private final Firewall ipv4;
    private final Firewall ipv6;
    private boolean usesIpv6;

    public Firewalls(Firewall ipv4, Firewall ipv6) {
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
    }

    /**
     * Makes the rules of each family what they shall be.
     *
     * @param rules one for each family that the network has
     * @return whether anything had to be changed
     * @throws IOException names the program that failed, and what it said
     */
    public boolean apply(Collection<DesiredRules> rules) throws IOException {
        boolean changed = false;
        for (DesiredRules one : rules) {
            boolean isIpv6 = one.network().isIpv6();
            usesIpv6 |= isIpv6;
            changed |= (isIpv6 ? ipv6 : ipv4).apply(one);
        }
        return changed;
    }

    /** What the guard's rules of both families dropped, as the last {@link #apply} found it. */
    public GuardDrops drops() {
        return ipv4.drops().plus(ipv6.drops());
    }

    /** What of the rules this kernel cannot do, for people; empty when it can do all. */
    public String shortcoming() {
        return ipv4.shortcoming().isEmpty() ? ipv6.shortcoming() : ipv4.shortcoming();
    }

    /** Takes away what {@link #apply} made. */
    public void remove() throws IOException {
        ipv4.remove();
        if (usesIpv6) {
            ipv6.remove();
        }
    }

    /**
     * Takes away what an earlier life may have made.
     *
     * @param ofIpv4 whether there may be nothing of that family now
     * @param ofIpv6 the same for IPv6
     */
    public void removeLeftovers(boolean ofIpv4, boolean ofIpv6) throws IOException {
        if (ofIpv4) {
            ipv4.remove();
        }
        if (ofIpv6) {
            ipv6.remove();
        }
    }
}
