package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Node;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code flanneld-j explain} names what is broken in a pod or in a node's kernel, from either side, with what mends it. */
@NeedsPrivileges
class ExplainHostIT extends ExplainCases {
    /** Commands are run by a shell on the node. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            stale route                 | 1 | ip link add flannel.9 type bridge && ip link set flannel.9 up && ip route add THERE/24 dev flannel.9 | route
            a foreign forward drop      | 2 | iptables -I FORWARD -d POD -j DROP                                       | rules
            a foreign nft table         | 1 | nft 'add table inet fw ; add chain inet fw f { type filter hook forward priority 5 ; policy drop ; }' | rules
            policy DROP of legacy       | 1 | iptables-legacy -P FORWARD DROP                                          | rules
            rp_filter, asymmetric       | 1 | sysctl -qw net.ipv4.conf.docker0.rp_filter=1 && ip route add SENDER/32 via 192.168.100.254 proto static | rp filter
            docker0 without its address | 2 | ip addr flush dev docker0                                                | bridge
            the pod's veth down         | 2 | ip link set VETH down                                                    | veth
            the pod's route gone        | 1 | nsenter --net=/run/netns/NETNS ip route flush scope global               | pod route
            the pod's interface down    | 1 | nsenter --net=/run/netns/NETNS ip link set eth0 down                     | pod
            the pod's address gone      | 1 | nsenter --net=/run/netns/NETNS ip addr flush dev eth0                    | pod
            an address twice            | 2 | nsenter --net=/run/netns/OTHER ip addr add POD/24 dev eth0               | address
            """)
    void aFaultIsNamedAndItsRemedyMendsIt(String name, int brokenAt, String seed, String link) {
        cluster().seed(brokenAt, seed);
        cluster().assertNamed(name, brokenAt, link);
        cluster().mendFrom(brokenAt);
        cluster().assertHealthy(name);
    }

    /** The daemon turns it on again every fifteen seconds. */
    @Test
    void forwardingThatIsOffIsNamed() {
        Node node = cluster().node(1);
        Awaitility.await().atMost(ExplainedCluster.SOON).untilAsserted(() -> {
            cluster().seed(1, "sysctl -qw net.ipv4.ip_forward=0");
            List<ExplainedCluster.Said> both = cluster().assertNamed("ip_forward", 1, "forwarding");
            assertThat(both).extracting(ExplainedCluster.Said::remedy).containsOnly("sysctl -w net.ipv4.ip_forward=1");
            cluster().mend(both.get(0));
        });
        assertThat(node.run("sysctl", "-n", "net.ipv4.ip_forward").output().strip())
                .isEqualTo("1");
        cluster().assertHealthy("ip_forward");
    }

    @Test
    void aPortAtWhichNobodyListensIsNamed() {
        String port = "8080";
        ExplainedCluster cluster = cluster();
        assertThat(cluster.explainFromBoth("--port", port)).allSatisfy(said -> {
            assertThat(said.link()).as(said.toString()).isEqualTo("socket");
            assertThat(said.node()).isEqualTo(cluster.node(2).address());
        });
        Process loopback = listen(port, "127.0.0.1");
        Awaitility.await()
                .atMost(ExplainedCluster.SOON)
                .untilAsserted(() -> assertThat(cluster.explainFromBoth("--port", port))
                        .allSatisfy(said ->
                                assertThat(said.evidence()).as(said.toString()).contains("127.0.0.1:" + port)));
        loopback.destroy();
        Process server = listen(port, "0.0.0.0");
        Awaitility.await()
                .atMost(ExplainedCluster.SOON)
                .untilAsserted(() -> assertThat(cluster.explainFromBoth("--port", port))
                        .allSatisfy(said -> assertThat(said.exitStatus())
                                .as(said.toString())
                                .isZero()));
        server.destroy();
    }

    /** As one that another CNI plugin wired: nothing is known of its end, but its packets come by the bridge all the same. */
    @Test
    void ofAPodThatNobodyKnowsTheRestIsJudged() {
        String stranger = cluster().here().address().replaceFirst("\\.\\d+$", ".250");
        Node node = cluster().node(1);
        String said = node.operator(
                        "explain",
                        stranger,
                        cluster().there().address(),
                        "--tables",
                        "--subnet-file",
                        node.subnetFile().toString())
                .output();
        assertThat(said)
                .contains("no pod that our CNI plugin wired has " + stranger)
                .doesNotContain("BROKEN");
    }

    private Process listen(String port, String address) {
        return cluster()
                .node(2)
                .startIn(
                        cluster().there(),
                        "python3",
                        "-c",
                        "import socket,time; s=socket.create_server(('" + address + "'," + port
                                + ")); time.sleep(600)");
    }

    @Test
    void ofTwoFaultsTheFirstOnTheWayIsNamed() {
        cluster().seed(2, "ip addr flush dev docker0");
        cluster().seed(1, "iptables -I FORWARD -d POD -j DROP");
        List<ExplainedCluster.Said> both = cluster().assertNamed("the first of two faults", 1, "rules");
        cluster().mend(both.get(1));
        cluster()
                .mend(cluster()
                        .assertNamed("the second of two faults", 2, "bridge")
                        .get(0));
        cluster().assertHealthy("two faults");
    }
}
