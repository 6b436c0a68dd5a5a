package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.Instance;
import io.flannelj.firewall.DesiredRules;
import io.flannelj.firewall.Firewall;
import io.flannelj.firewall.Iptables;
import io.flannelj.firewall.Nftables;
import io.flannelj.firewall.PeerFilter;
import io.flannelj.firewall.TunnelGuard;
import io.flannelj.lab.Attacker;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Forgery;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.TunnelSenders;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import io.flannelj.packetfilter.Change;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Our rules in the kernel's own words, beside flannel's; each test in a namespace that ends with it. */
@NeedsPrivileges
class FirewallIT {
    private static final Cidr NETWORK = Cidr.parse("10.5.0.0/16");
    private static final Cidr SUBNET = Cidr.parse("10.5.7.0/24");
    private static final DesiredRules RULES =
            new DesiredRules(NETWORK, SUBNET, true, true, true, false, TunnelGuard.NONE);

    private interface Body {
        void run(Firewall firewall) throws IOException;
    }

    private static void with(Firewall firewall, Body body) throws IOException {
        NetnsThread.callInNew(() -> {
            body.run(firewall);
            return true;
        });
    }

    private static String saved(String table) {
        return saved("iptables-save", table);
    }

    private static String saved(String program, String table) {
        return Commands.require(program, "-t", table)
                .lines()
                .filter(line -> line.startsWith("-A"))
                .reduce("", (text, line) -> text + line + "\n");
    }

