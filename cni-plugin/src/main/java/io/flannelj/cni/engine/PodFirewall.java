package io.flannelj.cni.engine;

import io.flannelj.linux.Program;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * One attachment's rules: masquerading, port mappings, and the guard against other MAC addresses. Every rule carries the
 * attachment's tag, by which it is found again.
 */
final class PodFirewall {
    private final BridgeConf conf;
    private final AddressRules rules;
    private final NftRules guard;

    private PodFirewall(BridgeConf conf, AddressRules rules, NftRules guard) {
        this.conf = conf;
        this.rules = rules;
        this.guard = guard;
    }

    static PodFirewall of(BridgeConf conf, Attachment attachment) {
        String tag = tag(conf.name(), attachment);
        AddressRules rules =
                conf.firewall() == FirewallKind.NFTABLES ? new NftRules("inet", tag) : new IptablesRules(tag);
        return new PodFirewall(conf, rules, new NftRules("bridge", tag));
    }

    private static String tag(String network, Attachment attachment) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-512")
                    .digest((network + " " + attachment.containerId() + " " + attachment.ifName())
                            .getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash).substring(0, 21);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    private boolean hasAddressRules() {
        return conf.ipMasq() || !conf.portMappings().isEmpty();
    }

    void add(BridgeConf wanted, List<Ipam.Ip> ips, String nodeEnd, String podMac) throws IOException {
        if (wanted.macSpoofCheck()) {
            guard.addMacGuard(nodeEnd, podMac);
        }
        if (hasAddressRules()) {
            rules.add(wanted, ips);
        }
        if (!wanted.portMappings().isEmpty()
                && ips.stream().anyMatch(ip -> ip.address().isIpv4())) {
            Interfaces.set("net/ipv4/conf/" + wanted.bridge() + "/route_localnet", "1"); // for 127.0.0.1:hostPort
        }
        forgetUdpConnections();
    }

    void delete() throws IOException {
        if (conf.macSpoofCheck()) {
            guard.delete();
        }
        if (hasAddressRules()) {
            rules.delete();
        }
        forgetUdpConnections();
    }

    void check(BridgeConf wanted, List<Ipam.Ip> ips, List<String> problems) throws IOException {
        RuleListing listing = new RuleListing();
        if (hasAddressRules() && !rules.isComplete(wanted, ips, listing)) {
            problems.add("the pod's masquerading or port mapping rules are missing");
        }
        if (wanted.macSpoofCheck() && !guard.hasMacGuard(listing)) {
            problems.add("the rule against other MAC addresses is missing");
        }
    }

    boolean isComplete(BridgeConf wanted, List<Ipam.Ip> ips, RuleListing listing) throws IOException {
        return (!hasAddressRules() || rules.isComplete(wanted, ips, listing))
                && (!wanted.macSpoofCheck() || guard.hasMacGuard(listing));
    }

    /** A client that keeps on sending would else stay with what the port led to before. */
    private void forgetUdpConnections() throws IOException {
        for (PortMapping mapping : conf.portMappings()) {
            if (mapping.protocol().equals("udp") && Program.exists("conntrack")) {
                for (String family : new String[] {"ipv4", "ipv6"}) {
                    // Status 1 says that there was none.
                    Program.run(
                            new ProcessBuilder(
                                    "conntrack",
                                    "-D",
                                    "-f",
                                    family,
                                    "-p",
                                    "udp",
                                    "--orig-port-dst",
                                    String.valueOf(mapping.hostPort())),
                            "",
                            10);
                }
            }
        }
    }
}
