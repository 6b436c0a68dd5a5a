package io.flannelj.explain;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.explain.UnequalMtu.End;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whose fault it is that large packets are lost between nodes of different MTUs. */
class UnequalMtuTest {
    private static final String HERE = "192.0.2.1";
    private static final String THERE = "192.0.2.2";
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

    /** A remedy on the smaller node would undo the one that made it smaller, where a link between is narrow. */
    @Test
    void theLargerNodeHasTheRemedyAndNamesTheSmallerOne() {
        List<Finding> judged = UnequalMtu.judge(List.of(lossOn(HERE), okOn(THERE)), WIDE_HERE, NARROW_THERE);

        assertThat(judged.get(0))
                .isEqualTo(Finding.limited(
                        HERE,
                        Hop.PATH_MTU,
                        "lost; pods of 192.0.2.2 may send 1330: if the links between take more, raise the MTU of the uplink"
                                + " enp3s0 there instead",
                        "ip link set dev eth0 mtu 1380"));
        assertThat(judged.get(1)).isEqualTo(okOn(THERE));
    }

    @Test
    void thisNodeIsNamedWhereItIsTheSmallerOne() {
        List<Finding> judged = UnequalMtu.judge(List.of(okOn(HERE), lossOn(THERE)), NARROW_HERE, WIDE_THERE);

        assertThat(judged.get(1).node()).isEqualTo(THERE);
        assertThat(judged.get(1).evidence()).contains("pods of 192.0.2.1 may send 1330", "eth0");
    }

    @Test
    void aLinkBetweenThatIsNarrowerThanBothIsNoNodesFault() {
        List<Finding> findings = List.of(lossOn(HERE), lossOn(THERE));
        assertThat(UnequalMtu.judge(findings, WIDE_HERE, NARROW_THERE)).isEqualTo(findings);
    }

    @Test
    void nodesOfOneMtuAreLeftAsTheyAre() {
        List<Finding> findings = List.of(lossOn(HERE), okOn(THERE));
        assertThat(UnequalMtu.judge(findings, WIDE_HERE, WIDE_THERE)).isEqualTo(findings);
    }

    /** A name that is none is not shown. */
    @Test
    void withoutANameOfTheInterfaceTheNodeIsNamed() {
        for (String uplink : List.of("", "eth0; reboot")) {
            List<Finding> judged =
                    UnequalMtu.judge(List.of(lossOn(HERE), okOn(THERE)), WIDE_HERE, new End(THERE, uplink, 1330));
            assertThat(judged.get(0).evidence()).contains(THERE).doesNotContain("reboot");
        }
    }
}
