package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.it.ExplainedCluster.Said;
import io.flannelj.lab.EtcdServer;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code flanneld-j explain} names what is broken between nodes, from either side, with what mends it. */
@NeedsPrivileges
class ExplainTunnelIT extends ExplainCases {
    @ParameterizedTest(name = "tunnel port filtered on node {0}")
    @CsvSource(delimiter = '|', textBlock = """
            2 | iptables -I INPUT -p udp --dport 8472 -j DROP
            1 | iptables -I OUTPUT -p udp --dport 8472 -j DROP
            """)
    void aFilteredTunnelPortIsNamedAndOpened(int brokenAt, String seed) {
        cluster().seed(brokenAt, seed);
        List<Said> both = cluster().assertNamed(seed, brokenAt, "tunnel rules");
        cluster().mend(both.get(0));
        cluster().assertHealthy(seed);
    }

    @Test
    void aPortThatIsFilteredBetweenTheNodesIsNamed() {
        cluster()
                .seedBetween("add table bridge cut ; add chain bridge cut f { type filter hook forward priority 0 ; } ;"
                        + " add rule bridge cut f udp dport 8472 drop");
        List<Said> both = cluster().explainFromBoth();
        assertThat(both).extracting(Said::link).as(both.toString()).containsOnly("peer");
        assertThat(both).extracting(Said::exitStatus).containsOnly(11);
        assertThat(both.get(0).evidence())
                .contains(
                        "UDP port 8472 of " + cluster().node(2).address(),
                        "filtered on the way or there",
                        "open UDP port 8472");
        cluster().lab().runOnSwitch("nft", "delete table bridge cut").orThrow();
        cluster().assertHealthy("filtered between");
    }

    @Test
    void aNodeThatIsDownIsNamed() {
        cluster().seed(2, "ip link set eth0 down");
        List<Said> both = cluster().assertNamed("node down", 2, "underlay");
        assertThat(both.get(0).evidence()).contains("that node is down");
        assertThat(both.get(0).exitStatus()).isEqualTo(11);
        cluster().mend(both.get(0));
        cluster().assertHealthy("node down");
    }

    @ParameterizedTest(name = "of node {0}")
    @CsvSource({"1", "2"})
    void aDaemonThatDoesNotRunIsNamed(int stopped) {
        Node node = cluster().node(stopped);
        cluster().seed(stopped, "true");
        node.stop();
        List<Said> both = cluster().explainFromBoth();
        Said near = both.get(stopped - 1);
        Said far = both.get(2 - stopped);
        assertThat(near.link()).as(near.toString()).isEqualTo("daemon");
        assertThat(near.exitStatus()).isEqualTo(10);
        assertThat(far.link()).as(far.toString()).isEqualTo("peer");
        assertThat(far.node()).isEqualTo(node.address());
        assertThat(far.evidence()).contains("its daemon does not run");
        cluster().mend(far);
        cluster().assertHealthy("daemon stopped");
    }

    @Test
    void aClockThatIsAnHourOffIsNamed() {
        try (ExplainedCluster apart = ExplainedCluster.open("vxlan", Lab.Underlay.WIRE)) {
            Node node = apart.node(2);
            node.stop();
            apart.startAnHourAhead(node);
            List<Said> both = apart.explainFromBoth();
            assertThat(both).allSatisfy(said -> {
                assertThat(said.link()).as(said.toString()).isEqualTo("clock");
                assertThat(said.evidence()).containsPattern("3[56]\\d\\d s");
                assertThat(said.remedy()).contains("chronyc makestep");
            });
            node.stop();
            node.start();
            apart.assertHealthy("clock");
        }
    }

    /** Whether the daemon has noticed it already, so that it is worked around, is a matter of luck. */
    @ParameterizedTest(name = "with flags {0}")
    @CsvSource({"--peer-probes=true", "--peer-probes=false"})
    void aLinkThatTakesLessThanTheUplinkSaysIsNamed(String flags) {
        try (ExplainedCluster apart = ExplainedCluster.open("vxlan", Lab.Underlay.WIRE, flags)) {
            apart.seedBetween(
                    "add table bridge narrow ; add chain bridge narrow f { type filter hook forward priority 0 ; } ;"
                            + " add rule bridge narrow f ether type ip ip length > 1380 udp dport 8472 drop");
            List<Said> both = apart.explainFromBoth();
            assertThat(both).allSatisfy(said -> {
                assertThat(said.link()).as(said.toString()).isEqualTo("path mtu");
                assertThat(said.exitStatus()).isIn(5, 11);
                assertThat(said.remedy())
                        .isEqualTo(
                                flags.endsWith("true")
                                        ? "ip link set dev eth0 mtu 1380"
                                        : "ip link set dev eth0 mtu 1330");
            });
            apart.mendFrom(1);
            apart.assertHealthy("MTU");
        }
    }

