package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** {@code flanneld-j doctor} and {@code report} on a node that is well, and on one that is not. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DoctorIT {
    private Lab lab;

    @BeforeAll
    void open() {
        lab = Lab.open(2, Lab.Underlay.ON);
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        lab.start();
    }

    @AfterAll
    void close() {
        lab.close();
    }

    @Test
    void theDoctorNamesWhatIsWrong() {
        Node node = lab.node(1);
        Commands.Result well = doctor(node);
        assertThat(well.exitStatus()).as(well.output() + well.errors()).isZero();
        assertThat(well.output()).endsWith("nothing is wrong\n");
        node.run("ip", "route", "add", "10.5.99.0/24", "dev", "eth0").orThrow();
        node.run("iptables-legacy", "-P", "FORWARD", "DROP").orThrow();
        Awaitility.await("an answer of the store, without which nobody knows what pod traffic is")
                .atMost(ExplainedCluster.SOON)
                .untilAsserted(() -> {
                    Commands.Result ill = doctor(node);
                    assertThat(ill.exitStatus()).isEqualTo(1);
                    assertThat(ill.output())
                            .contains(
                                    "2 wrong:",
                                    "remedy: ip route delete 10.5.99.0/24 dev eth0",
                                    "remedy: iptables-legacy -P FORWARD ACCEPT");
                });
        node.run("ip", "route", "delete", "10.5.99.0/24", "dev", "eth0").orThrow();
        node.run("iptables-legacy", "-P", "FORWARD", "ACCEPT").orThrow();
    }

    /** The remedy for its device and routes would cut pods off. */
    @Test
    void aDaemonThatIsAskedAtAnotherSocketIsNotTakenForLeftovers() {
        Commands.Result said = lab.node(1)
                .operatorAtStore("doctor", "--control-socket", lab.node(1).directory() + "/other.sock");
        assertThat(said.exitStatus()).isEqualTo(1);
        assertThat(said.output())
                .contains(
                        "runs here, and does not answer at the socket",
                        "remedy: give its --instance or --control-socket")
                .doesNotContain("ip link delete", "more specific than ours");
    }

    /** The bridge of its pods stays, and is no leftover. */
    @Test
    void aDaemonThatRanAndRunsNoMoreIsNamed() {
        Node node = lab.node(2);
        node.addPod();
        node.kill();
        Commands.Result said = node.operatorAtStore(
                "doctor", "--subnet-file", node.subnetFile().toString());
        assertThat(said.exitStatus()).isEqualTo(1);
        assertThat(said.output())
                .contains("1 wrong:", "remedy: systemctl start flanneld-j")
                .doesNotContain("more specific than ours");
    }

    @Test
    void explainSaysThatNoDaemonAnswersAndNotThatAPodIsOutside() {
        Commands.Result said = lab.node(1)
                .run(
                        Distribution.home().resolve("bin/flanneld-j").toString(),
                        "explain",
                        "10.5.251.1",
                        "10.5.250.1",
                        "--control-socket",
                        lab.node(1).directory() + "/other.sock",
                        "--subnet-file",
                        lab.node(1).directory() + "/other.env");
        assertThat(said.exitStatus()).isEqualTo(4);
        assertThat(said.output())
                .contains("where 10.5.250.1 is, is not known: no daemon answers at")
                .doesNotContain("outside the pod network");
    }

    private static Commands.Result doctor(Node node) {
        return node.operatorAtStore(
                "doctor", "--control-socket", node.controlSocketFile().toString());
    }

    @Test
    void aReportHoldsEverythingButSecrets() {
        Node node = lab.node(1);
        String directory = node.directory().toString();
        // Nobody has leased that subnet.
        node.run("sh", "-c", "ping -c1 -W1 10.5.254.9 || true").orThrow();
        String said = node.operatorAtStore(
                        "report",
                        "--control-socket",
                        node.controlSocketFile().toString(),
                        "--subnet-file",
                        node.subnetFile().toString(),
                        "--etcd-username",
                        "somebody",
                        "--etcd-password",
                        "hunter2",
                        "--state-dir",
                        node.directory().resolve("state").toString(),
                        "--directory",
                        directory)
                .orThrow();
        String archive = said.lines().findFirst().orElseThrow().replace("wrote ", "");
        String files = Commands.require("tar", "-tzf", archive);
        assertThat(files)
                .contains(
                        "status.json",
                        "peers.json",
                        "metrics.txt",
                        "doctor.txt",
                        "routes.txt",
                        "nft.txt",
                        "subnet.env",
                        "events.jsonl",
                        "drops.jsonl");
        String content = Commands.require("tar", "-xzOf", archive);
        assertThat(content)
                .contains(lab.node(2).address(), "flannelj_ready 1", "FLANNEL_SUBNET")
                .contains("\"event\":\"lease\"", "\"no_route\"", "10.5.254.9")
                .doesNotContain("hunter2");
        assertThat(said).contains("id flanneld-j-report-");
    }
}
