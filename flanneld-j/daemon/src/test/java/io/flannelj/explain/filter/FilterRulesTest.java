package io.flannelj.explain.filter;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.explain.filter.Passage.Hook;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rules as iptables-save and nft write them, and what they do to one packet from pod to pod. */
class FilterRulesTest {
    private static final Passage FORWARDED = new Passage(
            Hook.FORWARD,
            "docker0",
            "flannel.1",
            IpAddress.parse("10.5.1.2"),
            IpAddress.parse("10.5.2.7"),
            Passage.TCP,
            80,
            true);

    /** Answers to the sender leave by the bridge. */
    private static final ReversePath BY_BRIDGE = (from, in) -> in.equals("docker0");

    private static Optional<Drop> iptables(String... rules) {
        return iptables(FORWARDED, rules);
    }

    private static Optional<Drop> iptables(Passage passage, String... rules) {
        String saved = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:MINE - [0:0]\n" + String.join("\n", rules)
                + "\nCOMMIT\n";
        return new FilterRules(new IptablesReader("iptables", BY_BRIDGE).read(saved), "").drop(passage);
    }

    private static Passage ping(IpFamily family, boolean first) {
        boolean isV4 = family == IpFamily.IPV4;
        IpAddress from = IpAddress.parse(isV4 ? "10.5.1.2" : "fd00:5:0:1::2");
        IpAddress to = IpAddress.parse(isV4 ? "10.5.2.7" : "fd00:5:0:2::7");
        return new Passage(
                Hook.FORWARD, "docker0", "flannel.1", from, to, isV4 ? Passage.ICMP : Passage.ICMPV6, 0, first);
    }