    /** The other node's uplink takes less than this one's: the node that sends too much is told, and of the other one. */
    @Test
    void theNodeWhoseUplinkTakesLessThanTheOthersIsNamed() {
        try (ExplainedCluster apart = ExplainedCluster.open("vxlan", Lab.Underlay.WIRE)) {
            apart.seed(2, "ip link set dev eth0 mtu 1380");
            Awaitility.await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
                List<Said> both = apart.explainFromBoth();
                assertThat(both).allSatisfy(said -> {
                    assertThat(said.link()).as(said.toString()).isEqualTo("path mtu");
                    assertThat(said.node())
                            .as(said.toString())
                            .isEqualTo(apart.node(1).address());
                    assertThat(said.evidence())
                            .contains("pods of " + apart.node(2).address() + " may send 1330");
                    assertThat(said.remedy()) // a veth pair takes a VLAN tag more than its MTU
                            .isIn("ip link set dev eth0 mtu 1380", "ip link set dev eth0 mtu 1384");
                });
            });
            apart.mendFrom(1);
            apart.assertHealthy("MTU of node 2");
        }
    }

    /** A rule between the nodes drops what is longer than a packet on a wire can be, as a card does that cannot cut it. */
    @Test
    void segmentationThatLiesIsNamed() {
        try (ExplainedCluster apart = ExplainedCluster.open("vxlan", Lab.Underlay.ON)) {
            apart.seedBetween(
                    "add table bridge lie ; add chain bridge lie f { type filter hook forward priority 0 ; } ;"
                            + " add rule bridge lie f ether type ip ip saddr "
                            + apart.node(1).address()
                            + " udp dport 8472 meta length > 2500 drop");
            List<Said> both = apart.explainFromBoth();
            assertThat(both).allSatisfy(said -> {
                assertThat(said.link()).as(said.toString()).isEqualTo("segmentation");
                assertThat(said.node()).isEqualTo(apart.node(1).address());
                assertThat(said.remedy()).isEqualTo("ethtool -K eth0 tx-udp-segmentation off");
            });
            apart.mendFrom(1);
            apart.assertHealthy("segmentation");
        }
    }

    /** Node 2 does not hear of it, because it does not reach the store: else it would put its lease right at once. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            expired          | lease | no lease covers
            a VNI            | lease | is refused: its BackendData.VNI is 9
            a public address | lease | is refused: its PublicIP 127.0.0.1 is a loopback address
            a MAC address    | peer  | sends to another MAC address
            """)
    void aLeaseThatIsWrongIsNamed(String what, String link, String evidence) {
        ExplainedCluster cluster = cluster();
        cluster.seed(2, "true");
        Node wrong = cluster.node(2);
        EtcdServer etcd = cluster.lab().etcd();
        String subnet = ExplainedCluster.network(cluster.there().address()) + "/24";
        String key = Lab.PREFIX + "/subnets/" + subnet.replace('/', '-');
        String value = etcd.list(key).get(0).value();
        etcd.cutOff(wrong);
        UnaryOperator<String> change = switch (what) {
            case "a VNI" -> lease -> lease.replace("\"VNI\":1", "\"VNI\":9");
            case "a MAC address" -> lease -> lease.replaceFirst("(\"VtepMAC\":\")[^\"]*", "$1" + "0a:00:00:00:00:09");
            default -> lease -> lease.replace(wrong.address(), "127.0.0.1");
        };
        if (what.equals("expired")) {
            etcd.delete(key);
        } else {
            etcd.put(key, change.apply(value));
        }
        Awaitility.await()
                .atMost(ExplainedCluster.SOON)
                .until(() -> cluster.explain(cluster.node(1)).exitStatus() != 0);
        assertThat(cluster.explainFromBoth()).allSatisfy(said -> {
            Said near = said.asksThere() ? cluster.explain(cluster.nodeAt(said.node())) : said;
            assertThat(near.link()).as("%s: %s", what, near).isEqualTo(link);
            assertThat(near.evidence()).contains(evidence);
            assertThat(near.remedy())
                    .as("%s: %s", what, near)
                    .containsPattern("systemctl restart flanneld-j|leases release " + subnet + "|flanneld-j doctor");
        });
        if (what.equals("a public address")) { // as the remedy has it; the others the daemon puts right itself
            cluster.node(1).operatorAtStore("leases", "release", subnet).orThrow();
        }
        etcd.reconnect(wrong);
        cluster.assertHealthy(what);
    }
}
