package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.net.IpFamily;
import io.flannelj.packetfilter.Change;
import io.flannelj.packetfilter.OwnChain;
import io.flannelj.packetfilter.Xtables;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * flannel's rules by iptables and ip6tables, byte for byte as {@code iptables-save} shows flannel's, and the guard's beside
 * them, with one of those among the former. Compared by one save for each table; applied by one restore for all.
 *
 * <p>Rules that bear flannel's comments, or jump to its chains, and stand where they should not are of an earlier network
 * or an earlier flannel, and go.
 */
public final class Iptables implements Firewall {
    private final Xtables program;
    private final String multicast;
    private final Instance instance;
    private final Map<String, Boolean> supported = new HashMap<>();
    private GuardDrops drops = GuardDrops.NONE;
    private String shortcoming = "";
    private List<OwnChain> applied = List.of();

    /**
     * @param family whose tables
     * @param instance of several daemons on one host, which leave each other's rules alone
     */
    public Iptables(IpFamily family, Instance instance) {
        this.program = new Xtables(family);
        this.instance = instance;
        this.multicast = family.multicast().toString();
    }

    @Override
    public Change apply(DesiredRules rules) throws IOException {
        List<OwnChain> chains = new ArrayList<>();
        Map<String, List<String>> saved = new HashMap<>();
        for (OwnChain chain : List.of(masquerading(masqueradeRules(rules)), forwarding(forwardRules(rules)))) {
            chains.add(chain);
            saved.put(chain.table(), program.save(chain.table()));
        }
        GuardDrops counted = GuardDrops.NONE;
        shortcoming = "";
        for (OwnChain chain : GuardRules.chains(rules, instance)) {
            Optional<Xtables.Saved> table = program.saveIfPresent(chain.table());
            if (table.isPresent()) {
                chains.add(possible(chain));
                saved.put(chain.table(), normal(table.get().lines()));
                counted = counted.plus(counted(chain, table.get()));
            } else if (!chain.rules().isEmpty()) {
                shortcoming = program.program() + " has no table " + chain.table()
                        + ", which keeps pods from forging packets of other nodes";
            }
        }
        drops = counted;
        String script = difference(chains, saved);
        boolean repair = !(chains.equals(applied) ? script : difference(applied, saved)).isEmpty();
        if (!script.isEmpty()) {
            program.restore(script);
        }
        applied = chains;
        return repair ? Change.REPAIR : script.isEmpty() ? Change.NONE : Change.WANTED;
    }

    private static String difference(List<OwnChain> chains, Map<String, List<String>> saved) {
        return chains.stream()
                .map(chain -> chain.difference(saved.getOrDefault(chain.table(), List.of())))
                .collect(Collectors.joining());
    }

    /** IP in IP is shown by the name that /etc/protocols has for it, if any. */
    private static List<String> normal(List<String> lines) {
        return lines.stream()
                .map(line -> line.replaceFirst(" -p (ipencap|ipv4) ", " -p 4 "))
                .toList();
    }

    private static GuardDrops counted(OwnChain chain, Xtables.Saved saved) {
        long packets = saved.packets(line -> chain.isOurs(line) && line.endsWith(" -j DROP"));
        return chain.name().startsWith(GuardRules.TUNNEL) ? new GuardDrops(packets, 0) : new GuardDrops(0, packets);
    }

    @Override
    public GuardDrops drops() {
        return drops;
    }

    @Override
    public String shortcoming() {
        return shortcoming;
    }

    @Override
    public List<String> present() throws IOException {
        List<String> found = new ArrayList<>();
        for (OwnChain chain : own()) {
            if (!chain.removal(saved(chain)).isEmpty()) {
                found.add(program.program() + " rules in table " + chain.table() + ": " + chain.name()
                        + " and what leads there");
            }
        }
        return found;
    }

    @Override
    public void remove() throws IOException {
        StringBuilder script = new StringBuilder();
        for (OwnChain chain : own()) {
            script.append(chain.removal(saved(chain)));
        }
        if (!script.isEmpty()) {
            program.restore(script.toString());
        }
        applied = List.of();
    }

