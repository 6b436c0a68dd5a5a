package io.flannelj.explain;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.explain.PeerQuery.Outcome;
import io.flannelj.explain.PeerQuery.Reaction;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Route;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What the checks make of facts. */
class ChecksTest {
    private static final String NODE = "192.0.2.1";
    private static final String PEER = "192.0.2.2";
    private static final IpAddress A = IpAddress.parse("10.5.1.2");
    private static final IpAddress B = IpAddress.parse("10.5.2.7");

    @Nested
    class OfTheKernelsDecision {
        private static final List<Cidr> NETWORKS = List.of(Cidr.parse("10.5.0.0/16"));

        private static RouteCheck.Facts facts(
                Route route, String device, String back, boolean forwards, boolean strict) {
            return new RouteCheck.Facts(
                    A, B, "docker0", route, device, "ENETUNREACH", back, forwards, forwards, strict, false, "docker0");
        }

        private static Route toLink(String destination) {
            return Route.toLink(Cidr.parse(destination), 5);
        }

        @Test
        void theRightRouteIsRight() {
            Finding found = RouteCheck.judgeRoute(
                    NODE,
                    facts(toLink("10.5.0.0/16"), "flannel.1", "docker0", true, false),
                    Set.of("flannel.1"),
                    NETWORKS);
            assertThat(found.verdict()).isEqualTo(Verdict.OK);
            assertThat(found.evidence()).isEqualTo("10.5.2.7 by route 10.5.0.0/16 dev flannel.1");
        }

        @Test
        void aMoreSpecificRouteIsNamedWithItsRemoval() {
            Finding found = RouteCheck.judgeRoute(
                    NODE, facts(toLink("10.5.2.0/24"), "old", "docker0", true, false), Set.of("flannel.1"), NETWORKS);
            assertThat(found.isBroken()).isTrue();
            assertThat(found.remedy()).isEqualTo("ip route delete 10.5.2.0/24 dev old");
        }

        @Test
        void noCommandIsGivenAgainstARouteThatIsNotForPodsAlone() {
            Finding found = RouteCheck.judgeRoute(
                    NODE, facts(toLink("10.0.0.0/8"), "vpn0", "docker0", true, false), Set.of("flannel.1"), NETWORKS);
            assertThat(found.isBroken()).isTrue();
            assertThat(found.remedy()).startsWith("find out who made the route");
        }

        @Test
        void forwardingThatIsOffIsBroken() {
            assertThat(RouteCheck.judgeForwarding(
                            NODE, facts(toLink("10.5.0.0/16"), "flannel.1", "docker0", false, false)))
                    .hasValueSatisfying(
                            found -> assertThat(found.remedy()).isEqualTo("sysctl -w net.ipv4.ip_forward=1"));
        }

        @Test
        void strictFilteringMattersWhereAnswersLeaveElsewhere() {
            Route route = toLink("10.5.0.0/16");
            assertThat(RouteCheck.judgeSource(NODE, facts(route, "flannel.1", "docker0", true, true)))
                    .hasValueSatisfying(found -> assertThat(found.isBroken()).isFalse());
            assertThat(RouteCheck.judgeSource(NODE, facts(route, "flannel.1", "eth0", true, true)))
                    .hasValueSatisfying(found ->
                            assertThat(found.remedy()).isEqualTo("sysctl -w net.ipv4.conf.docker0.rp_filter=2"));
            assertThat(RouteCheck.judgeSource(NODE, facts(route, "flannel.1", "eth0", true, false)))
                    .hasValueSatisfying(found -> assertThat(found.isBroken()).isFalse());
        }
    }

    @Nested
    class OfThePeer {
        private static Finding judge(
                Reaction reaction, boolean refused, boolean inside, boolean outside, String drops) {
            return PeerCheck.judge(
                    NODE,
                    new PeerCheck.Facts(
                            PEER,
                            8472,
                            new Outcome(reaction, null, "nothing"),
                            new Conversation.Signs(inside, refused, outside),
                            true,
                            drops),
                    "flanneld-j explain A B");
        }

        @Test
        void whoClosesWithoutAnAnswerIsNotTakenForAFirewall() {
            assertThat(judge(Reaction.CLOSED, false, false, false, "").evidence())
                    .contains("passes both ways", "busy")
                    .doesNotContain("firewall");
        }

