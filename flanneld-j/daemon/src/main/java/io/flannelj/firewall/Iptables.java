package io.flannelj.firewall;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * flannel's rules by iptables, byte for byte as {@code iptables-save} shows flannel's. Compared by one save for each table;
 * applied by one restore.
 */
public final class Iptables implements Firewall {
    private static final String MASQ = "-m comment --comment \"flanneld masq\"";
    private static final String FORWARD = "-m comment --comment \"flanneld forward\"";

    private final CommandRunner commands;
    private final String program;
    private final String multicast;
    private int randomFullySupport = -1;

    /**
     * @param ipv6 which family's tables
     */
    public Iptables(CommandRunner commands, boolean ipv6) {
        this.commands = commands;
        this.program = ipv6 ? "ip6tables" : "iptables";
        this.multicast = ipv6 ? "ff00::/8" : "224.0.0.0/4";
    }

    private record Table(String name, String builtIn, String chain, String jump, List<String> rules) {}

    @Override
    public boolean apply(DesiredRules rules) throws IOException {
        boolean changed = false;
        for (Table table : tables(rules)) {
            List<String> lines = save(table);
            if (table.rules().isEmpty()) {
                changed |= remove(table, lines);
            } else if (!isAsWanted(table, lines)) {
                restore(payload(table, lines));
                changed = true;
            }
        }
        return changed;
    }

    @Override
    public void remove() throws IOException {
        for (Table table : List.of(nat(List.of()), filter(List.of()))) {
            remove(table, save(table));
        }
    }

    private List<Table> tables(DesiredRules rules) throws IOException {
        String network = rules.network().toString();
        String subnet = rules.subnet().toString();
        List<String> nat = new ArrayList<>();
        if (rules.masquerade()) {
            String masquerade = "MASQUERADE" + (rules.randomFully() && supportsRandomFully() ? " --random-fully" : "");
            // kube-proxy has marked what it wants to have masqueraded by itself
            nat.add("-m mark --mark 0x4000/0x4000 " + MASQ + " -j RETURN");
            nat.add("-s " + subnet + " -d " + network + " " + MASQ + " -j RETURN");
            nat.add("-s " + network + " -d " + subnet + " " + MASQ + " -j RETURN");
            nat.add("! -s " + network + " -d " + subnet + " " + MASQ + " -j RETURN");
            nat.add("-s " + network + " ! -d " + multicast + " " + MASQ + " -j " + masquerade);
            nat.add("! -s " + network + " -d " + network + " " + MASQ + " -j " + masquerade);
        }
        List<String> filter = rules.acceptForwarded()
                ? List.of(
                        "-s " + network + " " + FORWARD + " -j ACCEPT", "-d " + network + " " + FORWARD + " -j ACCEPT")
                : List.of();
        return List.of(nat(nat), filter(filter));
    }

    private static Table nat(List<String> rules) {
        return new Table("nat", "POSTROUTING", "FLANNEL-POSTRTG", MASQ + " -j FLANNEL-POSTRTG", rules);
    }

    private static Table filter(List<String> rules) {
        return new Table("filter", "FORWARD", "FLANNEL-FWD", FORWARD + " -j FLANNEL-FWD", rules);
    }

    private List<String> save(Table table) throws IOException {
        return commands.require("", List.of(program + "-save", "-t", table.name()))
                .output()
                .lines()
                .toList();
    }

    private static boolean isAsWanted(Table table, List<String> lines) {
        String prefix = "-A " + table.chain() + " ";
        List<String> present = lines.stream()
                .filter(line -> line.startsWith(prefix))
                .map(line -> line.substring(prefix.length()))
                .toList();
        return jumps(table, lines) == 1 && present.equals(table.rules());
    }

    private static long jumps(Table table, List<String> lines) {
        String jump = "-A " + table.builtIn() + " " + table.jump();
        return lines.stream().filter(jump::equals).count();
    }

    /** Declaring a chain empties it, so its rules are written whole; the jump keeps its place if there is just one. */
    private static String payload(Table table, List<String> lines) {
        StringBuilder text = new StringBuilder();
        text.append('*').append(table.name()).append('\n');
        text.append(':').append(table.chain()).append(" - [0:0]\n");
        long jumps = jumps(table, lines);
        for (long extra = jumps; extra > 1; extra--) {
            line(text, "-D", table.builtIn(), table.jump());
        }
        if (jumps == 0) {
            line(text, "-A", table.builtIn(), table.jump());
        }
        table.rules().forEach(rule -> line(text, "-A", table.chain(), rule));
        return text.append("COMMIT\n").toString();
    }

    private boolean remove(Table table, List<String> lines) throws IOException {
        boolean chainExists = lines.stream().anyMatch(line -> line.startsWith(":" + table.chain() + " "));
        if (!chainExists) {
            return false;
        }
        StringBuilder text = new StringBuilder();
        text.append('*').append(table.name()).append('\n');
        for (long jump = jumps(table, lines); jump > 0; jump--) {
            line(text, "-D", table.builtIn(), table.jump());
        }
        text.append("-F ")
                .append(table.chain())
                .append("\n-X ")
                .append(table.chain())
                .append("\nCOMMIT\n");
        restore(text.toString());
        return true;
    }

    private static void line(StringBuilder text, String action, String chain, String rule) {
        text.append(action).append(' ').append(chain).append(' ').append(rule).append('\n');
    }

    private void restore(String payload) throws IOException {
        commands.require(payload, List.of(program + "-restore", "--noflush", "--wait"));
    }

    private boolean supportsRandomFully() throws IOException {
        if (randomFullySupport < 0) {
            String probe = "*nat\n:FLANNEL-PROBE - [0:0]\n-A FLANNEL-PROBE -j MASQUERADE --random-fully\nCOMMIT\n";
            randomFullySupport = commands.run(probe, program + "-restore", "--noflush", "--test")
                            .succeeded()
                    ? 1
                    : 0;
        }
        return randomFullySupport == 1;
    }
}