    /** A table of the guard's that this kernel does not have holds nothing. */
    private List<String> saved(OwnChain chain) throws IOException {
        return List.of("nat", "filter").contains(chain.table())
                ? program.save(chain.table())
                : program.saveIfPresent(chain.table()).map(Xtables.Saved::lines).orElse(List.of());
    }

    /** Every chain, none of them wanted. */
    private List<OwnChain> own() {
        List<OwnChain> chains = new ArrayList<>(List.of(masquerading(List.of()), forwarding(List.of())));
        chains.addAll(GuardRules.noChains(instance));
        return chains;
    }

    private OwnChain masquerading(List<String> rules) {
        return chain("nat", "POSTROUTING", "FLANNEL-POSTRTG", "masq", rules);
    }

    private OwnChain forwarding(List<String> rules) {
        return chain("filter", "FORWARD", "FLANNEL-FWD", "forward", rules);
    }

    private OwnChain chain(String table, String builtIn, String chain, String purpose, List<String> rules) {
        String name = chain + instance.suffix();
        String comment = GuardRules.comment(purpose, instance);
        return new OwnChain(table, name, comment, List.of("-A " + builtIn + " " + comment + " -j " + name), rules);
    }

    private List<String> masqueradeRules(DesiredRules rules) throws IOException {
        if (!rules.masquerade()) {
            return List.of();
        }
        String network = rules.network().toString();
        String subnet = rules.subnet().toString();
        String masq = GuardRules.comment("masq", instance);
        String masquerade = "MASQUERADE" + (rules.randomFully() && supportsRandomFully() ? " --random-fully" : "");
        String outward = "-s " + network + " ! -d " + multicast + " ";
        List<String> wanted = new ArrayList<>(List.of(
                // kube-proxy has marked what it wants to have masqueraded by itself
                "-m mark --mark 0x4000/0x4000 " + masq + " -j RETURN",
                "-s " + subnet + " -d " + network + " " + masq + " -j RETURN",
                "-s " + network + " -d " + subnet + " " + masq + " -j RETURN",
                "! -s " + network + " -d " + subnet + " " + masq + " -j RETURN",
                outward + masq + " -j " + masquerade,
                "! -s " + network + " -d " + network + " " + masq + " -j " + masquerade));
        String ports = GuardRules.masqueradePorts(rules.guard());
        if (!ports.isEmpty()) {
            wanted.add(
                    wanted.size() - 2,
                    outward + "-p udp " + masq + " -j "
                            + masquerade.replace("MASQUERADE", "MASQUERADE --to-ports " + ports));
        }
        return wanted;
    }

    private List<String> forwardRules(DesiredRules rules) {
        String forward = GuardRules.comment("forward", instance);
        return rules.acceptForwarded()
                ? List.of(
                        "-s " + rules.network() + " " + forward + " -j ACCEPT",
                        "-d " + rules.network() + " " + forward + " -j ACCEPT")
                : List.of();
    }

    private boolean supportsRandomFully() throws IOException {
        return supports("nat", "-j MASQUERADE --random-fully");
    }

    /** Asked once: neither the program nor the kernel learns. */
    private boolean supports(String table, String rule) throws IOException {
        Boolean known = supported.get(rule);
        if (known == null) {
            known = program.accepts("*" + table + "\n:FLANNEL-PROBE - [0:0]\n-A FLANNEL-PROBE " + rule + "\nCOMMIT\n");
            supported.put(rule, known);
        }
        return known;
    }

    /** The chain without the rules that this kernel does not know; those are the shortcoming. */
    private OwnChain possible(OwnChain chain) throws IOException {
        OwnChain possible = chain;
        for (GuardRules.Match match : GuardRules.Match.values()) {
            if (possible.mentions(match.option()) && !supports(chain.table(), match.option() + " -j DROP")) {
                possible = possible.without(match.option());
                shortcoming = program.program() + " or the kernel has no \"" + match.option() + "\", which "
                        + match.purpose();
            }
        }
        return possible;
    }
}
