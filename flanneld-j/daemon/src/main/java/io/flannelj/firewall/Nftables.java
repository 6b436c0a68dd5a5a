package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.linux.Program;
import java.io.IOException;
import java.util.List;

/**
 * flannel's rules by nftables: a table of our own for each family, {@code ip flannel-ipv4} and {@code ip6 flannel-ipv6},
 * written whole in one transaction.
 *
 * <p>Two of the rules mean what flannel's iptables rules mean, which flannel's own nftables text does not: the fourth, where
 * flannel negates the wrong network and so never masquerades traffic from the node to remote pods; and the first, where
 * it misses kube-proxy's mark when there are other marks beside it.
 */
public final class Nftables implements Firewall {
    private final String family;
    private final String table;
    private final String multicast;
    private String applied = "";
    private String listing = "";

    /**
     * @param ipv6 which family's table
     * @param instance of several daemons on one host, each with a table of its own
     */
    public Nftables(boolean ipv6, Instance instance) {
        this.family = ipv6 ? "ip6" : "ip";
        this.table = (ipv6 ? "flannel-ipv6" : "flannel-ipv4") + instance.suffix();
        this.multicast = ipv6 ? "ff00::/8" : "224.0.0.0/4";
    }

    @Override
    public boolean apply(DesiredRules rules) throws IOException {
        String wanted = text(rules, rules.randomFully());
        if (wanted.equals(applied) && list().equals(listing)) {
            return false;
        }
        if (rules.randomFully()
                && !Program.run(wanted, "nft", "--check", "-f", "-").succeeded()) {
            Program.require(text(rules, false), "nft", "-f", "-"); // this kernel cannot randomise fully
        } else {
            Program.require(wanted, "nft", "-f", "-");
        }
        applied = wanted;
        listing = list();
        return true;
    }

    @Override
    public List<String> present() throws IOException {
        return list().isEmpty() ? List.of() : List.of("nftables table " + family + " " + table);
    }

    @Override
    public void remove() throws IOException {
        // "add" first: deleting what is not there would be an error.
        Program.require(
                "add table " + family + " " + table + "\ndelete table " + family + " " + table + "\n",
                "nft",
                "-f",
                "-");
        applied = "";
    }

    private String list() throws IOException {
        Program.Output result = Program.run("", "nft", "list", "table", family, table);
        return result.succeeded() ? result.text() : "";
    }

    private String text(DesiredRules rules, boolean randomFully) {
        String network = rules.network().toString();
        String subnet = rules.subnet().toString();
        String masquerade = "masquerade" + (randomFully ? " fully-random" : "");
        StringBuilder text = new StringBuilder();
        String ours = "table " + family + " " + table;
        text.append("add ")
                .append(ours)
                .append(" { comment \"rules for ")
                .append(table)
                .append("\"; }\n");
        text.append("delete ").append(ours).append('\n');
        text.append(ours).append(" {\n  comment \"rules for ").append(table).append("\"\n");
        text.append("  chain postrtg {\n    comment \"chain to manage traffic masquerading by flannel\"\n");
        text.append("    type nat hook postrouting priority srcnat; policy accept;\n");
        if (rules.masquerade()) {
            boolean compat = rules.compatNft();
            String outside = compat ? subnet : network;
            String inside = compat ? network : subnet;
            rule(text, compat ? "meta mark 0x4000 return" : "meta mark & 0x4000 == 0x4000 return");
            rule(text, family + " saddr " + subnet + " " + family + " daddr " + network + " return");
            rule(text, family + " saddr " + network + " " + family + " daddr " + subnet + " return");
            rule(text, family + " saddr != " + outside + " " + family + " daddr " + inside + " return");
            rule(text, family + " saddr " + network + " " + family + " daddr != " + multicast + " " + masquerade);
            rule(text, family + " saddr != " + network + " " + family + " daddr " + network + " " + masquerade);
        }
        text.append("  }\n  chain forward {\n    comment \"chain to accept flannel traffic\"\n");
        text.append("    type filter hook forward priority filter; policy accept;\n");
        if (rules.acceptForwarded()) {
            rule(text, family + " saddr " + network + " accept");
            rule(text, family + " daddr " + network + " accept");
        }
        return text.append("  }\n}\n").toString();
    }

    private static void rule(StringBuilder text, String rule) {
        text.append("    ").append(rule).append('\n');
    }
}
