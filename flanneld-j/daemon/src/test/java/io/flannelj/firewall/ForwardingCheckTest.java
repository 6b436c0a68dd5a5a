package io.flannelj.firewall;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.firewall.CatchAll.Rule.Kind;
import io.flannelj.firewall.ForwardingCheck.BaseChain;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ForwardingCheckTest {
    private static final Cidr NETWORK = Cidr.parse("10.5.0.0/16");
    private static final Cidr IPV6_NETWORK = Cidr.parse("fd00:5::/48");
    private static final PerFamily<Cidr> BOTH =
            new PerFamily<>(Map.of(IpFamily.IPV4, NETWORK, IpFamily.IPV6, IPV6_NETWORK));
    private static final String OURS = "-A FORWARD -m comment --comment \"flanneld forward\" -j FLANNEL-FWD\n";
    private static final String CHAINS = """
            table ip filter {
            	chain DOCKER {
            	}
            	chain FORWARD {
            		type filter hook forward priority filter; policy drop;
            	}
            }
            table ip6 filter {
            	chain FORWARD {
            		type filter hook forward priority filter; policy drop;
            	}
            }
            table inet firewalld {
            	chain filter_FORWARD {
            		type filter hook forward priority filter + 10; policy accept;
            	}
            	chain filter_INPUT {
            		type filter hook input priority filter + 10; policy accept;
            	}
            }
            """;
    private static final String FIREWALLD = """
            table inet firewalld {
            	chain filter_FORWARD {
            		type filter hook forward priority filter + 10; policy accept;
            		ct state { established, related } accept
            		iifname "lo" accept
            		ct state invalid drop
            		jump filter_FORWARD_ZONES
            		reject with icmpx admin-prohibited
            	}
            }
            """;

    @Test
    void chainsOfOthersAreLookedAtUnlessOursAreInTheSameTable() {
        BaseChain docker = new BaseChain("ip", "filter", "FORWARD", true);
        BaseChain dockerIpv6 = new BaseChain("ip6", "filter", "FORWARD", true);
        BaseChain firewalld = new BaseChain("inet", "firewalld", "filter_FORWARD", false);
        assertThat(ForwardingCheck.forwarding(CHAINS, true)).containsExactly(docker, dockerIpv6, firewalld);
        assertThat(ForwardingCheck.forwarding(CHAINS, false)).containsExactly(firewalld);
        assertThat(ForwardingCheck.forwarding("", true)).isEmpty();
    }

    /** firewalld accepts by policy, and rejects by its last rule. */
    @Test
    void theLastRuleOfAChainDecides() throws Exception {
        Map<String, String> chains = Map.of(
                "filter_FORWARD", FIREWALLD,
                "filter_FORWARD_ZONES", "\t\tiifname \"eth0\" goto filter_FWD_public\n\t\tgoto filter_FWD_public\n",
                "filter_FWD_public", "\t\tip saddr 192.0.2.0/24 drop\n");
        assertThat(CatchAll.of("filter_FORWARD", chain -> CatchAll.inNft(String.valueOf(chains.get(chain)))))
                .hasValueSatisfying(rule -> {
                    assertThat(rule.text()).isEqualTo("reject with icmpx admin-prohibited");
                    assertThat(rule.kind()).isEqualTo(Kind.DROP);
                });
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            drop                                                              | DROP
            counter packets 7 bytes 9 reject                                  | DROP
            log prefix "FORWARD drop " level info drop                        | DROP
            counter packets 0 bytes 0 drop comment "the rest"                 | DROP
            counter packets 0 bytes 0 accept                                  | ACCEPT
            return                                                            |
            ip daddr 10.0.0.0/8 drop                                          |
            meta l4proto tcp counter packets 0 bytes 0 reject with tcp reset  |
            limit rate 5/minute drop                                          |
            jump first                                                        |
            """)
    void whatHasNoConditionIsAlwaysDone(String rule, Kind kind) throws Exception {
        assertThat(CatchAll.of("first", chain -> CatchAll.inNft("\t\t" + rule)).map(CatchAll.Rule::kind))
                .isEqualTo(java.util.Optional.ofNullable(kind));
    }

    @Test
    void eachFamilyIsNamedByItself() {
        BaseChain inet = new BaseChain("inet", "firewalld", "filter_FORWARD", false);
        assertThat(ForwardingCheck.dropped(inet, BOTH, FIREWALLD))
                .hasValueSatisfying(line -> assertThat(line)
                        .contains("table inet firewalld drops forwarded packets", "10.5.0.0/16 and fd00:5::/48")
                        .endsWith("firewall-cmd --permanent --zone=trusted --add-source=10.5.0.0/16"
                                + " --add-source=fd00:5::/48 && firewall-cmd --reload"));
        assertThat(ForwardingCheck.dropped(inet, BOTH, FIREWALLD + "ip saddr 10.0.0.0/8 accept"))
                .hasValueSatisfying(
                        line -> assertThat(line).doesNotContain("10.5").contains("fd00:5::/48"));
        BaseChain ipv6 = new BaseChain("ip6", "filter", "FORWARD", true);
        assertThat(ForwardingCheck.dropped(ipv6, PerFamily.of(IpFamily.IPV4, NETWORK), ""))
                .as("no network of that family")
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "iifname \"flannel.1\" goto filter_FWD_trusted",
                "ip saddr 10.5.0.0/16 accept",
                "ip saddr { 10.0.0.0/8, 192.168.0.0/16 } accept"
            })
    void whatTheOwnerSaysOfUsIsLeave(String rule) {
        assertThat(ForwardingCheck.dropped(
                        new BaseChain("inet", "firewalld", "filter_FORWARD", false),
                        PerFamily.of(IpFamily.IPV4, NETWORK),
                        FIREWALLD + rule))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n",
                "-A FORWARD -m comment --comment \"the rest\" -j DROP\n",
                "-A FORWARD -j RH-Firewall\n-A RH-Firewall -i lo -j ACCEPT\n-A RH-Firewall -j REJECT --reject-with icmp-host-prohibited\n"
            })
    void aRuleThatDropsAllIsAnObstacleInFrontOfOursOnly(String theirs) throws Exception {
        assertThat(ForwardingCheck.inIptables(theirs + OURS)).hasSize(1);
        assertThat(ForwardingCheck.inIptables(OURS + theirs)).isEmpty();
    }

    @Test
    void aRuleWithAConditionIsNoObstacle() throws Exception {
        assertThat(ForwardingCheck.inIptables("-A FORWARD -i eth9 -j DROP\n" + OURS))
                .isEmpty();
    }

    @Test
    void whatIptablesLegacyDropsIsAnObstacle() throws Exception {
        assertThat(legacy("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"))
                .singleElement()
                .asString()
                .endsWith("-P FORWARD ACCEPT");
        assertThat(legacy("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j REJECT --reject-with icmp-port-unreachable\n"))
                .singleElement()
                .asString()
                .contains("-I FORWARD -s 10.5.0.0/16 -j ACCEPT");
        assertThat(legacy("*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n")).isEmpty();
        assertThat(legacy("*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 10.0.0.0/8 -j ACCEPT\n"))
                .isEmpty();
    }

    private static List<String> legacy(String saved) throws java.io.IOException {
        return ForwardingCheck.inLegacy(saved, "iptables-legacy", NETWORK);
    }

    @Test
    void bridgedPacketsThatBypassIptablesAreNamed() {
        assertThat(ForwardingCheck.bypass(IpFamily.IPV4, key -> "1")).isEmpty();
        assertThat(ForwardingCheck.bypass(IpFamily.IPV4, key -> "0"))
                .hasValueSatisfying(
                        line -> assertThat(line).endsWith("sysctl -w net.bridge.bridge-nf-call-iptables=1"));
        assertThat(ForwardingCheck.bypass(IpFamily.IPV6, key -> ""))
                .hasValueSatisfying(line -> assertThat(line)
                        .startsWith("net.bridge.bridge-nf-call-ip6tables is missing")
                        .endsWith("modprobe br_netfilter"));
    }
}
