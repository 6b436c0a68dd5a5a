package io.flannelj.explain;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpAddress;
import io.flannelj.observe.Point;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

class LivePacketTest {
    private static final String SENDER = "192.168.0.1";
    private static final String RECEIVER = "192.168.0.2";
    private static final String COMMAND = "flanneld-j explain a b";
    private static final SeenPacket ENTERED = seen(Point.FROM_POD, true, "one");
    private static final SeenPacket SENT = seen(Point.TO_WIRE, true, "one");
    private static final SeenPacket CAME = seen(Point.FROM_WIRE, false, "one");
    private static final SeenPacket DELIVERED = seen(Point.TO_POD, false, "one");

    private static SeenPacket seen(Point point, boolean outwards, String key) {
        return new SeenPacket(
                1_700_000_000_123_456_789L,
                point.label(),
                outwards,
                point == Point.DROPPED ? "spoofed" : "",
                point == Point.DROPPED ? "forged" : "",
                "10.5.1.2",
                "10.5.2.3",
                key,
                "TCP SYN, 60 bytes");
    }

    private static Explanation.Outcome outcome(List<Finding> findings) {
        return new Explanation("a", "b", SENDER, findings).outcome();
    }

    private static List<Finding> judge(List<SeenPacket> sender, boolean known, List<SeenPacket> receiver) {
        return LivePacket.judge(
                ENTERED,
                new LivePacket.Half(SENDER, true, "", sender),
                new LivePacket.Half(RECEIVER, known, known ? "" : "it does not tell", receiver),
                ZoneOffset.UTC,
                COMMAND);
    }

    @Test
    void aPacketThatIsDeliveredHasFourPlaces() {
        List<Finding> findings = judge(List.of(ENTERED, SENT), true, List.of(CAME, DELIVERED));
        assertThat(findings).hasSize(4).allMatch(finding -> finding.verdict() == Verdict.OK);
        assertThat(findings.get(0).evidence())
                .isEqualTo("2023-11-14T22:13:20.123456Z came from the pod's side: TCP SYN, 60 bytes");
        assertThat(outcome(findings)).isEqualTo(Explanation.Outcome.HEALTHY);
    }

    @Test
    void aDropIsNamedWhereItWas() {
        List<Finding> there = judge(List.of(ENTERED, SENT), true, List.of(seen(Point.DROPPED, false, "one")));
        assertThat(outcome(there)).isEqualTo(Explanation.Outcome.BROKEN_THERE);
        assertThat(there.get(2).evidence()).contains("was dropped: spoofed, forged");
        assertThat(there.get(2).remedy()).isEqualTo(COMMAND);
        List<Finding> here = judge(List.of(ENTERED, seen(Point.DROPPED, true, "one")), true, List.of());
        assertThat(outcome(here)).isEqualTo(Explanation.Outcome.BROKEN_HERE);
        assertThat(here).as("nothing is said of a way that it did not go").hasSize(2);
    }

    @Test
    void whatWasSentAndDidNotComeIsLostBetweenUnlessTheOtherNodeIsNotKnown() {
        assertThat(outcome(judge(List.of(ENTERED, SENT), true, List.of())))
                .isEqualTo(Explanation.Outcome.BROKEN_BETWEEN);
        assertThat(outcome(judge(List.of(ENTERED, SENT), false, List.of())))
                .isEqualTo(Explanation.Outcome.NOT_ALL_KNOWN);
        assertThat(outcome(judge(List.of(ENTERED, SENT), true, List.of(seen(Point.TO_POD, false, "another")))))
                .isEqualTo(Explanation.Outcome.BROKEN_BETWEEN);
    }

    @Test
    void aSegmentThatWentOnWithOthersIsNotLost() {
        assertThat(outcome(judge(List.of(ENTERED, SENT), true, List.of(CAME)))).isEqualTo(Explanation.Outcome.HEALTHY);
    }

    @Test
    void aNodeIsToldOfPacketsOfItsOwnPodsAlone() {
        DaemonFacts none = DaemonFacts.NONE;
        DaemonFacts facts = new DaemonFacts(
                "1",
                RECEIVER,
                "eth0",
                List.of("10.5.0.0/16"),
                List.of("10.5.2.0/24"),
                "",
                false,
                "",
                "vxlan",
                List.of("flannel.1"),
                1450,
                true,
                false,
                List.of(),
                List.of(),
                none.drops(),
                0,
                0,
                List.of(),
                8470,
                0);
        DaemonFacts.Peer caller = new DaemonFacts.Peer("", List.of("10.5.1.0/24"), SENDER, "vxlan", null, null, null);
        IpAddress ours = IpAddress.parse("10.5.2.3");
        IpAddress theirs = IpAddress.parse("10.5.1.2");
        IpAddress third = IpAddress.parse("10.5.3.4");
        assertThat(QueryServer.isBetween(facts, caller, ours, theirs)).isTrue();
        assertThat(QueryServer.isBetween(facts, caller, theirs, ours)).isTrue();
        assertThat(QueryServer.isBetween(facts, caller, ours, third)).isFalse();
        assertThat(QueryServer.isBetween(facts, caller, third, theirs)).isFalse();
        assertThat(QueryServer.isBetween(facts, caller, ours, ours)).isFalse();
    }
}
