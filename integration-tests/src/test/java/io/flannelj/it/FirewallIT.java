package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.Instance;
import io.flannelj.firewall.DesiredRules;
import io.flannelj.firewall.Firewall;
import io.flannelj.firewall.Iptables;
import io.flannelj.firewall.Nftables;
import io.flannelj.lab.Commands;
import io.flannelj.net.Cidr;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our rules in the kernel's own words, beside flannel's; each test in a namespace that ends with it. */
@NeedsPrivileges
class FirewallIT {
    private static final Cidr NETWORK = Cidr.parse("10.5.0.0/16");
    private static final Cidr SUBNET = Cidr.parse("10.5.7.0/24");
    private static final DesiredRules RULES = new DesiredRules(NETWORK, SUBNET, true, true, true, false);

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
        with(new Iptables(false, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(RULES)).isTrue();

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
        with(new Nftables(false, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(RULES)).isTrue();

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
        DesiredRules rules =
                new DesiredRules(Cidr.parse("fd00:5::/48"), Cidr.parse("fd00:5:0:7::/64"), true, true, true, false);
        with(new Iptables(true, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(rules)).isTrue();
            assertThat(firewall.apply(rules)).as("in order already").isFalse();

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
        with(new Nftables(true, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(rules)).isTrue();
            assertThat(firewall.apply(rules)).as("in order already").isFalse();

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
        with(new Nftables(false, Instance.ONLY), firewall -> {
            firewall.apply(new DesiredRules(NETWORK, SUBNET, true, true, true, true));

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
        with(new Iptables(false, Instance.ONLY), firewall -> {
            firewall.apply(RULES);
            Commands.require("iptables", "-t", "nat", "-A", "POSTROUTING", "-j", "FLANNEL-POSTRTG");

            firewall.remove();

            assertThat(Commands.require("iptables-save")).doesNotContain("FLANNEL", "flanneld");
        });
    }

    @Test
    void rulesOfAnEarlierFlannelOutsideItsChainsGo() throws IOException {
        with(new Iptables(false, Instance.ONLY), firewall -> {
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

            assertThat(firewall.apply(RULES)).isTrue();

            assertThat(Commands.require("iptables-save"))
                    .doesNotContain("10.244.0.0/16")
                    .contains("10.5.0.0/16");
            assertThat(firewall.apply(RULES)).isFalse();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theSameCallAgainChangesNothingAndRepairs(boolean nftables) throws IOException {
        with(nftables ? new Nftables(false, Instance.ONLY) : new Iptables(false, Instance.ONLY), firewall -> {
            assertThat(firewall.apply(RULES)).isTrue();
            assertThat(firewall.apply(RULES)).as("in order already").isFalse();
            if (nftables) {
                Commands.require("nft", "flush", "chain", "ip", "flannel-ipv4", "postrtg");
            } else {
                Commands.require("iptables", "-t", "nat", "-D", "FLANNEL-POSTRTG", "3");
            }
            assertThat(firewall.apply(RULES)).as("somebody removed a rule").isTrue();
            assertThat(firewall.apply(RULES)).isFalse();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void removingTakesOurRulesAndNobodyElses(boolean nftables) throws IOException {
        with(nftables ? new Nftables(false, Instance.ONLY) : new Iptables(false, Instance.ONLY), firewall -> {
            Commands.require("iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "192.0.2.1/32", "-j", "ACCEPT");
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
        with(new Iptables(false, Instance.ONLY), firewall -> {
            firewall.apply(RULES);
            firewall.apply(new DesiredRules(NETWORK, Cidr.parse("10.5.9.0/24"), true, false, false, false));

            assertThat(saved("nat")).contains("10.5.9.0/24").doesNotContain("10.5.7.0/24", "random-fully");
            assertThat(saved("filter")).as("forward rules not wanted any more").isEmpty();
        });
    }
}
