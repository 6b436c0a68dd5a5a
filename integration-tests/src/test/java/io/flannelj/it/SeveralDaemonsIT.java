package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two daemons on each of two hosts, a VXLAN network and a host-gw one: flannel's functional case {@code multi}. */
@NeedsPrivileges
class SeveralDaemonsIT {
    private static final String OTHER_PREFIX = "/other/network";
    private static final String[] OTHER_FLAGS = {
        "--instance", "gw", "--etcd-prefix", OTHER_PREFIX, "--healthz-port", "0", "--iptables-resync", "1"
    };

    private Lab lab;
    private List<Node> others;

    @BeforeEach
    void open() {
        lab = Lab.open(2, Lab.Underlay.ON);
        others = List.of(lab.node(1).beside("gw", "docker1"), lab.node(2).beside("gw", "docker1"));
    }

    @AfterEach
    void close() {
        lab.close();
    }

    private void start(boolean nftables) {
        String rules = "\"EnableNFTables\":" + nftables;
        lab.etcd()
                .put(
                        OTHER_PREFIX + "/config",
                        "{\"Network\":\"10.6.0.0/16\"," + rules + ",\"Backend\":{\"Type\":\"host-gw\"}}");
        lab.configure("{\"Network\":\"10.5.0.0/16\"," + rules + ",\"Backend\":{\"Type\":\"vxlan\"}}");
        lab.nodes().forEach(node -> node.startDaemon("--iptables-resync", "1"));
        others.forEach(node -> node.startDaemon(OTHER_FLAGS));
        for (List<Node> network : List.of(lab.nodes(), others)) {
            network.forEach(Node::awaitReady);
            network.forEach(node -> node.awaitPeers(1));
        }
    }

    private static void talk(Pod here, Pod there) {
        Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> here.canPing(there) && there.canPing(here));
    }

    private String rules() {
        Node node = lab.node(1);
        return node.run("sh", "-c", "iptables-save; nft list ruleset | grep -v counter")
                .output();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void eachHasItsNetworkAndItsRules(boolean nftables) {
        start(nftables);
        Pod here = lab.node(1).addPod();
        Pod there = lab.node(2).addPod();
        Pod hereToo = others.get(0).addPod();
        Pod thereToo = others.get(1).addPod();
        talk(here, there);
        talk(hereToo, thereToo);
        assertThat(hereToo.address()).startsWith("10.6.");

        assertThat(rules())
                .contains(
                        nftables
                                ? List.of("table ip flannel-ipv4 {", "table ip flannel-ipv4-gw {")
                                : List.of(
                                        "-j FLANNEL-POSTRTG\n",
                                        "-j FLANNEL-POSTRTG-gw\n",
                                        "-j FLANNEL-FWD\n",
                                        "-j FLANNEL-FWD-gw\n"));
        Awaitility.await().pollDelay(Duration.ofSeconds(3)).until(() -> true); // three looks at the rules
        assertThat(lab.node(1).log() + others.get(0).log())
                .as("neither takes the other's rules for a change of its own")
                .doesNotContain("had been changed by another program");

        assertThat(others.get(0).stop()).isZero();
        assertThat(rules()).contains("10.5.0.0/16").doesNotContain("10.6.0.0/16");
        talk(here, there);
    }

    @Test
    void bothComeBackAfterBothWereKilled() {
        start(false);
        String subnet = others.get(0).status().path("subnet").asText();
        lab.node(1).kill();
        others.get(0).kill();
        others.get(0).start(OTHER_FLAGS);
        lab.node(1).start();
        assertThat(others.get(0).status().path("subnet").asText()).isEqualTo(subnet);
        talk(lab.node(1).addPod(), lab.node(2).addPod());
        talk(others.get(0).addPod(), others.get(1).addPod());
    }

    @Test
    void whoForgetsTheNameIsToldOfIt() {
        start(false);
        Commands.Result second = lab.node(1).operatorAsDaemon();
        assertThat(second.succeeded()).isFalse();
        assertThat(second.errors()).contains("another flanneld-j answers").contains("--instance");
    }

    @Test
    void cleanupTakesOnlyWhatIsOfThatInstance() {
        start(false);
        lab.node(1).kill();
        others.get(0).kill();
        Node gone = others.get(0);
        Commands.Result cleaned = gone.operator(
                "cleanup",
                "--instance",
                "gw",
                "--subnet-file",
                gone.subnetFile().toString(),
                "--state-dir",
                gone.directory().resolve("state").toString());
        cleaned.orThrow();
        assertThat(rules()).contains("-j FLANNEL-FWD\n").doesNotContain("FLANNEL-FWD-gw");
    }
}
