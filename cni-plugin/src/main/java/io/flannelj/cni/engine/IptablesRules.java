package io.flannelj.cni.engine;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.packetfilter.Xtables;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An attachment's rules in iptables: three chains of its own, and the rules that lead there. */
final class IptablesRules implements AddressRules {
    private static final PerFamily<Xtables> PROGRAMS = PerFamily.of(family -> Optional.of(new Xtables(family)));

    private final String tag;

    IptablesRules(String tag) {
        this.tag = tag;
    }

    private String masquerade() {
        return "CNI-MQ-" + tag;
    }

    private String incoming() {
        return "CNI-DN-" + tag;
    }

    private String hairpin() {
        return "CNI-SN-" + tag;
    }

    @Override
    public void add(BridgeConf conf, List<Ipam.Ip> ips) throws IOException {
        for (IpFamily family : IpFamily.values()) {
            List<Cidr> pods = pods(ips, family);
            if (!pods.isEmpty()) {
                PROGRAMS.require(family).restore(script(conf, pods, family));
            }
        }
    }

    private static List<Cidr> pods(List<Ipam.Ip> ips, IpFamily family) {
        return ips.stream()
                .map(Ipam.Ip::address)
                .filter(address -> address.family() == family)
                .toList();
    }

    /** What iptables-restore is fed for one family. */
    String script(BridgeConf conf, List<Cidr> pods, IpFamily family) {
        List<String> lines = new ArrayList<>(List.of("*nat"));
        if (conf.ipMasq()) {
            lines.add(":" + masquerade() + " - [0:0]");
            for (Cidr pod : pods) {
                lines.add("-A " + masquerade() + " -d " + pod.network() + " -j ACCEPT");
            }
            lines.add("-A " + masquerade() + " ! -d " + family.multicast() + " -j MASQUERADE");
            for (Cidr pod : pods) {
                lines.add("-A POSTROUTING -s " + Cidr.host(pod.address()) + " -j " + masquerade());
            }
        }
        List<PortMapping> mappings = conf.portMappings().stream()
                .filter(mapping -> mapping.appliesTo(family))
                .toList();
        if (!mappings.isEmpty()) {
            ports(lines, mappings, pods.get(0));
        }
        lines.add("COMMIT");
        if (!mappings.isEmpty() && family == IpFamily.IPV4) {
            // route_localnet, which 127.0.0.1:hostPort needs, would let pods reach what listens on 127.0.0.1 only.
            lines.addAll(List.of(
                    "*raw",
                    "-A PREROUTING -i " + conf.bridge() + " -d 127.0.0.0/8 -m comment --comment " + incoming()
                            + " -j DROP",
                    "COMMIT"));
        }
        return String.join("\n", lines) + "\n";
    }

    private void ports(List<String> lines, List<PortMapping> mappings, Cidr pod) {
        lines.add(":" + incoming() + " - [0:0]");
        lines.add(":" + hairpin() + " - [0:0]");
        for (PortMapping mapping : mappings) {
            IpAddress only = mapping.hostAddress();
            boolean everywhere = only == null || only.isUnspecified();
            lines.add("-A " + incoming() + " -p " + mapping.protocol()
                    + Optional.ofNullable(only)
                            .filter(address -> !everywhere)
                            .map(address -> " -d " + address)
                            .orElse("")
                    + " --dport " + mapping.hostPort() + " -j DNAT --to-destination "
                    + pod.address().withPort(mapping.containerPort()));
        }
        for (String chain : new String[] {"PREROUTING", "OUTPUT"}) {
            lines.add("-A " + chain + " -m addrtype --dst-type LOCAL -j " + incoming());
        }
        // A pod of this node that comes by the node's port is answered by the node, not by its neighbour directly.
        lines.add("-A " + hairpin() + " -s " + pod.network() + " -j MASQUERADE");
        if (pod.isIpv4()) {
            lines.add("-A " + hairpin() + " -s 127.0.0.0/8 -j MASQUERADE");
        }
        // In front: the masquerading of any pod of the subnet would accept what goes to a pod of the subnet.
        lines.add("-I POSTROUTING -d " + Cidr.host(pod.address()) + " -m conntrack --ctstate DNAT -j " + hairpin());
    }

    @Override
    public void delete() throws IOException {
        for (Xtables program : PROGRAMS.values()) {
            for (String table : program.isInstalled() ? List.of("nat", "raw") : List.<String>of()) {
                String removal = Xtables.removal(table, saved(program, table), line -> line.contains(tag));
                if (!removal.isEmpty()) {
                    program.restore(removal);
                }
            }
        }
    }

    /** Nothing where the kernel has no such table. */
    private static List<String> saved(Xtables program, String table) throws IOException {
        return program.saveIfPresent(table).map(Xtables.Saved::lines).orElse(List.of());
    }

    @Override
    public boolean isComplete(BridgeConf conf, List<Ipam.Ip> ips, RuleListing listing) throws IOException {
        for (IpFamily family : IpFamily.values()) {
            List<Cidr> pods = pods(ips, family);
            String table = "";
            Map<String, Integer> wanted = new HashMap<>();
            for (String line : pods.isEmpty()
                    ? List.<String>of()
                    : script(conf, pods, family).lines().toList()) {
                table = line.startsWith("*") ? line.substring(1) : table;
                wanted.merge(table, line.startsWith("-A ") || line.startsWith("-I ") ? 1 : 0, Integer::sum);
            }
            for (Map.Entry<String, Integer> each : wanted.entrySet()) {
                if (listing.count(PROGRAMS.require(family), each.getKey(), tag) < each.getValue()) {
                    return false;
                }
            }
        }
        return true;
    }
}
