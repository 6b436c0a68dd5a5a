package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.time.Duration;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the daemon finds out about the paths to other nodes by pinging them through the tunnel. */
@NeedsPrivileges
class PeerProbesIT {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String KERNEL_VXLAN = "\"vxlan\",\"Datapath\":\"kernel\"";
    private static final String DIRECT = "\"vxlan\",\"DirectRouting\":true";

    @ParameterizedTest
    @ValueSource(strings = {"vxlan"})
    void aHealthyPeerAnswersAndASilentOneIsNamedOnce(String backend) {
        try (Lab lab = lab(2, "\"" + backend + "\"").start()) {
            Node node = lab.node(1);
            awaitAnswers(node, lab.node(2));
            Awaitility.await("its path takes the whole MTU")
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(
                                    path(node, lab.node(2)).path("mtu").asInt())
                            .isEqualTo(path(node, lab.node(2)).path("tunnelMtu").asInt()));
            assertThat(path(node, lab.node(2)).path("lossPercent").asInt()).isZero();
            assertThat(metric(node, "flannelj_paths{reach=\"answering\"}")).isEqualTo(1);

            lab.node(2).kill(); // its lease stays
            Awaitility.await("silence").atMost(SOON).untilAsserted(() -> {
                assertThat(path(node, lab.node(2)).path("reach").asText()).isEqualTo("silent");
                assertThat(path(node, lab.node(2)).path("lossPercent").asInt()).isPositive();
            });
            assertThat(metric(node, "flannelj_paths{reach=\"silent\"}")).isEqualTo(1);
            assertThat(lines(node, "answers no probe")).isEqualTo(1);

            lab.node(2).start();
            awaitAnswers(node, lab.node(2));
            assertThat(lines(node, "answers through")).isEqualTo(1);
            assertThat(lines(node, "answers no probe")).isEqualTo(1);
        }
    }

    /** The kernel goes on carrying when the daemon of that node is killed; a cable that is out stops it. */
    @ParameterizedTest
    @ValueSource(strings = {KERNEL_VXLAN, "\"host-gw\"", DIRECT})
    void whatTheKernelCarriesIsProbedToo(String backend) {
        try (Lab lab = lab(2, backend).start()) {
            Node node = lab.node(1);
            awaitAnswers(node, lab.node(2));
            JsonNode path = path(node, lab.node(2));
            assertThat(path.path("carriedBy").asText()).isEqualTo("kernel");
            assertThat(path.path("device").asText()).isEqualTo(backend.equals(KERNEL_VXLAN) ? "flannel.1" : "eth0");
            assertThat(metric(node, "flannelj_paths{reach=\"answering\"}")).isEqualTo(1);

            lab.node(2).kill();
            lab.runOnSwitch("ip", "link", "set", "port2", "down").orThrow();
            Awaitility.await("silence").atMost(SOON).untilAsserted(() -> {
                assertThat(path(node, lab.node(2)).path("reach").asText()).isEqualTo("silent");
                assertThat(path(node, lab.node(2)).path("lossPercent").asInt()).isPositive();
            });
            assertThat(metric(node, "flannelj_paths{reach=\"silent\"}")).isEqualTo(1);
            assertThat(lines(node, "answers no probe")).isEqualTo(1);
            assertThat(node.operator("peers").output())
                    .contains("answers no probe since")
                    .doesNotContain("nothing comes from it");

            lab.runOnSwitch("ip", "link", "set", "port2", "up").orThrow();
            awaitAnswers(node, lab.node(2)); // by the kernel alone
            assertThat(lines(node, "answers through")).isEqualTo(1);
            assertThat(lines(node, "answers no probe")).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {KERNEL_VXLAN, "\"host-gw\""})
    void bothFamiliesOfWhatTheKernelCarriesAreProbed(String backend) {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","
                        + "\"Backend\":{\"Type\":" + backend + "}}")
                .start()) {
            Awaitility.await("answers of both families").atMost(SOON).untilAsserted(() -> {
                JsonNode paths = peer(lab.node(1), lab.node(2)).path("paths");
                assertThat(paths).hasSize(2).allSatisfy(path -> {
                    assertThat(path.path("reach").asText()).isEqualTo("answering");
                    assertThat(path.path("carriedBy").asText()).isEqualTo("kernel");
                });
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {KERNEL_VXLAN, "\"host-gw\""})
    void flannelAnswersWhatTheKernelCarries(String backend) {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: run integration-tests/peers");
        try (Lab lab = lab(2, backend)) {
            lab.node(1).start();
            Process flannel = StockFlannel.start(lab, lab.node(2));
            awaitAnswers(lab.node(1), lab.node(2));
            flannel.destroy();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "udp"})
    void flannelAnswersAsWell(String backend) {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: run integration-tests/peers");
        try (Lab lab = lab(2, "\"" + backend + "\"")) {
            lab.node(1).start();
            Process flannel = StockFlannel.start(lab, lab.node(2));
            awaitAnswers(lab.node(1), lab.node(2));
            Awaitility.await("its path takes the whole MTU")
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(
                                    path(lab.node(1), lab.node(2)).path("mtu").asInt())
                            .isEqualTo(path(lab.node(1), lab.node(2))
                                    .path("tunnelMtu")
                                    .asInt()));
            flannel.destroy();
        }
    }

    @Test
    void bothFamiliesAreProbed() {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","
                        + "\"Backend\":{\"Type\":\"vxlan\"}}")
                .start()) {
            Awaitility.await("answers of both families").atMost(SOON).untilAsserted(() -> {
                JsonNode paths = peer(lab.node(1), lab.node(2)).path("paths");
                assertThat(paths).hasSize(2);
                assertThat(paths).allSatisfy(path -> {
                    assertThat(path.path("reach").asText()).isEqualTo("answering");
                    assertThat(path.path("mtu").asInt())
                            .isEqualTo(path.path("tunnelMtu").asInt());
                });
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"vxlan\"", KERNEL_VXLAN})
    void withoutProbesThereIsNeitherSocketNorThread(String backend) {
        try (Lab lab = lab(2, backend)) {
            lab.nodes().forEach(node -> node.startDaemon("--peer-probes=false"));
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(1));
            Node node = lab.node(1);
            assertThat(peer(node, lab.node(2)).has("paths")).isFalse();
            assertThat(node.run("ss", "-Hwnp").output()).doesNotContain("java");
            assertThat(node.run("sh", "-c", "cat /proc/" + node.daemonPid() + "/task/*/comm")
                            .output())
                    .contains("flannel-lease")
                    .doesNotContain("flannel-probe");
        }
    }

    private static Lab lab(int nodes, String backend) {
        return Lab.open(nodes, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":" + backend + "}}");
    }

    private static void awaitAnswers(Node node, Node other) {
        Awaitility.await("answers of " + other.name()).atMost(SOON).untilAsserted(() -> {
            JsonNode path = path(node, other);
            assertThat(path.path("reach").asText())
                    .as("%s\n%s", path, node.log())
                    .isEqualTo("answering");
            assertThat(path.path("rttMillis").asDouble()).isBetween(0.001, 2000.0);
        });
    }

    private static JsonNode path(Node node, Node other) {
        return peer(node, other).path("paths").path(0);
    }

    private static JsonNode peer(Node node, Node other) {
        return StreamSupport.stream(node.peers().spliterator(), false)
                .filter(peer -> peer.path("publicIp").asText().startsWith(other.address()))
                .findFirst()
                .orElseThrow();
    }

    private static long lines(Node node, String part) {
        return node.log().lines().filter(line -> line.contains(part)).count();
    }

    private static double metric(Node node, String name) {
        return node.metrics()
                .lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}
