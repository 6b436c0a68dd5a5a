package io.flannelj.firewall;

import io.flannelj.config.Instance;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.packetfilter.OwnChain;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The guard's rules in iptables' words; {@link GuardTable} has them in nft's.
 *
 * <p>Tunnel: pods may send to a tunnel's port among themselves, and to no other destination: neither to this node, by any of
 * its addresses, nor to another node, which would take the packet for ours once it is masqueraded. Looked at as it comes in,
 * and again behind destination NAT and reassembly, where no translation may lead to a tunnel. Users of this node without root
 * do not send to the tunnels that this process speaks, and neither ask nor answer at the port by which nodes explain themselves.
 * Containers of other networks send nothing from a tunnel's port: masqueraded, the flow would have that port of this node's, and
 * get what other nodes send there.
 *
 * <p>Source: an address of this node's subnet comes in only where the way back to it leads, and one of another node's subnet
 * never from a pod. Behind an interface that has this node's pods alone, every source must be one that is reached by it. Pods of
 * a former subnet still reach the world.
 */
final class GuardRules {
    static final String TUNNEL = "FLANNEL-TUNNEL";
    static final String SOURCE = "FLANNEL-SOURCE";
    private static final String LOCAL = "-m addrtype --dst-type LOCAL";
    /** Whoever is not root, by user number. */
    static final String UNPRIVILEGED = "1-4294967294";

    /** What not every kernel can match; a rule with it is left out there. */
    enum Match {
        NO_WAY_BACK("-m rpfilter --invert", "keeps pods from writing addresses of nodes"),
        BY_A_USER(
                "-m owner --uid-owner " + UNPRIVILEGED,
                "keeps users of this node without root from sending to tunnels"),
        TRANSLATED("-m conntrack --ctstate DNAT", "keeps services from leading to this node's tunnels");

        private final String option;
        private final String purpose;

        Match(String option, String purpose) {
            this.option = option;
            this.purpose = purpose;
        }

        String option() {
            return option;
        }

