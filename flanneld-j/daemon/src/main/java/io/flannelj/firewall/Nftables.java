package io.flannelj.firewall;

import java.io.IOException;
import java.util.List;

/**
 * flannel's rules by nftables: a table of our own, {@code ip flannel-ipv4}, written whole in one transaction. The fourth
 * rule means what flannel's iptables rule means; flannel's own nftables text negates the network there and so never
 * masquerades traffic from the node to remote pods.
 */
public final class Nftables implements Firewall {
    private static final String TABLE = "flannel-ipv4";

    private final CommandRunner commands;
    private String applied = "";
    private String listing = "";

    public Nftables(CommandRunner commands) {
        this.commands = commands;
    }

    @Override
    public boolean apply(DesiredRules rules) throws IOException {
        String wanted = text(rules, rules.randomFully());
        if (wanted.equals(applied) && list().equals(listing)) {
            return false;
        }
        if (rules.randomFully()
                && !commands.run(wanted, "nft", "--check", "-f", "-").succeeded()) {
            commands.require(text(rules, false), List.of("nft", "-f", "-")); // this kernel cannot randomise fully
        } else {
            commands.require(wanted, List.of("nft", "-f", "-"));
        }
        applied = wanted;
        listing = list();
        return true;
    }

    @Override
    public void remove() throws IOException {
        // "add" first: deleting what is not there would be an error.
        commands.require("add table ip " + TABLE + "\ndelete table ip " + TABLE + "\n", List.of("nft", "-f", "-"));
        applied = "";
    }

    private String list() throws IOException {
        CommandRunner.Result result = commands.run("", "nft", "list", "table", "ip", TABLE);
        return result.succeeded() ? result.output() : "";
    }

    private static String text(DesiredRules rules, boolean randomFully) {
        String network = rules.network().toString();
        String subnet = rules.subnet().toString();
        String masquerade = "masquerade" + (randomFully ? " fully-random" : "");
        StringBuilder text = new StringBuilder();
        text.append("add table ip ")
                .append(TABLE)
                .append(" { comment \"rules for ")
                .append(TABLE)
                .append("\"; }\n");
        text.append("delete table ip ").append(TABLE).append('\n');
        text.append("table ip ")
                .append(TABLE)
                .append(" {\n  comment \"rules for ")
                .append(TABLE)
                .append("\"\n");
        text.append("  chain postrtg {\n    comment \"chain to manage traffic masquerading by flannel\"\n");
        text.append("    type nat hook postrouting priority srcnat; policy accept;\n");
        if (rules.masquerade()) {
            rule(text, "meta mark & 0x4000 == 0x4000 return");
            rule(text, "ip saddr " + subnet + " ip daddr " + network + " return");
            rule(text, "ip saddr " + network + " ip daddr " + subnet + " return");
            rule(text, "ip saddr != " + network + " ip daddr " + subnet + " return");
            rule(text, "ip saddr " + network + " ip daddr != 224.0.0.0/4 " + masquerade);
            rule(text, "ip saddr != " + network + " ip daddr " + network + " " + masquerade);
        }
        text.append("  }\n  chain forward {\n    comment \"chain to accept flannel traffic\"\n");
        text.append("    type filter hook forward priority filter; policy accept;\n");
        if (rules.acceptForwarded()) {
            rule(text, "ip saddr " + network + " accept");
            rule(text, "ip daddr " + network + " accept");
        }
        return text.append("  }\n}\n").toString();
    }

    private static void rule(StringBuilder text, String rule) {
        text.append("    ").append(rule).append('\n');
    }
}
