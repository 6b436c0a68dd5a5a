package io.flannelj.firewall;

import io.flannelj.linux.Program;
import io.flannelj.linux.Sysctl;
import io.flannelj.net.Cidr;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether this host forwards packets of pods at all: the kernel's switch, which is put right, and other owners' rules, which are
 * named. What an owner's rules say of the pod network is taken for leave.
 */
public final class ForwardingCheck {
    private static final String SWITCH = "net.ipv4.ip_forward";
    private static final Path LEGACY_TABLES = Path.of("/proc/net/ip_tables_names");
    private static final Pattern TABLE = Pattern.compile("table (\\S+ \\S+) \\{.*");
    private static final Pattern DROPPING = Pattern.compile(".*hook forward priority .*; policy drop;.*");
    private static final Pattern CATCH_ALL =
            Pattern.compile("-A FORWARD( -m comment --comment \\S+)? -j (DROP|REJECT)( --reject-with \\S+)?");

    private ForwardingCheck() {}

    /**
     * Turns IPv4 forwarding on where it is off.
     *
     * @return whether it was off
     * @throws IOException when it is off and cannot be turned on; says how to
     */
    public static boolean turnOn() throws IOException {
        if (Sysctl.read(SWITCH).equals("1")) {
            return false;
        }
        try {
            Sysctl.write(SWITCH, "1");
            return true;
        } catch (IOException e) {
            throw new IOException(
                    SWITCH + " is 0, so this host forwards nothing to pods, and it cannot be set from here: sysctl -w "
                            + SWITCH + "=1",
                    e);
        }
    }

    /**
     * What other owners' rules of this host do to packets of pods.
     *
     * @param network the IPv4 pod network
     * @param nftables whether our rules are in nftables, so that they cannot lift what iptables' table says
     * @return a line for each obstacle, with what to do
     * @throws IOException when a program that is installed cannot be run
     */
    public static List<String> obstacles(Cidr network, boolean nftables) throws IOException {
        List<String> found = new ArrayList<>();
        if (Program.exists("nft")) {
            String chains = Program.run("", "nft", "list", "chains").text(); // without rules, which may be many
            for (String table : dropping(chains, nftables)) {
                String[] names = table.split(" ", 2);
                if (!Program.run("", "nft", "list", "table", names[0], names[1])
                        .text()
                        .contains(network.toString())) {
                    found.add("nftables table " + table + " drops forwarded packets that it does not accept itself,"
                            + " and names no rule for " + network + "; accept them there");
                }
            }
        }
        if (!nftables) {
            found.addAll(
                    inIptables(Program.run("", "iptables-save", "-t", "filter").text(), "FLANNEL-FWD"));
        }
        if (Program.exists("iptables-legacy-save")
                && Files.isReadable(LEGACY_TABLES)
                && Files.readString(LEGACY_TABLES).contains("filter")) {
            found.addAll(inLegacy(
                    Program.run("", "iptables-legacy-save", "-t", "filter").text(), network));
        }
        return found;
    }

    /** Of what {@code nft list chains} says: tables that drop what they do not accept, whatever ours accept. */
    static List<String> dropping(String chains, boolean nftables) {
        Set<String> found = new LinkedHashSet<>();
        String table = "";
        for (String line : chains.lines().toList()) {
            Matcher begin = TABLE.matcher(line);
            if (begin.matches()) {
                table = begin.group(1);
            }
            boolean oursIsInside = table.equals("ip filter") && !nftables;
            if (DROPPING.matcher(line).matches() && !oursIsInside && !table.startsWith("ip6 ")) {
                found.add(table);
            }
        }
        return List.copyOf(found);
    }

    /** Of iptables-save: a rule in front of ours that drops everything. */
    static List<String> inIptables(String saved, String ours) {
        for (String line : saved.lines().toList()) {
            if (line.startsWith("-A FORWARD") && line.contains(" -j " + ours)) {
                return List.of();
            }
            if (CATCH_ALL.matcher(line).matches()) {
                return List.of("the rule \"" + line + "\" stands in front of ours and drops all forwarded packets;"
                        + " move it to the end of FORWARD");
            }
        }
        return List.of();
    }

    /** Of iptables-legacy-save, beside which other rules cannot accept anything. */
    static List<String> inLegacy(String saved, Cidr network) {
        return saved.contains(":FORWARD DROP") && !saved.contains(network.toString())
                ? List.of(
                        "iptables-legacy has the policy DROP for FORWARD beside the rules in use, and names no rule for "
                                + network + ": iptables-legacy -P FORWARD ACCEPT")
                : List.of();
    }
}
