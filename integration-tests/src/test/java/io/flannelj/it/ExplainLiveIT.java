package io.flannelj.it;

import static io.flannelj.it.ObservedCluster.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Attacker;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Forgery;
import io.flannelj.lab.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** {@code flanneld-j explain A B --live}: what became of a real packet, by what both nodes saw. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExplainLiveIT {
    private ObservedCluster cluster;

    @BeforeAll
    void open() {
        cluster = ObservedCluster.open();
    }

    @AfterAll
    void close() {
        cluster.close();
    }

    private record Said(int exitStatus, String text) {}

    /** Asks while something is done again and again. */
    private Said explain(Node node, Runnable meanwhile, String... options) throws InterruptedException {
        Path log = cluster.file("live.log");
        List<String> command =
                new ArrayList<>(List.of("explain", cluster.here.address(), cluster.there.address(), "--live"));
        command.addAll(List.of(options));
        Process explain = node.startOperator(log, command.toArray(String[]::new));
        while (!explain.waitFor(100, TimeUnit.MILLISECONDS)) {
            meanwhile.run();
        }
        return new Said(explain.exitValue(), text(log));
    }

    private void ping(String... options) {
        List<String> command = new ArrayList<>(List.of("ping", "-c", "1", "-W", "1"));
        command.addAll(List.of(options));
        command.add(cluster.there.address());
        cluster.here.run(command.toArray(String[]::new));
    }

    @Test
    void aPacketThatArrivesIsFollowedToThePodsSideFromEitherNode() throws InterruptedException {
        for (Node node : cluster.lab.nodes()) {
            Said said = explain(node, this::ping);
            assertThat(said.exitStatus()).as(said.text()).isZero();
            String here = cluster.node().address();
            String there = cluster.peer();
            assertThat(said.text())
                    .containsPattern("ok +" + here + " +packet .*came from the pod's side: ICMP echo request, 84 bytes")
                    .containsPattern("ok +" + here + " +packet .*was sent to " + there)
                    .containsPattern("ok +" + there + " +packet .*came from " + here)
                    .containsPattern("ok +" + there + " +packet .*was given to the pod's side")
                    .endsWith("the packet was delivered to the pod's side\n");
        }
    }

    @Test
    void aPacketThatTheOtherNodeDropsIsNamedWithItsReason() throws InterruptedException {
        byte[] damaged = Forgery.datagram(cluster.here.address(), cluster.there.address(), 4444, new byte[20]);
        damaged[26] = 1; // a UDP checksum, and a wrong one
        damaged[27] = 2;
        Runnable send = () -> Attacker.in(cluster.node())
                .sendUdp(
                        cluster.peer(),
                        ObservedCluster.VXLAN_PORT,
                        Forgery.vxlan(
                                1, cluster.vtepMac(cluster.lab.node(2)), cluster.vtepMac(cluster.node()), damaged));
        for (Node node : cluster.lab.nodes()) {
            Said said = explain(
                    node,
                    () -> {
                        send.run();
                        ping();
                    },
                    "--dropped");
            assertThat(said.exitStatus()).as(said.text()).isEqualTo(node == cluster.node() ? 12 : 10);
            assertThat(said.text())
                    .containsPattern("BROKEN +" + cluster.peer()
                            + " +packet .*was dropped: bad_inner_checksum, wrong inner checksum \\(UDP port 55555 to"
                            + " 4444, 48 bytes\\)");
        }
    }

    @Test
    void aPacketThatIsLostBetweenTheNodesIsKnownToBeSentAndNotToArrive() throws InterruptedException {
        cluster.lab
                .runOnSwitch(
                        "nft",
                        "add table bridge lossy ; add chain bridge lossy f { type filter hook forward priority 0 ; } ;"
                                + " add rule bridge lossy f ether type ip ip saddr "
                                + cluster.node().address() + " ip length 1270 udp dport 8472 drop")
                .orThrow();
        try {
            for (Node node : cluster.lab.nodes()) {
                Said said = explain(node, () -> ping("-s", "1192"), "--wait", node == cluster.node() ? "30s" : "4s");
                if (node == cluster.node()) {
                    assertThat(said.exitStatus()).as(said.text()).isEqualTo(11);
                    assertThat(said.text())
                            .contains("it was sent and did not arrive at " + cluster.peer())
                            .contains("flanneld-j ping " + cluster.peer());
                } else {
                    assertThat(said.exitStatus()).as(said.text()).isEqualTo(11);
                }
            }
        } finally {
            cluster.lab.runOnSwitch("nft", "delete table bridge lossy").orThrow();
        }
    }

    @Test
    void aPacketThatThisNodesFirewallForbidsIsNamedThoughTheOtherNodeIsSilent() throws InterruptedException {
        cluster.node()
                .run("iptables", "-I", "OUTPUT", "-p", "udp", "--dport", "8472", "-j", "DROP")
                .orThrow();
        try {
            Said said = explain(cluster.node(), this::ping);
            assertThat(said.exitStatus()).as(said.text()).isEqualTo(10);
            assertThat(said.text()).contains("was dropped: send_forbidden");
        } finally {
            cluster.node()
                    .run("iptables", "-D", "OUTPUT", "-p", "udp", "--dport", "8472", "-j", "DROP")
                    .orThrow();
        }
    }

    @Test
    void whereNothingPassesThatIsSaidInTime() throws InterruptedException {
        Said said = explain(cluster.node(), () -> {}, "--wait", "2s");
        assertThat(said.exitStatus()).as(said.text()).isEqualTo(4);
        assertThat(said.text()).contains("no packet from " + cluster.here.address() + " to " + cluster.there.address());
        Commands.Result self = cluster.node()
                .operator("explain", cluster.here.address(), cluster.node().address(), "--live");
        assertThat(self.exitStatus()).isEqualTo(2);
        assertThat(self.errors()).contains("both are on this node");
        assertThat(cluster.node()
                        .operator("explain", cluster.here.address(), cluster.there.address(), "--dropped")
                        .exitStatus())
                .isEqualTo(2);
    }
}
