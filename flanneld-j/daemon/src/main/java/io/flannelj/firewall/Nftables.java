package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.net.IpFamily;
import io.flannelj.packetfilter.Change;
import io.flannelj.packetfilter.NftTable;
import java.io.IOException;
import java.util.List;

/**
 * flannel's rules by nftables: a table of our own for each family, {@code ip flannel-ipv4} and {@code ip6 flannel-ipv6},
 * written whole in one transaction.
 *
 * <p>Two of the rules mean what flannel's iptables rules mean, which flannel's own nftables text does not: the fourth, where
 * flannel negates the wrong network and so never masquerades traffic from the node to remote pods; and the first, where
 * it misses kube-proxy's mark when there are other marks beside it. One more keeps what is masqueraded from a tunnel's port.
 */
public final class Nftables implements Firewall {
    private final String family;
    private final NftTable table;
    private final String name;
    private final String multicast;
    private boolean randomisesFully = true;
    private GuardDrops drops = GuardDrops.NONE;

    /**
     * @param family whose table
     * @param instance of several daemons on one host, each with a table of its own
     */
    public Nftables(IpFamily family, Instance instance) {
        this.family = NftTable.family(family);
        this.name = (family == IpFamily.IPV4 ? "flannel-ipv4" : "flannel-ipv6") + instance.suffix();
        this.table = new NftTable(this.family, name);
        this.multicast = family.multicast().toString();
    }

    @Override
    public Change apply(DesiredRules rules) throws IOException {
        Change change = table.compare(text(rules, rules.randomFully() && randomisesFully));
        drops = new GuardDrops(table.packets(GuardRules.TUNNEL), table.packets(GuardRules.SOURCE));
        if (change == Change.NONE) {
            return change;
        }
        randomisesFully = !rules.randomFully() || table.accepts(text(rules, true));
        table.replace(text(rules, rules.randomFully() && randomisesFully));
        return change;
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
            String outward = family + " saddr " + network + " " + family + " daddr != " + multicast + " ";
            String ports = GuardRules.masqueradePorts(rules.guard());
            if (!ports.isEmpty()) {
                rule(text, "meta l4proto udp " + outward + masquerade.replace("masquerade", "masquerade to :" + ports));
            }
            rule(text, outward + masquerade);
            rule(text, family + " saddr != " + network + " " + family + " daddr " + network + " " + masquerade);
        }
        text.append("  }\n  chain forward {\n    comment \"chain to accept flannel traffic\"\n");
        text.append("    type filter hook forward priority filter; policy accept;\n");
        if (rules.acceptForwarded()) {
            rule(text, family + " saddr " + network + " accept");
            rule(text, family + " daddr " + network + " accept");
        }
        return text.append("  }\n").append(GuardTable.text(rules, family)).toString();
    }

    private static void rule(StringBuilder text, String rule) {
        text.append("    ").append(rule).append('\n');
    }
}
