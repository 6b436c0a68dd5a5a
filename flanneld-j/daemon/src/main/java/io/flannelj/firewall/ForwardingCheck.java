package io.flannelj.firewall;

import io.flannelj.firewall.CatchAll.Rule;
import io.flannelj.firewall.CatchAll.Rule.Kind;
import io.flannelj.linux.ProcNet;
import io.flannelj.linux.Program;
import io.flannelj.linux.Sysctl;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What on this host keeps packets from pods, though the kernel forwards: bridged packets that bypass the packet filter, and
 * rules of other owners, which are named. What an owner's rules say of the pod network or of a device of ours is taken for
 * leave.
 */
public final class ForwardingCheck {
    private static final Pattern TABLE = Pattern.compile("table (\\S+) (\\S+) \\{.*");
    private static final Pattern CHAIN = Pattern.compile("\\s+chain (\\S+) \\{.*");
    private static final Pattern FORWARDS = Pattern.compile(".*hook forward priority .*; policy (accept|drop);.*");
    private static final Pattern NETWORK = Pattern.compile("[0-9a-fA-F.:]+/\\d+");
    private static final Pattern OUR_DEVICE = Pattern.compile("([io]ifname \"|-[io] )flannel");
    private static final String OURS = "FLANNEL-FWD";

    private ForwardingCheck() {}

    /**
     * A chain that every forwarded packet passes.
     *
     * @param family {@code ip}, {@code ip6}, {@code inet} or {@code bridge}
     * @param drops whether its policy is to drop
     */
    record BaseChain(String family, String table, String chain, boolean drops) {
        String tableName() {
            return family + " " + table;
        }
    }

    /**
     * What keeps packets of pods from passing.
     *
     * @param networks the pod networks
     * @param nftables whether our rules are in nftables, so that they cannot lift what iptables' table says
     * @return a line for each obstacle, with what to do
     * @throws IOException when a program that is installed cannot be run
     */
    public static List<String> obstacles(PerFamily<Cidr> networks, boolean nftables) throws IOException {
        List<String> found = new ArrayList<>();
        if (!nftables) {
            networks.families()
                    .forEach(family -> bypass(family, ForwardingCheck::setting).ifPresent(found::add));
        }
        if (Program.exists("nft")) {
            found.addAll(inNftables(networks, nftables));
        }
        for (Map.Entry<IpFamily, Cidr> network : networks.byFamily().entrySet()) {
            String program = network.getKey() == IpFamily.IPV4 ? "iptables" : "ip6tables";
            if (!nftables) {
                found.addAll(inIptables(
                        Program.run("", program + "-save", "-t", "filter").text()));
            }
            String legacyTables = network.getKey() == IpFamily.IPV4 ? "ip_tables_names" : "ip6_tables_names";
            if (Program.exists(program + "-legacy-save")
                    && ProcNet.read(legacyTables).contains("filter")) {
                found.addAll(inLegacy(
                        Program.run("", program + "-legacy-save", "-t", "filter")
                                .text(),
                        program + "-legacy",
                        network.getValue()));
            }
        }
        return found;
    }

    private static String setting(String key) {
        try {
            return Sysctl.exists(key) ? Sysctl.read(key) : "";
        } catch (IOException e) {
            return ""; // the module was unloaded just now
        }
    }

    /** That packets between ports of a bridge do not pass iptables: those from a pod to a service with a pod on the same node. */
    static Optional<String> bypass(IpFamily family, UnaryOperator<String> settings) {
        String key = "net.bridge.bridge-nf-call-" + (family == IpFamily.IPV4 ? "iptables" : "ip6tables");
        String value = settings.apply(key);
        if (value.equals("1")) {
            return Optional.empty();
        }
        String bypass = ", so packets between pods of this node bypass iptables, as those to services: ";
        return Optional.of(
                value.isEmpty()
                        ? key + " is missing" + bypass + "modprobe br_netfilter"
                        : key + " is " + value + bypass + "sysctl -w " + key + "=1");
    }

