package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.packetfilter.NftTable;
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
    private final NftTable table;
    private final String name;
    private final String multicast;
    private boolean randomisesFully = true;
    private GuardDrops drops = GuardDrops.NONE;

    /**
     * @param ipv6 which family's table
     * @param instance of several daemons on one host, each with a table of its own
     */
    public Nftables(boolean ipv6, Instance instance) {
        this.family = ipv6 ? "ip6" : "ip";
        this.name = (ipv6 ? "flannel-ipv6" : "flannel-ipv4") + instance.suffix();
        this.table = new NftTable(family, name);
        this.multicast = ipv6 ? "ff00::/8" : "224.0.0.0/4";
    }

    @Override
    public boolean apply(DesiredRules rules) throws IOException {
        boolean asWritten = table.isAsWritten(text(rules, rules.randomFully() && randomisesFully));
        drops = new GuardDrops(table.packets(GuardRules.TUNNEL), table.packets(GuardRules.SOURCE));
        if (asWritten) {
            return false;
        }
        randomisesFully = !rules.randomFully() || table.accepts(text(rules, true));
        table.replace(text(rules, rules.randomFully() && randomisesFully));
        return true;
    }

    @Override
    public GuardDrops drops() {
        return drops;
    }

    @Override
    public String shortcoming() {
        return "";
    }

    @Override
    public List<String> present() throws IOException {
        return table.list().isEmpty() ? List.of() : List.of("nftables table " + table);
    }

    @Override
    public void remove() throws IOException {
        table.remove();
    }

    private String text(DesiredRules rules, boolean randomFully) {
        String network = rules.network().toString();
        String subnet = rules.subnet().toString();
        String masquerade = "masquerade" + (randomFully ? " fully-random" : "");
        StringBuilder text = new StringBuilder();
        text.append("  comment \"rules for ").append(name).append("\"\n");
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
        return text.append("  }\n").append(GuardRules.nft(rules, family)).toString();
    }

    private static void rule(StringBuilder text, String rule) {
        text.append("    ").append(rule).append('\n');
    }
}
