package io.flannelj.lab;

/**
 * Two routers on the switch, with a link between them that takes less than the nodes' uplinks, and the way from one node to
 * another led over it, both families, both directions. The nodes themselves see nothing but host routes.
 *
 * <pre>
 *   node a ─ switch ─ router 1 ═ link of small MTU ═ router 2 ─ switch ─ node b
 * </pre>
 */
public final class NarrowPath {
    private final String first;
    private final String second;

    private NarrowPath(String first, String second) {
        this.first = first;
        this.second = second;
    }

    static NarrowPath between(Workspace workspace, String switchNamespace, Node a, Node b, int mtuBytes) {
        NarrowPath path = new NarrowPath(workspace.addNamespace("r1"), workspace.addNamespace("r2"));
        path.join(path.first, switchNamespace, 251);
        path.join(path.second, switchNamespace, 252);
        Commands.require(
                "ip",
                "link",
                "add",
                "narrow",
                "netns",
                path.first,
                "type",
                "veth",
                "peer",
                "name",
                "narrow",
                "netns",
                path.second);
        path.link(path.first, 1, mtuBytes);
        path.link(path.second, 2, mtuBytes);
        route(path.first, b, "10.99.0.2", "fd00:99::2", "narrow");
        route(path.second, a, "10.99.0.1", "fd00:99::1", "narrow");
        route(a.namespace(), b, "192.168.100.251", "fd00:64::251", "eth0");
        route(b.namespace(), a, "192.168.100.252", "fd00:64::252", "eth0");
        return path;
    }

    private void join(String router, String switchNamespace, int number) {
        String port = "router" + number;
        // While its link-local address is checked for duplicates, up to two seconds, a router asks for nobody's
        // address.
        Commands.inNamespace(router, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
                .orThrow();
        Commands.require(
                "ip",
                "link",
                "add",
                "eth0",
                "netns",
                router,
                "type",
                "veth",
                "peer",
                "name",
                port,
                "netns",
                switchNamespace);
        Commands.require("ip", "-n", switchNamespace, "link", "set", port, "master", "br0", "up");
        Commands.require("ip", "-n", router, "addr", "add", "192.168.100." + number + "/24", "dev", "eth0");
        Commands.require("ip", "-n", router, "addr", "add", "fd00:64::" + number + "/64", "dev", "eth0", "nodad");
        Commands.require("ip", "-n", router, "link", "set", "eth0", "up");
        // A router that takes large packets whole, as veth hands them over, would hide what a wire does to them.
        Commands.inNamespace(router, "ethtool", "-K", "eth0", "tso", "off", "gso", "off", "gro", "off")
                .orThrow();
        Commands.inNamespace(
                        router,
                        "sysctl",
                        "-qw",
                        "net.ipv4.ip_forward=1",
                        "net.ipv6.conf.all.forwarding=1",
                        "net.ipv4.conf.all.send_redirects=0",
                        "net.ipv4.conf.eth0.send_redirects=0")
                .orThrow();
    }

    private void link(String router, int number, int mtuBytes) {
        Commands.require("ip", "-n", router, "addr", "add", "10.99.0." + number + "/24", "dev", "narrow");
        Commands.require("ip", "-n", router, "link", "set", "narrow", "mtu", String.valueOf(mtuBytes), "up");
        Commands.require("ip", "-n", router, "addr", "add", "fd00:99::" + number + "/64", "dev", "narrow", "nodad");
    }

    private static void route(String namespace, Node to, String via, String viaIpv6, String device) {
        Commands.require("ip", "-n", namespace, "route", "add", to.address() + "/32", "via", via, "dev", device);
        Commands.require(
                "ip", "-n", namespace, "-6", "route", "add", to.ipv6Address() + "/128", "via", viaIpv6, "dev", device);
    }

    /** The routers tell nobody that a packet was too big, as clouds have it. */
    public NarrowPath filterIcmp() {
        for (String router : new String[] {first, second}) {
            Commands.inNamespace(
                            router,
                            "iptables",
                            "-A",
                            "OUTPUT",
                            "-p",
                            "icmp",
                            "--icmp-type",
                            "fragmentation-needed",
                            "-j",
                            "DROP")
                    .orThrow();
            Commands.inNamespace(
                            router,
                            "ip6tables",
                            "-A",
                            "OUTPUT",
                            "-p",
                            "icmpv6",
                            "--icmpv6-type",
                            "packet-too-big",
                            "-j",
                            "DROP")
                    .orThrow();
        }
        return this;
    }
}
