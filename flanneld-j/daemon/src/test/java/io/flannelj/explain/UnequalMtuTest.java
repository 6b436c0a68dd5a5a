package io.flannelj.explain;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.explain.UnequalMtu.End;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whose fault it is that large packets are lost between nodes of different MTUs. */
class UnequalMtuTest {
    private static final String HERE = "192.0.2.1";
    private static final String THERE = "192.0.2.2";
    private static final String ASK = "flanneld-j explain A B";
    private static final End WIDE_HERE = new End(HERE, "eth0", 1450);
    private static final End NARROW_HERE = new End(HERE, "eth0", 1330);
    private static final End WIDE_THERE = new End(THERE, "enp3s0", 1450);
    private static final End NARROW_THERE = new End(THERE, "enp3s0", 1330);

    private static Finding lossOn(String node) {
        return Finding.limited(node, Hop.PATH_MTU, "lost", "ip link set dev eth0 mtu 1380");
    }

    private static Finding okOn(String node) {
        return Finding.ok(node, Hop.PATH_MTU, "pass");
    }

    @Test
    void theOtherNodeIsNamedWhoseUplinkTakesLess() {
        List<Finding> judged = UnequalMtu.judge(List.of(lossOn(HERE), okOn(THERE)), WIDE_HERE, NARROW_THERE, 1500, ASK);

        assertThat(judged.get(0))
                .isEqualTo(Finding.limited(
                        THERE,
                        Hop.PATH_MTU,
                        "its pods may send 1330 bytes, those of 192.0.2.1 1450, and longer packets from there are lost:"
                                + " its uplink enp3s0 has a smaller MTU",
                        "ip link set dev enp3s0 mtu 1500"));
        assertThat(judged.get(1)).isEqualTo(okOn(THERE));
    }

    @Test
    void thisNodeIsNamedWhereItIsTheSmallerOne() {
        List<Finding> judged = UnequalMtu.judge(List.of(okOn(HERE), lossOn(THERE)), NARROW_HERE, WIDE_THERE, 1380, ASK);

        assertThat(judged.get(1).node()).isEqualTo(HERE);
        assertThat(judged.get(1).remedy()).isEqualTo("ip link set dev eth0 mtu 1500");
    }

    @Test
    void aLinkBetweenThatIsNarrowerThanBothIsNoNodesFault() {
        List<Finding> findings = List.of(lossOn(HERE), lossOn(THERE));
        assertThat(UnequalMtu.judge(findings, WIDE_HERE, NARROW_THERE, 1500, ASK))
                .isEqualTo(findings);
    }

    @Test
    void nodesOfOneMtuAreLeftAsTheyAre() {
        List<Finding> findings = List.of(lossOn(HERE), okOn(THERE));
        assertThat(UnequalMtu.judge(findings, WIDE_HERE, WIDE_THERE, 1500, ASK)).isEqualTo(findings);
    }

    /** Who does not tell its interface is asked; a name that is none goes into no command. */
    @Test
    void withoutANameOfTheInterfaceTheOtherNodeIsAsked() {
        for (String uplink : List.of("", "eth0; reboot")) {
            List<Finding> judged = UnequalMtu.judge(
                    List.of(lossOn(HERE), okOn(THERE)), WIDE_HERE, new End(THERE, uplink, 1330), 1500, ASK);
            assertThat(judged.get(0).node()).isEqualTo(THERE);
            assertThat(judged.get(0).remedy()).isEqualTo(ASK);
            assertThat(judged.get(0).evidence()).doesNotContain("reboot");
        }
    }
}
