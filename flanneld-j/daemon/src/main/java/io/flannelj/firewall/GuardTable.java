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
        List<String> tunnels = guard.endpoints().stream()
                .map(endpoint -> match(endpoint) + " jump tunnel")
                .toList();
        chain("tunnel", "pods cannot send to where tunnel packets arrive");
        if (!guard.endpoints().isEmpty()) {
            rule(family + " daddr " + network + " fib daddr type unicast return");
            rule(family + " saddr " + network + drop(GuardRules.TUNNEL));
            fromAny(links.pods(), links.tunnels()).forEach(from -> rule(from + drop(GuardRules.TUNNEL)));
        }
        end();
        chain("source", "pods cannot send from addresses of other nodes' pods");
        if (!links.pods().isEmpty()) {
            source(links, network);
        }
        end();
        hook("prerouting", "prerouting", "raw");
        tunnels.forEach(this::rule);
        if (!links.pods().isEmpty()) {
            rule(family + " saddr " + network + " jump source");
            fromAny(links.strict(), List.of())
                    .forEach(from -> rule(from + " " + family + " saddr != " + network + " jump source"));
        }
        end();
        hook("guard_postrouting", "postrouting", "mangle");
        postrouting(guard, network);
        end();
        chain("translated", "no translation leads to a tunnel");
        if (!guard.endpoints().isEmpty() && rules.masquerade()) {
            rule(family + " daddr " + network + " fib daddr type unicast return");
            rule("ct status dnat" + drop(GuardRules.TUNNEL));
        }
        end();
        for (String hook : List.of("input", "forward")) {
            hook("guard_" + hook, hook, "mangle");
            tunnels.forEach(this::rule);
            guard.endpoints().forEach(endpoint -> rule(match(endpoint) + " jump translated"));
            if (hook.equals("forward")) {
                fromAny(links.pods(), List.of())
                        .forEach(from -> guard.endpoints().stream()
                                .filter(TunnelEndpoint::isUdp)
                                .forEach(endpoint -> rule(from + " udp sport " + endpoint.port() + " " + family
                                        + " saddr != " + network + " " + family + " daddr != " + network
                                        + drop(GuardRules.TUNNEL))));
            }
            end();
        }
        return text.toString();
    }

    private void postrouting(TunnelGuard guard, String network) {
        String byAUser = " meta skuid " + GuardRules.UNPRIVILEGED + drop(GuardRules.TUNNEL);
        String toPods = family + " daddr " + network + " ";
        String elsewhere = family + " daddr != " + network + " ";
        String fromPods = family + " saddr " + network + " ";
        guard.endpoints().forEach(endpoint -> rule(fromPods + elsewhere + match(endpoint) + drop(GuardRules.TUNNEL)));
        guard.spokenByUs().stream()
                .filter(TunnelEndpoint::isUdp)
                .forEach(endpoint -> rule(elsewhere + match(endpoint) + byAUser));
        if (guard.queryPort() != 0) {
            rule(toPods + "tcp dport " + guard.queryPort() + byAUser);
            rule(fromPods + "tcp sport " + guard.queryPort() + byAUser);
        }
    }

    private void source(TunnelGuard.Links links, String network) {
        String own = family + " saddr " + rules.subnet();
        fromAny(links.own(), List.of()).forEach(from -> rule(own + " " + from + " return"));
        rule(own + " " + NO_WAY_BACK + drop(GuardRules.SOURCE));
        rule(own + " return");
        String anyPods = family + " saddr " + network;
        fromAny(links.pods(), List.of()).forEach(from -> {
            rule(anyPods + " " + family + " daddr " + network + " " + from + drop(GuardRules.SOURCE));
            rule(anyPods + " " + from + " fib daddr type local" + drop(GuardRules.SOURCE));
        });
        fromAny(links.strict(), List.of()).forEach(from -> {
            GuardRules.withoutAddress(rules.network().family())
                    .forEach(source -> rule(family + " saddr " + source + " return"));
            rule(from + " " + NO_WAY_BACK + drop(GuardRules.SOURCE));
        });
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
    private static Stream<String> fromAny(Collection<String> some, Collection<String> more) {
        String names = Stream.concat(some.stream(), more.stream())
                .map(link -> "\"" + link + "\"")
                .collect(Collectors.joining(", "));
        return names.isEmpty() ? Stream.empty() : Stream.of("iifname { " + names + " }");
    }

    private static String drop(String chain) {
        return " counter drop comment \"" + chain + "\"";
    }

    private static String match(TunnelEndpoint endpoint) {
        return endpoint.isUdp() ? "udp dport " + endpoint.port() : "meta l4proto " + endpoint.protocol();
    }
}
