package io.flannelj.cni.engine;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.packetfilter.NftTable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * An attachment's rules in nftables, in one table a family, each with the attachment's tag as its comment. The table and its
 * empty chains stay when the last rule goes: another pod may be about to use them.
 */
final class NftRules implements AddressRules {
    private final NftTable table;
    private final String tag;

    NftRules(String family, String tag) {
        this.table = new NftTable(family, "flannelj_pods");
        this.tag = tag;
    }

    private String rule(String chain, String what) {
        return "add rule " + table + " " + chain + " " + what + " comment \"" + tag + "\"";
    }

    private void chain(List<String> lines, String name, String hook) {
        lines.add("add chain " + table + " " + name + " { " + hook + "; }");
    }

    void addMacGuard(String nodeEnd, String podMac) throws IOException {
        List<String> lines = new ArrayList<>(List.of("add table " + table));
        chain(lines, "guard", "type filter hook prerouting priority -300");
        lines.add(rule("guard", "iifname \"" + nodeEnd + "\" ether saddr != " + podMac + " drop"));
        apply(lines);
    }

    @Override
    public void add(BridgeConf conf, List<Ipam.Ip> ips) throws IOException {
        apply(script(conf, ips.stream().map(Ipam.Ip::address).toList()));
    }

    /** What nft is fed. */
    List<String> script(BridgeConf conf, List<Cidr> pods) {
        List<String> lines = new ArrayList<>(List.of("add table " + table));
        chain(lines, "postrouting", "type nat hook postrouting priority 100");
        chain(lines, "prerouting", "type nat hook prerouting priority -100");
        chain(lines, "output", "type nat hook output priority -100");
        chain(lines, "guard", "type filter hook prerouting priority -300");
        for (Cidr pod : pods) {
            String ip = NftTable.family(pod.family());
            if (!conf.portMappings().isEmpty()) {
                ports(lines, conf, pod, ip);
            }
            if (conf.ipMasq()) {
                lines.add(rule(
                        "postrouting",
                        ip + " saddr " + pod.address() + " " + ip + " daddr != { " + pod.network() + ", "
                                + pod.family().multicast() + " } masquerade"));
            }
        }
        return lines;
    }

    private void ports(List<String> lines, BridgeConf conf, Cidr pod, String ip) {
        for (PortMapping mapping : conf.portMappings()) {
            if (!mapping.appliesTo(pod.family())) {
                continue;
            }
            IpAddress only = mapping.hostAddress();
            String destination = only == null || only.isUnspecified()
                    ? "meta nfproto " + pod.family().name().toLowerCase(Locale.ROOT) + " fib daddr type local"
                    : ip + " daddr " + only;
            for (String chain : new String[] {"prerouting", "output"}) {
                lines.add(rule(
                        chain,
                        destination + " " + mapping.protocol() + " dport " + mapping.hostPort() + " dnat " + ip + " to "
                                + pod.address().withPort(mapping.containerPort())));
            }
        }
        String sources = pod.isIpv6() ? pod.network().toString() : "{ " + pod.network() + ", 127.0.0.0/8 }";
        lines.add(rule(
                "postrouting",
                "ct status dnat " + ip + " daddr " + pod.address() + " " + ip + " saddr " + sources + " masquerade"));
        if (pod.isIpv4()) {
            // See IptablesRules: the price of route_localnet.
            lines.add(rule("guard", "iifname \"" + conf.bridge() + "\" ip daddr 127.0.0.0/8 drop"));
        }
    }

    private static void apply(List<String> lines) throws IOException {
        NftTable.run(String.join("\n", lines) + "\n");
    }

    @Override
    public void delete() throws IOException {
        List<String> deletions = table.deletions(tag);
        if (!deletions.isEmpty()) {
            apply(deletions);
        }
    }

    @Override
    public boolean isComplete(BridgeConf conf, List<Ipam.Ip> ips, RuleListing listing) throws IOException {
        long wanted = script(conf, ips.stream().map(Ipam.Ip::address).toList()).stream()
                .filter(line -> line.startsWith("add rule"))
                .count();
        return listing.count(table, tag) >= wanted;
    }

    boolean hasMacGuard(RuleListing listing) throws IOException {
        return listing.count(table, tag) > 0;
    }
}
