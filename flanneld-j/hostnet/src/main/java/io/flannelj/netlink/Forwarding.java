package io.flannelj.netlink;

import io.flannelj.linux.Sysctl;
import io.flannelj.net.IpFamily;
import java.io.IOException;
import java.util.Optional;

/** The kernel's switches without which this host passes no packet on, in the calling thread's network namespace. */
public final class Forwarding {
    private static final String HOST = "1"; // a router that advertises itself is believed, unless this host forwards
    private static final String ROUTER = "2"; // also then

    private Forwarding() {}

    /** As sysctl(8) names it. */
    public static String setting(IpFamily family) {
        return family == IpFamily.IPV4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
    }

    /**
     * Turns forwarding of a family on where it is off.
     *
     * <p>A host that forwards IPv6 stops to believe routers that advertise themselves, and the kernel then deletes its default
     * routes by them. Interfaces with such a route go on to believe them ({@code accept_ra} 2, Linux networking/ip-sysctl), so
     * that no node cuts itself off.
     *
     * @return whether it was off
     * @throws IOException when it is off and cannot be turned on; says how to
     */
    public static boolean turnOn(IpFamily family) throws IOException {
        String setting = setting(family);
        if (family == IpFamily.IPV6 && !Sysctl.exists(setting)) {
            throw new IOException("this kernel has no IPv6; remove ipv6.disable=1 from its command line");
        }
        if (Sysctl.read(setting).equals("1")) {
            return false;
        }
        try {
            if (family == IpFamily.IPV6) {
                keepAdvertisedRoutes();
            }
            Sysctl.write(setting, "1");
            return true;
        } catch (IOException e) {
            throw new IOException(
                    setting + " is " + Sysctl.read(setting)
                            + ", so this host forwards nothing to pods, and it cannot be set from here: sysctl -w "
                            + setting + "=1",
                    e);
        }
    }

    private static void keepAdvertisedRoutes() throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            Links links = new Links(netlink);
            for (Route route : new Routes(netlink).listDefaults(IpFamily.IPV6)) {
                Optional<Link> link = route.isAdvertised() ? links.find(route.linkIndex()) : Optional.empty();
                if (link.isPresent()) {
                    String setting = "net/ipv6/conf/" + link.get().name() + "/accept_ra";
                    if (Sysctl.read(setting).equals(HOST)) {
                        Sysctl.write(setting, ROUTER);
                    }
                }
            }
        }
    }
}