    @ParameterizedTest
    @CsvSource({
        "IPV4, -p icmp -m icmp --icmp-type 8, true, false",
        "IPV4, -p icmp -m icmp --icmp-type 8/0, true, false",
        "IPV4, -p icmp -m icmp --icmp-type 3/4, false, false",
        "IPV4, -p icmp -m icmp --icmp-type any, true, true",
        "IPV4, -p icmp -m icmp --icmp-type 0, false, true",
        "IPV4, -p icmp -m icmp ! --icmp-type 8, false, true",
        "IPV6, -p ipv6-icmp -m icmp6 --icmpv6-type 128, true, false",
        "IPV6, -p ipv6-icmp -m icmp6 --icmpv6-type 129, false, true",
        "IPV6, -p ipv6-icmp -m icmp6 --icmpv6-type 2, false, false",
        "IPV6, -p icmp, false, false",
        "IPV6, -p ipv6-icmp, true, true"
    })
    void typesOfIcmpAreJudged(IpFamily family, String match, boolean dropsRequest, boolean dropsAnswer) {
        String rule = "-A FORWARD " + match + " -j DROP";
        assertThat(iptables(ping(family, true), rule).filter(Drop::isSure).isPresent())
                .as("request, %s", iptables(ping(family, true), rule))
                .isEqualTo(dropsRequest);
        assertThat(iptables(ping(family, false), rule).filter(Drop::isSure).isPresent())
                .as("answer")
                .isEqualTo(dropsAnswer);
        assertThat(iptables(rule)).as("TCP").isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-A FORWARD -j DROP",
                "-A FORWARD -d 10.5.2.7/32 -j DROP",
                "-A FORWARD -s 10.5.0.0/16 -d 10.5.2.0/24 -i docker0 -o flannel.1 -p tcp -j REJECT --reject-with icmp-port-unreachable",
                "-A FORWARD -i docker+ -p tcp -m tcp --dport 80 -j DROP",
                "-A FORWARD ! -s 192.168.0.0/16 -m comment --comment \"a -j b\" -j DROP",
                "-A FORWARD -p tcp -m multiport --dports 22,70:90 -j DROP",
                "-A FORWARD -m conntrack --ctstate NEW -j DROP",
                "-A FORWARD -s 10.5.1.0/24 -m rpfilter --validmark -j DROP",
            })
    void theRuleThatDropsIsNamedWithItsRemoval(String rule) {
        assertThat(iptables(rule)).hasValue(new Drop("iptables " + rule, "iptables -D" + rule.substring(2), true));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-A INPUT -j DROP",
                "-A FORWARD -d 10.5.3.0/24 -j DROP",
                "-A FORWARD -o eth0 -j DROP",
                "-A FORWARD -p udp -j DROP",
                "-A FORWARD -s 10.5.1.0/24 -m rpfilter --invert -m comment --comment \"flanneld source\" -j DROP",
                "-A FORWARD -p tcp -m tcp --dport 443 -j DROP",
                "-A FORWARD -m conntrack --ctstate INVALID -j DROP",
                "-A FORWARD -m addrtype --dst-type LOCAL -j DROP",
                "-A FORWARD -m owner --uid-owner 1-4294967294 -j DROP",
                "-A FORWARD -j LOG --log-prefix \"-j DROP \"",
                "-A FORWARD -s 10.5.0.0/16 -j ACCEPT\n-A FORWARD -j DROP",
                "-A MINE -j DROP",
                "-A FORWARD -j MINE\n-A MINE -p tcp -j RETURN\n-A MINE -j DROP",
                "-A FORWARD -j MINE\n-A MINE -j ACCEPT\n-A FORWARD -j DROP",
            })
    void whatPassesPasses(String rules) {
        assertThat(iptables(rules)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-A FORWARD -m set --match-set blocked src -j DROP",
                "-A FORWARD -m mark --mark 0x1 -j ACCEPT\n-A FORWARD -j DROP",
                "-A FORWARD -m length --length 1400:9000 -j MINE\n-A MINE -j DROP",
                "-A FORWARD -j MINE\n-A MINE -m mark --mark 0x1 -j RETURN\n-A MINE -j DROP",
            })
    void whatDependsOnMoreIsNoMoreThanPossible(String rules) {
        assertThat(iptables(rules))
                .hasValueSatisfying(drop -> assertThat(drop.isSure()).isFalse());
    }

    @Test
    void aPolicyIsNamedWithItsRemedy() {
        String saved = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i eth0 -j ACCEPT\nCOMMIT\n";
        assertThat(new FilterRules(new IptablesReader("iptables-legacy", BY_BRIDGE).read(saved), "").drop(FORWARDED))
                .hasValue(
                        new Drop("iptables-legacy: policy DROP of FORWARD", "iptables-legacy -P FORWARD ACCEPT", true));
    }

    @Test
    void aGotoDoesNotComeBack() {
        assertThat(iptables("-A FORWARD -g MINE", "-A FORWARD -j DROP")).isEmpty();
    }

    private static Optional<Drop> nft(String policy, String expressions) {
        return nft(FORWARDED, policy, expressions);
    }

    private static Optional<Drop> nft(Passage passage, String policy, String expressions) {
        String json = """
                {"nftables": [{"metainfo": {"version": "1.0.6"}},
                {"table": {"family": "inet", "name": "fw", "handle": 1}},
                {"chain": {"family": "inet", "table": "fw", "name": "fwd", "handle": 1, "type": "filter", "hook": "forward",
                  "prio": 0, "policy": "%s"}},
                {"rule": {"family": "inet", "table": "fw", "chain": "fwd", "handle": 7, "expr": [%s]}},
                {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter",
                  "hook": "forward", "prio": 0, "policy": "drop"}}]}
                """.formatted(policy, expressions);
        return new FilterRules(new NftReader(passage.to().family(), BY_BRIDGE).read(json, false), "").drop(passage);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "IPV4 | icmp   | == | \"echo-request\" | true | false",
                "IPV4 | icmp   | != | \"echo-request\" | false | true",
                "IPV4 | icmp   | == | {\"set\": [\"echo-reply\", \"destination-unreachable\"]} | false | true",
                "IPV4 | icmp   | == | {\"range\": [3, 12]} | true | false",
                "IPV4 | icmpv6 | == | \"echo-request\" | false | false",
                "IPV6 | icmpv6 | == | {\"set\": [\"echo-request\", \"echo-reply\"]} | true | true",
                "IPV6 | icmpv6 | == | \"nd-neighbor-solicit\" | false | false"
            })
    void typesOfIcmpAreJudgedInNft(
            IpFamily family, String protocol, String operator, String type, boolean dropsRequest, boolean dropsAnswer) {
        String expressions = "{\"match\": {\"op\": \"" + operator + "\", \"left\": {\"payload\": {\"protocol\": \""
                + protocol + "\", \"field\": \"type\"}}, \"right\": " + type + "}}, {\"drop\": null}";
        assertThat(nft(ping(family, true), "accept", expressions).isPresent())
                .as("request")
                .isEqualTo(dropsRequest);
        assertThat(nft(ping(family, false), "accept", expressions).isPresent())
                .as("answer")
                .isEqualTo(dropsAnswer);
        nft(ping(family, true), "accept", expressions)
                .ifPresent(drop -> assertThat(drop.isSure()).isTrue());
        assertThat(nft("accept", expressions.replace("!=", "=="))).as("TCP").isEmpty();
    }

    @Test
    void aTypeOfIcmpThatIsNotKnownIsNoMoreThanPossible() {
        assertThat(nft(
                        ping(IpFamily.IPV4, true),
                        "accept",
                        "{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"icmp\", \"field\": \"type\"}},"
                                + " \"right\": \"photuris\"}}, {\"drop\": null}"))
                .hasValueSatisfying(drop -> assertThat(drop.isSure()).isFalse());
    }

    @Test
    void nftsPolicyAndRulesCount() {
        assertThat(nft("drop", ""))
                .hasValue(new Drop(
                        "nft: policy drop of chain fwd in table inet fw",
                        "nft add chain inet fw fwd '{ policy accept ; }'",
                        true));
        String daddr =
                "{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"ip\", \"field\": \"daddr\"}}, \"right\": %s}}";
        String prefix = daddr.formatted("{\"prefix\": {\"addr\": \"10.5.2.0\", \"len\": 24}}");
        assertThat(nft("drop", prefix + ", {\"accept\": null}")).isEmpty();
        assertThat(nft("accept", prefix + ", {\"counter\": {\"packets\": 0, \"bytes\": 0}}, {\"drop\": null}"))
                .hasValue(new Drop(
                        "nft: the rule with handle 7 of chain fwd in table inet fw",
                        "nft delete rule inet fw fwd handle 7",
                        true));
        assertThat(nft("accept", daddr.formatted("\"10.5.2.8\"") + ", {\"drop\": null}"))
                .isEmpty();
        assertThat(nft("accept", daddr.formatted("\"@blocked\"") + ", {\"drop\": null}"))
                .hasValueSatisfying(drop -> assertThat(drop.isSure()).isFalse());
        assertThat(
                        nft(
                                "accept",
                                "{\"match\": {\"op\": \"in\", \"left\": {\"ct\": {\"key\": \"state\"}}, \"right\": [\"established\", \"related\"]}}, {\"drop\": null}"))
                .isEmpty();
    }

    @Test
    void whatCannotBeReadIsSaid() {
        assertThat(new FilterRules(List.of(), "no nft").problem()).isEqualTo("no nft");
    }
}