    private static List<String> inNftables(PerFamily<Cidr> networks, boolean nftables) throws IOException {
        List<String> found = new ArrayList<>();
        String chains = Program.run("", "nft", "list", "chains").text(); // without rules, which may be many
        for (BaseChain base : forwarding(chains, nftables)) {
            Optional<Rule> last = CatchAll.of(
                    base.chain(),
                    chain -> CatchAll.inNft(Program.run("", "nft", "list", "chain", base.family(), base.table(), chain)
                            .text()));
            boolean drops = last.map(rule -> rule.kind() == Kind.DROP).orElse(base.drops());
            if (drops) {
                String rules = Program.run("", "nft", "list", "table", base.family(), base.table())
                        .text();
                dropped(base, networks, rules)
                        .filter(line -> !found.contains(line))
                        .ifPresent(found::add);
            }
        }
        return found;
    }

    /** Of {@code nft list chains}: chains of others that forwarded packets pass, whatever ours accept. */
    static List<BaseChain> forwarding(String chains, boolean nftables) {
        List<BaseChain> found = new ArrayList<>();
        String family = "";
        String table = "";
        String chain = "";
        for (String line : chains.lines().toList()) {
            Matcher tableBegin = TABLE.matcher(line);
            Matcher chainBegin = CHAIN.matcher(line);
            Matcher hook = FORWARDS.matcher(line);
            if (tableBegin.matches()) {
                family = tableBegin.group(1);
                table = tableBegin.group(2);
            } else if (chainBegin.matches()) {
                chain = chainBegin.group(1);
            } else if (hook.matches()) {
                boolean oursIsInside = !nftables && table.equals("filter") && family.startsWith("ip");
                if (!oursIsInside) {
                    found.add(new BaseChain(family, table, chain, hook.group(1).equals("drop")));
                }
            }
        }
        return found;
    }

    /** That a table which drops what it does not accept says nothing of pods. */
    static Optional<String> dropped(BaseChain base, PerFamily<Cidr> networks, String rules) {
        List<String> unnamed = networks.values().stream()
                .filter(network -> !base.family().equals(network.isIpv4() ? "ip6" : "ip"))
                .filter(network -> !names(rules, network))
                .map(Cidr::toString)
                .toList();
        if (unnamed.isEmpty()) {
            return Optional.empty();
        }
        String remedy = base.table().equals("firewalld")
                ? ": firewall-cmd --permanent --zone=trusted "
                        + unnamed.stream()
                                .map(network -> "--add-source=" + network)
                                .collect(Collectors.joining(" "))
                        + " && firewall-cmd --reload"
                : "";
        return Optional.of("nftables table " + base.tableName()
                + " drops forwarded packets that it does not accept itself, and names no rule for "
                + String.join(" and ", unnamed) + "; accept them there" + remedy);
    }

    private static boolean names(String rules, Cidr network) {
        return OUR_DEVICE.matcher(rules).find()
                || NETWORK.matcher(rules)
                        .results()
                        .flatMap(named -> Cidr.tryParse(named.group()).stream())
                        .anyMatch(named -> named.length() > 0 && named.network().contains(network));
    }

    /** Of iptables-save: a rule in front of ours that drops everything. */
    static List<String> inIptables(String saved) throws IOException {
        Map<String, List<Rule>> chains = CatchAll.inIptables(saved);
        return CatchAll.of(
                        "FORWARD",
                        chain -> chain.equals(OURS)
                                ? List.of(new Rule(OURS, Kind.ACCEPT, ""))
                                : chains.getOrDefault(chain, List.of()))
                .filter(rule -> rule.kind() == Kind.DROP)
                .map(rule -> "the rule \"" + rule.text() + "\" stands in front of ours and drops all forwarded packets;"
                        + " move it to the end of FORWARD")
                .stream()
                .toList();
    }

    /** Of iptables-legacy-save, beside which other rules cannot accept anything. */
    static List<String> inLegacy(String saved, String program, Cidr network) throws IOException {
        Map<String, List<Rule>> chains = CatchAll.inIptables(saved);
        Optional<Rule> last = CatchAll.of("FORWARD", chain -> chains.getOrDefault(chain, List.of()));
        if (!last.map(rule -> rule.kind() == Kind.DROP).orElse(saved.contains(":FORWARD DROP"))
                || names(saved, network)) {
            return List.of();
        }
        String beside = " beside the rules in use, and names no rule for " + network + ": " + program;
        return List.of(last.map(rule -> program + " has \"" + rule.text() + "\"" + beside + " -I FORWARD -s " + network
                        + " -j ACCEPT && " + program + " -I FORWARD -d " + network + " -j ACCEPT")
                .orElse(program + " has the policy DROP for FORWARD" + beside + " -P FORWARD ACCEPT"));
    }
}
