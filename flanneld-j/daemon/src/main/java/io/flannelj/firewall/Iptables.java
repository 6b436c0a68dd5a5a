package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.linux.Program;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * flannel's rules by iptables and ip6tables, byte for byte as {@code iptables-save} shows flannel's. Compared by one save
 * for each table; applied by one restore for all.
 *
 * <p>Rules that bear flannel's comments, or jump to its chains, and stand where they should not are of an earlier network
 * or an earlier flannel, and go.
 */
public final class Iptables implements Firewall {
    private final String program;
    private final String multicast;
    private final String masq;
    private final String forward;
    private final Instance instance;
    private int randomFullySupport = -1;

    /**
     * @param ipv6 which family's tables
     * @param instance of several daemons on one host, which leave each other's rules alone
     */
    public Iptables(boolean ipv6, Instance instance) {
        this.program = ipv6 ? "ip6tables" : "iptables";
        String sign = instance.isOneOfMany() ? " " + instance.name() : "";
        this.masq = comment("flanneld masq" + sign);
        this.forward = comment("flanneld forward" + sign);
        this.instance = instance;
        this.multicast = ipv6 ? "ff00::/8" : "224.0.0.0/4";
    }

    private static String comment(String text) {
        return "-m comment --comment \"" + text + "\"";
    }

    private record Table(String name, String builtIn, String chain, String comment, String jump, List<String> rules) {}

    @Override
    public boolean apply(DesiredRules rules) throws IOException {
        StringBuilder payload = new StringBuilder();
        for (Table table : tables(rules)) {
            List<String> lines = save(table);
            if (table.rules().isEmpty()) {
                payload.append(removal(table, lines));
            } else if (!isAsWanted(table, lines)) {
                payload.append(replacement(table, lines));
            }
        }
        if (payload.isEmpty()) {
            return false;
        }
        restore(payload.toString());
        return true;
    }

    @Override
    public List<String> present() throws IOException {
        List<String> found = new ArrayList<>();
        for (Table table : List.of(nat(List.of()), filter(List.of()))) {
            if (!removal(table, save(table)).isEmpty()) {
                found.add(program + " rules in table " + table.name() + ": " + table.chain() + " and what leads there");
            }
        }
        return found;
    }

    @Override
    public void remove() throws IOException {
        StringBuilder payload = new StringBuilder();
        for (Table table : List.of(nat(List.of()), filter(List.of()))) {
            payload.append(removal(table, save(table)));
        }
        if (!payload.isEmpty()) {
            restore(payload.toString());
        }
    }

    private List<Table> tables(DesiredRules rules) throws IOException {
        String network = rules.network().toString();
        String subnet = rules.subnet().toString();
        List<String> nat = new ArrayList<>();
        if (rules.masquerade()) {
            String masquerade = "MASQUERADE" + (rules.randomFully() && supportsRandomFully() ? " --random-fully" : "");
            // kube-proxy has marked what it wants to have masqueraded by itself
            nat.add("-m mark --mark 0x4000/0x4000 " + masq + " -j RETURN");
            nat.add("-s " + subnet + " -d " + network + " " + masq + " -j RETURN");
            nat.add("-s " + network + " -d " + subnet + " " + masq + " -j RETURN");
            nat.add("! -s " + network + " -d " + subnet + " " + masq + " -j RETURN");
            nat.add("-s " + network + " ! -d " + multicast + " " + masq + " -j " + masquerade);
            nat.add("! -s " + network + " -d " + network + " " + masq + " -j " + masquerade);
        }
        List<String> filter = rules.acceptForwarded()
                ? List.of(
                        "-s " + network + " " + forward + " -j ACCEPT", "-d " + network + " " + forward + " -j ACCEPT")
                : List.of();
        return List.of(nat(nat), filter(filter));
    }

    private Table nat(List<String> rules) {
        String chain = "FLANNEL-POSTRTG" + instance.suffix();
        return new Table("nat", "POSTROUTING", chain, masq, masq + " -j " + chain, rules);
    }

    private Table filter(List<String> rules) {
        String chain = "FLANNEL-FWD" + instance.suffix();
        return new Table("filter", "FORWARD", chain, forward, forward + " -j " + chain, rules);
    }

    private static boolean isAsWanted(Table table, List<String> lines) {
        String prefix = "-A " + table.chain() + " ";
        List<String> present = lines.stream()
                .filter(line -> line.startsWith(prefix))
                .map(line -> line.substring(prefix.length()))
                .toList();
        return jumps(table, lines) == 1 && strays(table, lines).isEmpty() && present.equals(table.rules());
    }

    private static String jumpLine(Table table) {
        return "-A " + table.builtIn() + " " + table.jump();
    }

    private static long jumps(Table table, List<String> lines) {
        return lines.stream().filter(jumpLine(table)::equals).count();
    }

    /** Rules outside our chain that are flannel's all the same, the jump to it not counted. */
    private static List<String> strays(Table table, List<String> lines) {
        return lines.stream()
                .filter(line -> line.startsWith("-A ") && !line.startsWith("-A " + table.chain() + " "))
                .filter(line -> line.contains(table.comment()) || line.endsWith(" -j " + table.chain()))
                .filter(line -> !line.equals(jumpLine(table)))
                .toList();
    }

    /** Declaring a chain empties it, so its rules are written whole; the jump keeps its place if there is just one. */
    private static String replacement(Table table, List<String> lines) {
        StringBuilder text = new StringBuilder();
        text.append('*').append(table.name()).append('\n');
        text.append(':').append(table.chain()).append(" - [0:0]\n");
        strays(table, lines).forEach(line -> delete(text, line));
        long jumps = jumps(table, lines);
        for (long extra = jumps; extra > 1; extra--) {
            delete(text, jumpLine(table));
        }
        if (jumps == 0) {
            text.append(jumpLine(table)).append('\n');
        }
        table.rules()
                .forEach(rule -> text.append("-A ")
                        .append(table.chain())
                        .append(' ')
                        .append(rule)
                        .append('\n'));
        return text.append("COMMIT\n").toString();
    }

    /** First what refers to the chain, then the chain, in the table that it is in; empty when nothing is there. */
    private static String removal(Table table, List<String> lines) {
        StringBuilder text = new StringBuilder();
        strays(table, lines).forEach(line -> delete(text, line));
        for (long jump = jumps(table, lines); jump > 0; jump--) {
            delete(text, jumpLine(table));
        }
        if (lines.stream().anyMatch(line -> line.startsWith(":" + table.chain() + " "))) {
            text.append("-F ").append(table.chain()).append('\n');
            text.append("-X ").append(table.chain()).append('\n');
        }
        return text.isEmpty() ? "" : "*" + table.name() + "\n" + text + "COMMIT\n";
    }

    private static void delete(StringBuilder text, String line) {
        text.append("-D").append(line, 2, line.length()).append('\n');
    }

    private List<String> save(Table table) throws IOException {
        return Program.require("", program + "-save", "-t", table.name())
                .lines()
                .toList();
    }

    private void restore(String payload) throws IOException {
        Program.require(payload, program + "-restore", "--noflush", "--wait");
    }

    private boolean supportsRandomFully() throws IOException {
        if (randomFullySupport < 0) {
            String probe = "*nat\n:FLANNEL-PROBE - [0:0]\n-A FLANNEL-PROBE -j MASQUERADE --random-fully\nCOMMIT\n";
            randomFullySupport = Program.run(probe, program + "-restore", "--noflush", "--test")
                            .succeeded()
                    ? 1
                    : 0;
        }
        return randomFullySupport == 1;
    }
}