        @Test
        void silenceIsToldApartByWhatElseAnswers() {
            assertThat(judge(Reaction.SILENT, true, false, true, "").remedy()).isEqualTo("systemctl start flanneld-j");
            assertThat(judge(Reaction.SILENT, false, true, true, "").verdict()).isEqualTo(Verdict.UNKNOWN);
            assertThat(judge(Reaction.SILENT, false, false, true, "").evidence())
                    .contains("filtered on the way or there");
            assertThat(judge(Reaction.SILENT, false, false, false, "").evidence())
                    .contains("nor is ping");
            assertThat(judge(Reaction.SILENT, false, false, true, "wrong_mac 3").node())
                    .isEqualTo(NODE);
            assertThat(judge(Reaction.SILENT, false, false, true, "wrong_vni 3").evidence())
                    .contains("wrong_vni 3");
        }

        @Test
        void aPeerWithoutTheQueryIsNotBroken() {
            assertThat(judge(Reaction.REFUSED, false, false, false, "").verdict())
                    .isEqualTo(Verdict.UNKNOWN);
            assertThat(judge(Reaction.NOT_ASKED, false, false, false, "").verdict())
                    .isEqualTo(Verdict.UNKNOWN);
        }

        @Test
        void aClockThatIsAnHourOffIsBroken() {
            long now = 1_800_000_000_000L;
            assertThat(PeerCheck.judgeClock(NODE, PEER, now + 3_600_000, now)).satisfies(found -> {
                assertThat(found.isBroken()).isTrue();
                assertThat(found.node()).isEqualTo(PEER);
                assertThat(found.evidence()).contains("3600 s ahead of");
            });
            assertThat(PeerCheck.judgeClock(NODE, PEER, now - 3_600_000, now).evidence())
                    .contains("3600 s behind");
            assertThat(PeerCheck.judgeClock(NODE, PEER, now + 2000, now).isBroken())
                    .isFalse();
        }
    }

    @Nested
    class OfTheWholeWay {
        @Test
        void theFirstBrokenLinkDecides() {
            Finding ok = Finding.ok(NODE, Hop.POD, "");
            Finding rules = Finding.broken(NODE, Hop.RULES, "a rule", "remove it");
            Finding bridge = Finding.broken(PEER, Hop.BRIDGE, "no address", "add it");
            Finding silent = Finding.broken(PEER, Hop.PEER, "silent", "look");
            Finding unknown = Finding.unknown(PEER, Hop.POD, "not seen");
            assertThat(of(ok).outcome()).isEqualTo(Explanation.Outcome.HEALTHY);
            assertThat(of(ok, unknown).outcome()).isEqualTo(Explanation.Outcome.NOT_ALL_KNOWN);
            assertThat(of(ok, rules, bridge).outcome()).isEqualTo(Explanation.Outcome.BROKEN_HERE);
            assertThat(of(unknown, bridge, rules).outcome()).isEqualTo(Explanation.Outcome.BROKEN_THERE);
            assertThat(of(silent).outcome()).isEqualTo(Explanation.Outcome.BROKEN_BETWEEN);
            assertThat(of(ok, rules, bridge).broken()).isEqualTo(Optional.of(rules));
        }

        private static Explanation of(Finding... findings) {
            return new Explanation("a", "b", NODE, List.of(findings));
        }

        @Test
        void whatAnotherNodeSaysCannotSteerTheTerminal() {
            assertThat(Finding.ok(NODE, Hop.POD, "a\u001b[2Jb\nc").evidence()).isEqualTo("a\\u001b[2Jb\\nc");
        }
    }

    @Test
    void theKernelsWordsAreCountedByReasonAndPlace() {
        String trace = """
                 java-1 [000] b.s.. 1.0: kfree_skb: skbaddr=00 rx_sk=00 protocol=2048 location=nf_hook_slow+0x9f/0x110 reason: NETFILTER_DROP
                 java-1 [000] b.s.. 1.1: kfree_skb: skbaddr=00 rx_sk=00 protocol=2048 location=nf_hook_slow+0x9f/0x110 reason: NETFILTER_DROP
                 java-1 [000] b.s.. 1.2: kfree_skb: skbaddr=00 rx_sk=00 protocol=2048 location=tcp_v4_rcv+0x1/0x2 reason: NO_SOCKET
                 java-1 [000] b.s.. 1.3: kfree_skb: skbaddr=00 rx_sk=00 protocol=2048 location=x+0x1/0x2 reason: NOT_SPECIFIED
                """;
        assertThat(KernelDrops.summary(trace))
                .isEqualTo("NETFILTER_DROP in nf_hook_slow (2), NO_SOCKET in tcp_v4_rcv (1)");
    }
}
