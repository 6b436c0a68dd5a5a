package io.flannelj.firewall;

import io.flannelj.net.TunnelEndpoint;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The guard's rules as chains of an nft table; what they mean is told by {@link GuardRules}. */
final class GuardTable {
    private static final String NO_WAY_BACK = "fib saddr . iif oif missing";

    private final DesiredRules rules;
    private final String family;
    private final StringBuilder text = new StringBuilder();

    private GuardTable(DesiredRules rules, String family) {
        this.rules = rules;
        this.family = family;
    }

    /** For one family, {@code ip} or {@code ip6}. */
    static String text(DesiredRules rules, String family) {
        return new GuardTable(rules, family).write();
    }

    private String write() {
        TunnelGuard guard = rules.guard();
        TunnelGuard.Links links = guard.links();
        String network = rules.network().toString();
        chain("tunnel", "pods cannot send to where tunnel packets arrive");
        if (!guard.endpoints().isEmpty()) {
            fromAny(links.uplinks()).forEach(from -> rule(from + " " + family + " saddr != " + network + " return"));
            rule(family + " daddr " + network + " fib daddr type unicast return");
            rule(family + " saddr " + network + drop(GuardRules.TUNNEL));
            fromAny(Stream.concat(links.pods().stream(), links.tunnels().stream())
                            .toList())
                    .forEach(from -> rule(from + drop(GuardRules.TUNNEL)));
        }
        end();
        source(links, network);
        postrouting(guard, network);
        chain("translated", "no translation leads to a tunnel");
        rule("jump tunnel");
        if (!guard.endpoints().isEmpty() && rules.masquerade()) {
            rule(family + " daddr " + network + " fib daddr type unicast return");
            rule("ct status dnat" + drop(GuardRules.TUNNEL));
        }
        end();
        for (String hook : List.of("input", "forward")) {
            hook("guard_" + hook, hook, "mangle");
            guard.endpoints().forEach(endpoint -> rule(match(endpoint) + " jump translated"));
            if (hook.equals("forward")) {
                fromAny(links.pods())
                        .forEach(from -> guard.endpoints().stream()
                                .filter(TunnelEndpoint::isUdp)
                                .forEach(endpoint -> rule("udp sport " + endpoint.port() + " " + from + " " + family
                                        + " saddr != " + network + " " + family + " daddr != " + network
                                        + drop(GuardRules.TUNNEL))));
            }
            end();
        }
        return text.toString();
    }

    private void postrouting(TunnelGuard guard, String network) {
        String toPods = " " + family + " daddr " + network;
        String elsewhere = " " + family + " daddr != " + network;
        String fromPods = " " + family + " saddr " + network;
        chain("users", "users without root do not send as this node");
        guard.spokenByUs().stream()
                .filter(TunnelEndpoint::isUdp)
                .forEach(endpoint -> rule(match(endpoint) + elsewhere + drop(GuardRules.TUNNEL)));
        if (guard.queryPort() != 0) {
            rule("tcp dport " + guard.queryPort() + toPods + drop(GuardRules.TUNNEL));
            rule("tcp sport " + guard.queryPort() + fromPods + drop(GuardRules.TUNNEL));
        }
        end();
        hook("guard_postrouting", "postrouting", "mangle");
        guard.endpoints().forEach(endpoint -> rule(match(endpoint) + fromPods + elsewhere + drop(GuardRules.TUNNEL)));
        rule("meta skuid " + GuardRules.UNPRIVILEGED + " jump users");
        end();
    }

    private void source(TunnelGuard.Links links, String network) {
        String ofPods = family + " saddr " + network;
        chain("own", "addresses of this node's pods come in where the way back leads");
        fromAny(links.own()).forEach(from -> rule(from + " return"));
        rule(NO_WAY_BACK + drop(GuardRules.SOURCE));
        end();
        chain("source", "pods cannot send from addresses of other nodes' pods");
        rule(ofPods + " " + family + " daddr " + network + drop(GuardRules.SOURCE));
        rule(ofPods + " fib daddr type local" + drop(GuardRules.SOURCE));
        fromAny(links.strict()).forEach(from -> {
            GuardRules.withoutAddress(rules.network().family())
                    .forEach(source -> rule(family + " saddr " + source + " return"));
            rule(from + " " + NO_WAY_BACK + drop(GuardRules.SOURCE));
        });
        end();
        hook("prerouting", "prerouting", "raw");
        rules.guard().endpoints().forEach(endpoint -> rule(match(endpoint) + " jump tunnel"));
        fromAny(links.pods()).forEach(from -> {
            rule(family + " saddr " + rules.subnet() + " goto own");
            rule(from + " goto source");
        });
        end();
    }

    private void chain(String name, String comment) {
        text.append("  chain ")
                .append(name)
                .append(" {\n    comment \"")
                .append(comment)
                .append("\"\n");
    }

    private void hook(String name, String hook, String priority) {
        text.append("  chain ")
                .append(name)
                .append(" {\n    type filter hook ")
                .append(hook)
                .append(" priority ");
        text.append(priority).append("; policy accept;\n");
    }

    private void rule(String rule) {
        text.append("    ").append(rule).append('\n');
    }

    private void end() {
        text.append("  }\n");
    }

    /** The match for interfaces, however many there are; none for none. */
    private static Stream<String> fromAny(Collection<String> links) {
        String names = links.stream().map(link -> "\"" + link + "\"").collect(Collectors.joining(", "));
        return names.isEmpty() ? Stream.empty() : Stream.of("iifname { " + names + " }");
    }

    private static String drop(String chain) {
        return " counter drop comment \"" + chain + "\"";
    }

    private static String match(TunnelEndpoint endpoint) {
        return endpoint.isUdp() ? "udp dport " + endpoint.port() : "meta l4proto " + endpoint.protocol();
    }
}
