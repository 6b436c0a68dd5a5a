package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.packetfilter.OwnChain;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The guard's rules in the words of both programs.
 *
 * <p>Tunnel: pods may send to a tunnel's port among themselves, and to no other destination: neither to this node, by any of
 * its addresses, nor to another node, which would take the packet for ours once it is masqueraded. Looked at as it comes in,
 * and again behind destination NAT and reassembly.
 *
 * <p>Source: an address of this node's subnet never comes in from other nodes, and one of another node's subnet never from a
 * pod. Pods of a former subnet still reach the world.
 */
final class GuardRules {
    static final String TUNNEL = "FLANNEL-TUNNEL";
    static final String SOURCE = "FLANNEL-SOURCE";
    private static final String LOCAL = "-m addrtype --dst-type LOCAL";

    private GuardRules() {}

    /** Every chain, none of them wanted. */
    static List<OwnChain> noChains(Instance instance) {
        String tunnel = comment("tunnel", instance);
        return List.of(
                new OwnChain("raw", TUNNEL + instance.suffix(), tunnel, List.of(), List.of()),
                new OwnChain("mangle", TUNNEL + instance.suffix(), tunnel, List.of(), List.of()),
                new OwnChain("raw", SOURCE + instance.suffix(), comment("source", instance), List.of(), List.of()));
    }

    /** For one family, as iptables-save writes them. */
    static List<OwnChain> chains(DesiredRules rules, Instance instance) {
        TunnelGuard guard = rules.guard();
        if (guard.endpoints().isEmpty() && guard.podLinks().isEmpty()) {
            return noChains(instance);
        }
        String tunnel = comment("tunnel", instance);
        String source = comment("source", instance);
        List<String> tunnelRules = guard.endpoints().isEmpty()
                ? List.of()
                : tunnelRules(rules.network().toString(), guard, tunnel);
        return List.of(
                new OwnChain(
                        "raw",
                        TUNNEL + instance.suffix(),
                        tunnel,
                        tunnelJumps("PREROUTING", guard, instance).toList(),
                        tunnelRules),
                new OwnChain(
                        "mangle",
                        TUNNEL + instance.suffix(),
                        tunnel,
                        Stream.of("INPUT", "FORWARD")
                                .flatMap(builtIn -> tunnelJumps(builtIn, guard, instance))
                                .toList(),
                        tunnelRules),
                new OwnChain(
                        "raw",
                        SOURCE + instance.suffix(),
                        source,
                        List.of("-A PREROUTING -s " + rules.network() + " " + source + " -j " + SOURCE
                                + instance.suffix()),
                        sourceRules(rules, source)));
    }

    static String comment(String purpose, Instance instance) {
        String owner = instance.isOneOfMany() ? " " + instance.name() : "";
        return "-m comment --comment \"flanneld " + purpose + owner + "\"";
    }

    private static Stream<String> tunnelJumps(String builtIn, TunnelGuard guard, Instance instance) {
        return guard.endpoints().stream()
                .map(endpoint -> "-A " + builtIn + " "
                        + (endpoint.isUdp() ? "-p udp -m udp --dport " + endpoint.port() : "-p " + endpoint.protocol())
                        + " " + comment("tunnel", instance) + " -j " + TUNNEL + instance.suffix());
    }

    private static List<String> tunnelRules(String network, TunnelGuard guard, String comment) {
        List<String> rules = new ArrayList<>();
        rules.add("-d " + network + " -m addrtype ! --dst-type LOCAL " + comment + " -j RETURN");
        rules.add("-s " + network + " " + comment + " -j DROP");
        Stream.concat(guard.podLinks().stream(), guard.tunnelLinks().stream())
                .forEach(link -> rules.add("-i " + link + " " + comment + " -j DROP"));
        return rules;
    }

    private static List<String> sourceRules(DesiredRules desired, String comment) {
        TunnelGuard guard = desired.guard();
        List<String> rules = new ArrayList<>();
        Stream.concat(guard.tunnelLinks().stream(), guard.uplinks().stream())
                .forEach(link -> rules.add("-s " + desired.subnet() + " -i " + link + " " + comment + " -j DROP"));
        rules.add("-s " + desired.subnet() + " " + comment + " -j RETURN");
        for (String link : guard.podLinks()) {
            rules.add("-d " + desired.network() + " -i " + link + " " + comment + " -j DROP");
            rules.add("-i " + link + " " + LOCAL + " " + comment + " -j DROP");
        }
        return rules;
    }

    /** For one family, as chains of an nft table. */
    static String nft(DesiredRules rules, String family) {
        TunnelGuard guard = rules.guard();
        String network = rules.network().toString();
        StringBuilder text = new StringBuilder();
        String tunnels = guard.endpoints().stream()
                .map(endpoint -> "    " + match(endpoint) + " jump tunnel\n")
                .collect(Collectors.joining());
        text.append("  chain tunnel {\n    comment \"pods cannot send to where tunnel packets arrive\"\n");
        if (!guard.endpoints().isEmpty()) {
            text.append("    " + family + " daddr " + network + " fib daddr type != local return\n");
            text.append("    " + family + " saddr " + network + drop(TUNNEL));
            links(guard.podLinks(), guard.tunnelLinks())
                    .forEach(link -> text.append("    iifname " + link + drop(TUNNEL)));
        }
        text.append("  }\n  chain source {\n    comment \"pods cannot send from addresses of other nodes' pods\"\n");
        if (!guard.podLinks().isEmpty()) {
            links(guard.tunnelLinks(), guard.uplinks())
                    .forEach(link -> text.append(
                            "    " + family + " saddr " + rules.subnet() + " iifname " + link + drop(SOURCE)));
            text.append("    " + family + " saddr " + rules.subnet() + " return\n");
            for (String link : links(guard.podLinks(), List.of())) {
                text.append("    " + family + " daddr " + network + " iifname " + link + drop(SOURCE));
                text.append("    iifname " + link + " fib daddr type local" + drop(SOURCE));
            }
        }
        text.append("  }\n  chain prerouting {\n    type filter hook prerouting priority raw; policy accept;\n");
        text.append(tunnels);
        if (!guard.podLinks().isEmpty()) {
            text.append("    " + family + " saddr " + network + " jump source\n");
        }
        for (String hook : List.of("input", "forward")) {
            text.append("  }\n  chain guard_" + hook + " {\n    type filter hook " + hook
                    + " priority mangle; policy accept;\n" + tunnels);
        }
        return text.append("  }\n").toString();
    }

    private static List<String> links(List<String> some, List<String> more) {
        return Stream.concat(some.stream(), more.stream())
                .map(link -> "\"" + link + "\"")
                .toList();
    }

    private static String drop(String chain) {
        return " counter drop comment \"" + chain + "\"\n";
    }

    private static String match(TunnelEndpoint endpoint) {
        return endpoint.isUdp() ? "udp dport " + endpoint.port() : "meta l4proto " + endpoint.protocol();
    }
}