    @Test
    void iptablesRulesAreFlannelsToTheByte() throws IOException {
        with(new Iptables(IpFamily.IPV4, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(RULES)).isEqualTo(Change.WANTED);

            assertThat(saved("nat")).isEqualTo("""
                    -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
                    -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
                    -A FLANNEL-POSTRTG -s 10.5.7.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
                    -A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.7.0/24 -m comment --comment "flanneld masq" -j RETURN
                    -A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.7.0/24 -m comment --comment "flanneld masq" -j RETURN
                    -A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
                    -A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
                    """);
            assertThat(saved("filter")).isEqualTo("""
                    -A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
                    -A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
                    -A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
                    """);
        });
    }

    @Test
    void nftablesRulesAreFlannelsWithTheFourthPutRight() throws IOException {
        with(new Nftables(IpFamily.IPV4, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(RULES)).isEqualTo(Change.WANTED);

            assertThat(Commands.require("nft", "list", "table", "ip", "flannel-ipv4")
                            .replace("\t", "  "))
                    .contains("comment \"rules for flannel-ipv4\"")
                    .containsSubsequence(
                            "type nat hook postrouting priority srcnat; policy accept;",
                            "meta mark & 0x00004000 == 0x00004000 return",
                            "ip saddr 10.5.7.0/24 ip daddr 10.5.0.0/16 return",
                            "ip saddr 10.5.0.0/16 ip daddr 10.5.7.0/24 return",
                            "ip saddr != 10.5.0.0/16 ip daddr 10.5.7.0/24 return",
                            "ip saddr 10.5.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random",
                            "ip saddr != 10.5.0.0/16 ip daddr 10.5.0.0/16 masquerade fully-random",
                            "type filter hook forward priority filter; policy accept;",
                            "ip saddr 10.5.0.0/16 accept",
                            "ip daddr 10.5.0.0/16 accept");
        });
    }

    @Test
    void theIpv6TwinsAreFlannelsToo() throws IOException {
        DesiredRules rules = new DesiredRules(
                Cidr.parse("fd00:5::/48"), Cidr.parse("fd00:5:0:7::/64"), true, true, true, false, TunnelGuard.NONE);
        with(new Iptables(IpFamily.IPV6, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(rules)).isEqualTo(Change.WANTED);
            assertThat(firewall.apply(rules)).as("in order already").isEqualTo(Change.NONE);

            assertThat(saved("ip6tables-save", "nat")).isEqualTo("""
                    -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
                    -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
                    -A FLANNEL-POSTRTG -s fd00:5:0:7::/64 -d fd00:5::/48 -m comment --comment "flanneld masq" -j RETURN
                    -A FLANNEL-POSTRTG -s fd00:5::/48 -d fd00:5:0:7::/64 -m comment --comment "flanneld masq" -j RETURN
                    -A FLANNEL-POSTRTG ! -s fd00:5::/48 -d fd00:5:0:7::/64 -m comment --comment "flanneld masq" -j RETURN
                    -A FLANNEL-POSTRTG -s fd00:5::/48 ! -d ff00::/8 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
                    -A FLANNEL-POSTRTG ! -s fd00:5::/48 -d fd00:5::/48 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
                    """);
            assertThat(saved("filter")).as("the other family").isEmpty();
            firewall.remove();
            assertThat(saved("ip6tables-save", "nat")).isEmpty();
        });
        with(new Nftables(IpFamily.IPV6, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(rules)).isEqualTo(Change.WANTED);
            assertThat(firewall.apply(rules)).as("in order already").isEqualTo(Change.NONE);

            assertThat(Commands.require("nft", "list", "table", "ip6", "flannel-ipv6"))
                    .contains(
                            "ip6 saddr fd00:5::/48 ip6 daddr != ff00::/8 masquerade fully-random",
                            "ip6 daddr fd00:5::/48 accept");
            firewall.remove();
            assertThat(Commands.require("nft", "list", "tables")).doesNotContain("flannel");
        });
    }

    @Test
    void compatNftIsFlannelsTextAlsoWhereItIsWrong() throws IOException {
        with(new Nftables(IpFamily.IPV4, Instance.ONLY), firewall -> {
            firewall.apply(new DesiredRules(NETWORK, SUBNET, true, true, true, true, TunnelGuard.NONE));

            assertThat(Commands.require("nft", "list", "table", "ip", "flannel-ipv4"))
                    .containsSubsequence(
                            "meta mark 0x00004000 return",
                            "ip saddr 10.5.7.0/24 ip daddr 10.5.0.0/16 return",
                            "ip saddr 10.5.0.0/16 ip daddr 10.5.7.0/24 return",
                            "ip saddr != 10.5.7.0/24 ip daddr 10.5.0.0/16 return",
                            "ip saddr 10.5.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random");
        });
    }

    /** flannel 0.28 looks for FLANNEL-FWD in the wrong table, and fails on FLANNEL-POSTRTG while something jumps to it. */
    @Test
    void chainsThatFlannelLeavesBehindWhenItChangesToNftablesGo() throws IOException {
        with(new Iptables(IpFamily.IPV4, Instance.ONLY), firewall -> {
            firewall.apply(RULES);
            Commands.require("iptables", "-t", "nat", "-A", "POSTROUTING", "-j", "FLANNEL-POSTRTG");

            firewall.remove();

            assertThat(Commands.require("iptables-save")).doesNotContain("FLANNEL", "flanneld");
        });
    }

    @Test
    void rulesOfAnEarlierFlannelOutsideItsChainsGo() throws IOException {
        with(new Iptables(IpFamily.IPV4, Instance.ONLY), firewall -> {
            Commands.require(
                    "iptables",
                    "-t",
                    "nat",
                    "-A",
                    "POSTROUTING",
                    "-s",
                    "10.244.0.0/16",
                    "!",
                    "-d",
                    "224.0.0.0/4",
                    "-m",
                    "comment",
                    "--comment",
                    "flanneld masq",
                    "-j",
                    "MASQUERADE");
            Commands.require(
                    "iptables",
                    "-A",
                    "FORWARD",
                    "-s",
                    "10.244.0.0/16",
                    "-m",
                    "comment",
                    "--comment",
                    "flanneld forward",
                    "-j",
                    "ACCEPT");

            assertThat(firewall.apply(RULES)).isEqualTo(Change.WANTED);

            assertThat(Commands.require("iptables-save"))
                    .doesNotContain("10.244.0.0/16")
                    .contains("10.5.0.0/16");
            assertThat(firewall.apply(RULES)).isEqualTo(Change.NONE);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theSameCallAgainChangesNothingAndRepairs(boolean nftables) throws IOException {
        with(
                nftables ? new Nftables(IpFamily.IPV4, Instance.ONLY) : new Iptables(IpFamily.IPV4, Instance.ONLY),
                firewall -> {
                    assertThat(firewall.apply(RULES)).isEqualTo(Change.WANTED);
                    assertThat(firewall.apply(RULES)).as("in order already").isEqualTo(Change.NONE);
                    if (nftables) {
                        Commands.require("nft", "flush", "chain", "ip", "flannel-ipv4", "postrtg");
                    } else {
                        Commands.require("iptables", "-t", "nat", "-D", "FLANNEL-POSTRTG", "3");
                    }
                    assertThat(firewall.apply(RULES))
                            .as("somebody removed a rule")
                            .isEqualTo(Change.REPAIR);
                    assertThat(firewall.apply(RULES)).isEqualTo(Change.NONE);
                });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aRepairIsToldAlsoWhereOtherRulesAreWantedNow(boolean nftables) throws IOException {
        DesiredRules others =
                new DesiredRules(NETWORK, Cidr.parse("10.5.9.0/24"), true, true, true, false, TunnelGuard.NONE);
        with(
                nftables ? new Nftables(IpFamily.IPV4, Instance.ONLY) : new Iptables(IpFamily.IPV4, Instance.ONLY),
                firewall -> {
                    assertThat(firewall.apply(RULES)).isEqualTo(Change.WANTED);
                    assertThat(firewall.apply(others)).isEqualTo(Change.WANTED);
                    Commands.require("nft", "flush", "ruleset");
                    assertThat(firewall.apply(RULES)).isEqualTo(Change.REPAIR);
                    assertThat(firewall.apply(RULES)).isEqualTo(Change.NONE);
                    firewall.remove();
                    assertThat(firewall.apply(RULES)).as("removed by ourselves").isEqualTo(Change.WANTED);
                });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void removingTakesOurRulesAndNobodyElses(boolean nftables) throws IOException {
        with(
                nftables ? new Nftables(IpFamily.IPV4, Instance.ONLY) : new Iptables(IpFamily.IPV4, Instance.ONLY),
                firewall -> {
                    Commands.require(
                            "iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "192.0.2.1/32", "-j", "ACCEPT");
                    Commands.require("nft", "add", "table", "ip", "theirs");
                    String before = Commands.require("nft", "list", "ruleset") + saved("nat");
                    firewall.apply(RULES);

                    firewall.remove();
                    firewall.remove();

                    assertThat(saved("nat")).contains("192.0.2.1").doesNotContain("FLANNEL");
                    assertThat(saved("filter")).doesNotContain("FLANNEL");
                    assertThat(Commands.require("nft", "list", "tables"))
                            .contains("theirs")
                            .doesNotContain("flannel");
                    assertThat(before).contains("192.0.2.1");
                });
    }

    @Test
    void aNewSubnetReplacesTheOldRules() throws IOException {
        with(new Iptables(IpFamily.IPV4, Instance.ONLY), firewall -> {
            firewall.apply(RULES);
            firewall.apply(
                    new DesiredRules(NETWORK, Cidr.parse("10.5.9.0/24"), true, false, false, false, TunnelGuard.NONE));

            assertThat(saved("nat")).contains("10.5.9.0/24").doesNotContain("10.5.7.0/24", "random-fully");
            assertThat(saved("filter")).as("forward rules not wanted any more").isEmpty();
        });
    }

    private static TunnelSenders.Sender sender(String node, @Nullable MacAddress mac) {
        return new TunnelSenders.Sender(IpAddress.parse(node), mac);
    }

    private static DesiredRules guarded(Cidr network, Cidr subnet) {
        TunnelGuard guard = new TunnelGuard(
                List.of(TunnelEndpoint.udp(8472), TunnelEndpoint.ipInIp()),
                List.of(TunnelEndpoint.udp(8472)),
                8470,
                new TunnelGuard.Links(
                        List.of("cni0", "docker0"),
                        List.of("cni0"),
                        List.of("cni0"),
                        List.of("flannel.1"),
                        List.of("eth0")));
        return new DesiredRules(network, subnet, true, true, true, false, guard);
    }

    @Test
    void podsReachNoTunnelByIptables() throws IOException {
        with(new Iptables(IpFamily.IPV4, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(guarded(NETWORK, SUBNET))).isEqualTo(Change.WANTED);

            assertThat(saved("raw").replace("-p ipencap", "-p 4")).isEqualTo("""
                    -A PREROUTING -p udp -m udp --dport 8472 -m comment --comment "flanneld tunnel" -j FLANNEL-TUNNEL
                    -A PREROUTING -p 4 -m comment --comment "flanneld tunnel" -j FLANNEL-TUNNEL
                    -A PREROUTING -s 10.5.7.0/24 ! -i cni0 -m comment --comment "flanneld source" -j FLANNEL-SOURCE
                    -A PREROUTING ! -s 10.5.7.0/24 -i cni0 -m comment --comment "flanneld source" -j FLANNEL-SOURCE
                    -A PREROUTING ! -s 10.5.7.0/24 -i docker0 -m comment --comment "flanneld source" -j FLANNEL-SOURCE
                    -A FLANNEL-SOURCE -s 10.5.7.0/24 -i cni0 -m comment --comment "flanneld source" -j RETURN
                    -A FLANNEL-SOURCE -s 10.5.7.0/24 -i flannel.1 -m comment --comment "flanneld source" -j DROP
                    -A FLANNEL-SOURCE -s 10.5.7.0/24 -i eth0 -m comment --comment "flanneld source" -j DROP
                    -A FLANNEL-SOURCE -s 10.5.7.0/24 -m rpfilter --invert -m comment --comment "flanneld source" -j DROP
                    -A FLANNEL-SOURCE -s 10.5.7.0/24 -m comment --comment "flanneld source" -j RETURN
                    -A FLANNEL-SOURCE -s 10.5.0.0/16 -d 10.5.0.0/16 -i cni0 -m comment --comment "flanneld source" -j DROP
                    -A FLANNEL-SOURCE -s 10.5.0.0/16 -i cni0 -m addrtype --dst-type LOCAL -m comment --comment "flanneld source" -j DROP
                    -A FLANNEL-SOURCE -s 10.5.0.0/16 -d 10.5.0.0/16 -i docker0 -m comment --comment "flanneld source" -j DROP
                    -A FLANNEL-SOURCE -s 10.5.0.0/16 -i docker0 -m addrtype --dst-type LOCAL -m comment --comment "flanneld source" -j DROP
                    -A FLANNEL-SOURCE -s 0.0.0.0/32 -m comment --comment "flanneld source" -j RETURN
                    -A FLANNEL-SOURCE -i cni0 -m rpfilter --invert -m comment --comment "flanneld source" -j DROP
                    -A FLANNEL-TUNNEL -d 10.5.0.0/16 -m addrtype --dst-type UNICAST -m comment --comment "flanneld tunnel" -j RETURN
                    -A FLANNEL-TUNNEL -s 10.5.0.0/16 -m comment --comment "flanneld tunnel" -j DROP
                    -A FLANNEL-TUNNEL -i cni0 -m comment --comment "flanneld tunnel" -j DROP
                    -A FLANNEL-TUNNEL -i docker0 -m comment --comment "flanneld tunnel" -j DROP
                    -A FLANNEL-TUNNEL -i flannel.1 -m comment --comment "flanneld tunnel" -j DROP
                    """);
            assertThat(saved("mangle").replace("-p ipencap", "-p 4")).contains("""
                    -A POSTROUTING -s 10.5.0.0/16 ! -d 10.5.0.0/16 -p udp -m udp --dport 8472 -m comment --comment "flanneld tunnel" -j DROP
                    -A POSTROUTING -s 10.5.0.0/16 ! -d 10.5.0.0/16 -p 4 -m comment --comment "flanneld tunnel" -j DROP
                    -A POSTROUTING ! -d 10.5.0.0/16 -p udp -m udp --dport 8472 -m owner --uid-owner 1-4294967294 -m comment --comment "flanneld tunnel" -j DROP
                    -A POSTROUTING -d 10.5.0.0/16 -p tcp -m tcp --dport 8470 -m owner --uid-owner 1-4294967294 -m comment --comment "flanneld tunnel" -j DROP
                    -A POSTROUTING -s 10.5.0.0/16 -p tcp -m tcp --sport 8470 -m owner --uid-owner 1-4294967294 -m comment --comment "flanneld tunnel" -j DROP
                    """);
            assertThat(saved("mangle"))
                    .endsWith(
                            "-A FLANNEL-TUNNEL -m conntrack --ctstate DNAT -m comment --comment \"flanneld tunnel\" -j DROP\n");
            assertThat(saved("nat"))
                    .containsSubsequence(
                            "-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -p udp -m comment --comment \"flanneld masq\""
                                    + " -j MASQUERADE --to-ports 8473-65535 --random-fully\n",
                            "-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment \"flanneld masq\""
                                    + " -j MASQUERADE --random-fully\n");
        });
    }

    @ParameterizedTest
    @CsvSource({"true,IPV6", "true,IPV4", "false,IPV6", "false,IPV4"})
    void theGuardIsRepairedAndGoes(boolean nftables, IpFamily family) throws IOException {
        Instance instance = new Instance("lab");
        boolean ipv6 = family == IpFamily.IPV6;
        DesiredRules rules =
                ipv6 ? guarded(Cidr.parse("fd00:5::/48"), Cidr.parse("fd00:5:0:7::/64")) : guarded(NETWORK, SUBNET);
        String program = ipv6 ? "ip6tables" : "iptables";
        with(nftables ? new Nftables(family, instance) : new Iptables(family, instance), firewall -> {
            assertThat(firewall.apply(rules)).isEqualTo(Change.WANTED);
            assertThat(firewall.apply(rules)).as("in order already").isEqualTo(Change.NONE);
            if (nftables) {
                String table = ipv6 ? "flannel-ipv6-lab" : "flannel-ipv4-lab";
                Commands.require("nft", "flush", "chain", ipv6 ? "ip6" : "ip", table, "tunnel");
            } else {
                Commands.require(program, "-t", "mangle", "-F", "INPUT");
            }
            assertThat(firewall.apply(rules)).as("somebody flushed a chain").isEqualTo(Change.REPAIR);
            assertThat(firewall.apply(rules)).isEqualTo(Change.NONE);
            assertThat(firewall.present()).isNotEmpty();
            firewall.remove();
            assertThat(Commands.require(program + "-save") + Commands.require("nft", "list", "ruleset"))
                    .doesNotContain("FLANNEL", "flannel");
        });
    }

    @Test
    void theSourceCheckOfWhatTheKernelCarriesIsRepaired() throws IOException {
        MacAddress mac = MacAddress.parse("02:00:00:00:00:01");
        List<PeerSource> sources = List.of(
                new PeerSource("flannel.1", mac, Cidr.parse("10.5.8.0/24")),
                new PeerSource("flannel.1", mac, Cidr.parse("192.168.0.8/32")),
                new PeerSource("flannel-v6.1", mac, Cidr.parse("fd00:5:0:8::/64")),
                new PeerSource("eth0", null, Cidr.parse("10.5.9.0/24")));
        List<TunnelSenders> tunnels = List.of(
                new TunnelSenders(TunnelEndpoint.udp(8472), 1, List.of(sender("192.168.0.8", mac))),
                new TunnelSenders(TunnelEndpoint.udp(8472), 2, List.of(sender("fd00::8", mac))),
                new TunnelSenders(TunnelEndpoint.udp(8473), 1, List.of()),
                new TunnelSenders(TunnelEndpoint.ipInIp(), 0, List.of(sender("192.168.0.8", null))));
        List<Cidr> networks = List.of(NETWORK, Cidr.parse("fd00:5::/48"));
        NetnsThread.callInNew(() -> {
            PeerFilter filter = new PeerFilter(Instance.ONLY);
            assertThat(filter.apply(sources, tunnels, networks, "eth0")).isEqualTo(Change.WANTED);
            assertThat(filter.apply(sources, tunnels, networks, "eth0"))
                    .as("in order already")
                    .isEqualTo(Change.NONE);
            Commands.require("nft", "flush", "chain", "inet", "flannel-peers", "prerouting");
            assertThat(filter.apply(sources, tunnels, networks, "eth0"))
                    .as("somebody flushed it")
                    .isEqualTo(Change.REPAIR);
            filter.remove();
            assertThat(Commands.require("nft", "list", "ruleset")).isEmpty();
            return true;
        });
    }

    /** The rules alone: not every kernel has the device, which would unwrap what they let pass. */
    @Test
    void aStrangersIpInIpDoesNotPass() throws IOException {
        try (Lab lab = Lab.open(2, Lab.Underlay.ON)) {
            Node node = lab.node(1);
            String peer = lab.node(2).address();
            List<TunnelSenders> tunnels =
                    List.of(new TunnelSenders(TunnelEndpoint.ipInIp(), 0, List.of(sender(peer, null))));
            PeerFilter filter = new PeerFilter(Instance.ONLY);
            try (Netns namespace = Netns.open(Path.of("/run/netns", node.namespace()))) {
                NetnsThread.call(namespace, () -> filter.apply(List.of(), tunnels, List.of(NETWORK), "eth0"));
            }
            byte[] forPods = Forgery.inner("10.5.9.2", "10.5.7.2");
            byte[] forAnotherTunnel = Forgery.inner("10.5.9.2", "10.6.7.2");

            Attacker.on(lab).sendRaw(node.address(), Forgery.ipip("0.0.0.0", node.address(), forPods));
            Attacker.on(lab).sendRaw(node.address(), Forgery.ipip("0.0.0.0", node.address(), forAnotherTunnel));
            Attacker.in(lab.node(2)).sendRaw(node.address(), Forgery.ipip("0.0.0.0", node.address(), forPods));

            assertThat(node.run("nft", "list", "table", "inet", "flannel-peers").output())
                    .contains("counter packets 5 bytes");
        }
    }
}
