package io.flannelj.cni.engine;

import io.flannelj.linux.Program;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An attachment's rules in nftables, in one table a family, each with the attachment's tag as its comment. The table and its
 * empty chains stay when the last rule goes: another pod may be about to use them.
 */
final class NftRules implements PodFirewall.Rules {
    private static final String TABLE = "flannelj_pods";
    private static final Pattern CHAIN = Pattern.compile("\\s*chain (\\S+) \\{.*");
    private static final Pattern HANDLE = Pattern.compile(".*# handle (\\d+)");

    private final String family;
    private final String tag;

    NftRules(String family, String tag) {
        this.family = family;
        this.tag = tag;
    }

    private String rule(String chain, String what) {
        return "add rule " + family + " " + TABLE + " " + chain + " " + what + " comment \"" + tag + "\"";
    }

    private void chain(List<String> lines, String name, String hook) {
        lines.add("add chain " + family + " " + TABLE + " " + name + " { " + hook + "; }");
    }

    void addMacGuard(String nodeEnd, String podMac) throws IOException {
        List<String> lines = new ArrayList<>(List.of("add table " + family + " " + TABLE));
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
        List<String> lines = new ArrayList<>(List.of("add table " + family + " " + TABLE));
        chain(lines, "postrouting", "type nat hook postrouting priority 100");
        chain(lines, "prerouting", "type nat hook prerouting priority -100");
        chain(lines, "output", "type nat hook output priority -100");
        chain(lines, "guard", "type filter hook prerouting priority -300");
        for (Cidr pod : pods) {
            String ip = pod.isIpv6() ? "ip6" : "ip";
            if (!conf.portMappings().isEmpty()) {
                ports(lines, conf, pod, ip);
            }
            if (conf.ipMasq()) {
                lines.add(rule(
                        "postrouting",
                        ip + " saddr " + pod.address() + " " + ip + " daddr != { " + pod.network() + ", "
                                + (pod.isIpv6() ? "ff00::/8" : "224.0.0.0/4") + " } masquerade"));
            }
        }
        return lines;
    }

    private void ports(List<String> lines, BridgeConf conf, Cidr pod, String ip) {
        for (PortMapping mapping : conf.portMappings()) {
            if (!mapping.appliesTo(pod.isIpv6())) {
                continue;
            }
            IpAddress only = mapping.hostAddress();
            String destination = only == null || only.isUnspecified()
                    ? "meta nfproto " + (pod.isIpv6() ? "ipv6" : "ipv4") + " fib daddr type local"
                    : ip + " daddr " + only;
            String to = pod.isIpv6() ? "[" + pod.address() + "]" : pod.address().toString();
            for (String chain : new String[] {"prerouting", "output"}) {
                lines.add(rule(
                        chain,
                        destination + " " + mapping.protocol() + " dport " + mapping.hostPort() + " dnat " + ip + " to "
                                + to + ":" + mapping.containerPort()));
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
        Program.require(String.join("\n", lines) + "\n", "nft", "-f", "-");
    }

    @Override
    public void delete() throws IOException {
        List<String> lines = ours();
        if (!lines.isEmpty()) {
            apply(lines);
        }
    }

    @Override
    public boolean present() throws IOException {
        return !ours().isEmpty();
    }

    /** Commands that delete the attachment's rules, one each. */
    private List<String> ours() throws IOException {
        List<String> lines = new ArrayList<>();
        Program.Output listed = Program.run("", "nft", "-a", "list", "table", family, TABLE);
        String chain = "";
        for (String line : listed.text().lines().toList()) { // empty when there is no such table
            Matcher begin = CHAIN.matcher(line);
            Matcher handle = HANDLE.matcher(line);
            if (begin.matches()) {
                chain = begin.group(1);
            } else if (line.contains("comment \"" + tag + "\"") && handle.matches()) {
                lines.add("delete rule " + family + " " + TABLE + " " + chain + " handle " + handle.group(1));
            }
        }
        return lines;
    }
}
