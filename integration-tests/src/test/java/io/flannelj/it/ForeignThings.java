package io.flannelj.it;

import io.flannelj.lab.Node;

/** What other programs have on a host, as like ours as it can be. Of 10.5.0.0/16 and 10.9.0.0/16 it takes what is above .90. */
final class ForeignThings {
    private ForeignThings() {}

    static void make(Node node) {
        for (String program : new String[] {"iptables", "ip6tables"}) {
            node.run(program, "-A", "FORWARD", "-m", "comment", "--comment", "mine", "-j", "ACCEPT")
                    .orThrow();
            node.run(program, "-t", "nat", "-A", "POSTROUTING", "-m", "comment", "--comment", "mine", "-j", "ACCEPT")
                    .orThrow();
            // iptables makes its own tables and chains at the first rule and never removes them.
            for (String action : new String[] {"-A", "-D"}) {
                for (String chain : new String[] {"PREROUTING", "OUTPUT"}) {
                    node.run(program, "-t", "raw", action, chain, "-j", "RETURN")
                            .orThrow();
                }
                for (String chain : new String[] {"INPUT", "FORWARD", "POSTROUTING"}) {
                    node.run(program, "-t", "mangle", action, chain, "-j", "RETURN")
                            .orThrow();
                }
            }
        }
        ip(node, "link add flannel.9 type vxlan id 9 dstport 4789"); // as flannel's own, without a note
        ip(node, "link add flannel.8 type vxlan id 8 dstport 4790");
        ip(node, "link set flannel.8 alias flanneld-j-other"); // of another instance
        ip(node, "link set flannel.9 up");
        node.run("nft", "add", "table", "ip", "mine").orThrow();
        node.run("nft", "add", "table", "ip", "flannel-ipv4-other").orThrow();
        ip(node, "route add blackhole 10.6.0.0/16");
        ip(node, "route add 10.7.1.0/24 via 192.168.100.2");
        ip(node, "route add 10.7.2.0/24 via 192.168.100.2 proto 85"); // of another instance, in its network
        // Inside pod networks: a daemon of routing, and an operator who wants a blackhole.
        ip(node, "route add 10.5.99.0/24 via 192.168.100.2 proto static");
        ip(node, "route add blackhole 10.5.98.0/24");
        ip(node, "route add 10.9.99.0/24 via 192.168.100.2 proto static");
        ip(node, "-6 route add fd00:5:0:99::/64 via fd00:64::2 proto static");
        ip(node, "-6 route add blackhole fd00:5:0:98::/64");
    }

    private static void ip(Node node, String words) {
        node.run(("ip " + words).split(" ")).orThrow();
    }
}