        /** What the rules with it do, as a clause without subject. */
        String purpose() {
            return purpose;
        }
    }

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
        if (guard.endpoints().isEmpty() && guard.links().pods().isEmpty()) {
            return noChains(instance);
        }
        String tunnel = comment("tunnel", instance);
        String source = comment("source", instance);
        List<String> tunnelRules =
                guard.endpoints().isEmpty() ? List.of() : tunnelRules(rules.network(), guard, tunnel);
        List<String> behindNat = new ArrayList<>(tunnelRules);
        if (!tunnelRules.isEmpty() && rules.masquerade()) {
            // Where nobody translates there is nothing to find, and looking would make the kernel track connections.
            behindNat.add(Match.TRANSLATED.option() + " " + tunnel + " -j DROP");
        }
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
                        Stream.of(
                                        Stream.of("INPUT", "FORWARD")
                                                .flatMap(builtIn -> tunnelJumps(builtIn, guard, instance)),
                                        portDrops(rules.network(), guard, tunnel),
                                        podsDrops(rules.network(), guard, tunnel),
                                        usersDrops(rules.network(), guard, tunnel))
                                .flatMap(jumps -> jumps)
                                .toList(),
                        behindNat),
                new OwnChain(
                        "raw",
                        SOURCE + instance.suffix(),
                        source,
                        sourceJumps(rules, source + " -j " + SOURCE + instance.suffix()),
                        sourceRules(rules, source)));
    }

    static String comment(String purpose, Instance instance) {
        String owner = instance.isOneOfMany() ? " " + instance.name() : "";
        return "-m comment --comment \"flanneld " + purpose + owner + "\"";
    }

    private static Stream<String> tunnelJumps(String builtIn, TunnelGuard guard, Instance instance) {
        return guard.endpoints().stream()
                .map(endpoint -> "-A " + builtIn + " " + match(endpoint) + " " + comment("tunnel", instance) + " -j "
                        + TUNNEL + instance.suffix());
    }

    /** Behind every translation: what IPVS has sent on was not forwarded. */
    private static Stream<String> podsDrops(Cidr network, TunnelGuard guard, String comment) {
        return guard.endpoints().stream()
                .map(endpoint -> "-A POSTROUTING -s " + network + " ! -d " + network + " " + match(endpoint) + " "
                        + comment + " -j DROP");
    }

    /** Behind every translation, too: a service may lead to a tunnel. */
    private static Stream<String> usersDrops(Cidr network, TunnelGuard guard, String comment) {
        String byAUser = " " + Match.BY_A_USER.option() + " " + comment + " -j DROP";
        Stream<String> tunnels = guard.spokenByUs().stream()
                .filter(TunnelEndpoint::isUdp)
                .map(endpoint -> "-A POSTROUTING ! -d " + network + " " + match(endpoint) + byAUser);
        return guard.queryPort() == 0
                ? tunnels
                : Stream.concat(
                        tunnels,
                        Stream.of(
                                "-A POSTROUTING -d " + network + " -p tcp -m tcp --dport " + guard.queryPort()
                                        + byAUser,
                                "-A POSTROUTING -s " + network + " -p tcp -m tcp --sport " + guard.queryPort()
                                        + byAUser));
    }

    /** Before whoever masquerades containers of other networks gives their flows the port that they came from. */
    private static Stream<String> portDrops(Cidr network, TunnelGuard guard, String comment) {
        return guard.endpoints().stream()
                .filter(TunnelEndpoint::isUdp)
                .flatMap(endpoint -> guard.links().pods().stream()
                        .map(link -> "-A FORWARD ! -s " + network + " ! -d " + network + " -i " + link
                                + " -p udp -m udp --sport " + endpoint.port() + " " + comment + " -j DROP"));
    }

    private static String match(TunnelEndpoint endpoint) {
        return endpoint.isUdp() ? "-p udp -m udp --dport " + endpoint.port() : "-p " + endpoint.protocol();
    }

    /** Broadcast and anycast addresses are not another pod's; ip6tables takes local ones for unicast, too. */
    private static List<String> tunnelRules(Cidr network, TunnelGuard guard, String comment) {
        String aPods = network.isIpv6() ? "! --dst-type LOCAL,ANYCAST" : "--dst-type UNICAST";
        List<String> rules = new ArrayList<>();
        rules.add("-d " + network + " -m addrtype " + aPods + " " + comment + " -j RETURN");
        rules.add("-s " + network + " " + comment + " -j DROP");
        Stream.concat(guard.links().pods().stream(), guard.links().tunnels().stream())
                .forEach(link -> rules.add("-i " + link + " " + comment + " -j DROP"));
        return rules;
    }

    /**
     * No jump is taken by what other nodes' pods send, which comes in by tunnels and uplinks; nor by what this node's pods send
     * from addresses of theirs, where they are behind one interface.
     */
    private static List<String> sourceJumps(DesiredRules desired, String jump) {
        TunnelGuard.Links links = desired.guard().links();
        String elsewhere = links.own().size() == 1 ? " ! -i " + links.own().get(0) : "";
        List<String> jumps = new ArrayList<>();
        jumps.add("-A PREROUTING -s " + desired.subnet() + elsewhere + " " + jump);
        links.pods().forEach(link -> jumps.add("-A PREROUTING ! -s " + desired.subnet() + " -i " + link + " " + jump));
        return jumps;
    }

    private static List<String> sourceRules(DesiredRules desired, String comment) {
        TunnelGuard.Links links = desired.guard().links();
        String own = "-s " + desired.subnet();
        String anyPods = "-s " + desired.network();
        List<String> rules = new ArrayList<>();
        links.own().forEach(link -> rules.add(own + " -i " + link + " " + comment + " -j RETURN"));
        // The kernel's own answer covers these as well, where it gives one.
        Stream.concat(links.tunnels().stream(), links.uplinks().stream())
                .forEach(link -> rules.add(own + " -i " + link + " " + comment + " -j DROP"));
        String noWayBack = Match.NO_WAY_BACK.option();
        rules.add(own + " " + noWayBack + " " + comment + " -j DROP");
        rules.add(own + " " + comment + " -j RETURN");
        for (String link : links.pods()) {
            rules.add(anyPods + " -d " + desired.network() + " -i " + link + " " + comment + " -j DROP");
            rules.add(anyPods + " -i " + link + " " + LOCAL + " " + comment + " -j DROP");
        }
        if (!links.strict().isEmpty()) {
            withoutAddress(desired.network().family())
                    .forEach(source -> rules.add("-s " + source + " " + comment + " -j RETURN"));
            links.strict().forEach(link -> rules.add("-i " + link + " " + noWayBack + " " + comment + " -j DROP"));
        }
        return rules;
    }

    /** What sends before it has an address that can be reached: DHCP, duplicate address detection, neighbour discovery. */
    static List<String> withoutAddress(IpFamily family) {
        return family == IpFamily.IPV6 ? List.of("::/128", "fe80::/10") : List.of("0.0.0.0/32");
    }

    /**
     * Ports that masquerading may give to a flow, so that none takes a tunnel's, by which the flow would get what other nodes send
     * there: the longest run of ports without one.
     *
     * @return empty when there is no tunnel with a port
     */
    static String masqueradePorts(TunnelGuard guard) {
        List<Integer> taken = guard.endpoints().stream()
                .filter(TunnelEndpoint::isUdp)
                .map(TunnelEndpoint::port)
                .sorted()
                .distinct()
                .toList();
        int first = 1024;
        int best = first;
        int bestLast = first - 1;
        for (int end : Stream.concat(taken.stream(), Stream.of(0x10000)).toList()) {
            if (end - 1 - first > bestLast - best) {
                best = first;
                bestLast = end - 1;
            }
            first = Math.max(first, end + 1);
        }
        return taken.isEmpty() ? "" : best + "-" + bestLast;
    }
}
