package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The network config names another encapsulation while traffic flows; stock flannel stays with what it was started with. */
@NeedsPrivileges
class EncapsulationChangeIT {
    private static final Duration SOON = Duration.ofSeconds(15);
    private static final int PINGS = 1200;

    private final ExecutorService pool = Executors.newCachedThreadPool();
    private Lab lab;

    @AfterEach
    void tearDown() {
        pool.shutdownNow();
        if (lab != null) {
            lab.close();
        }
    }

    private static String config(String type) {
        return "{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + type + "\"}}";
    }

    @Test
    void udpToVxlanAndGeneveAndBackLosesNothing() throws IOException {
        lab = Lab.open(3, Lab.Underlay.WIRE).configure(config("udp")).start();
        List<Pod> pods = lab.nodes().stream().map(Node::addPod).toList();
        List<CompletableFuture<String>> pings = pingAllPairs(pods);

        goOver("vxlan", 1450);
        assertThat(lab.etcd().list(Lab.PREFIX + "/subnets"))
                .hasSize(3)
                .allSatisfy(lease -> assertThat(lease.value()).contains("\"Decodes\":{", "\"vxlan\":{\"VNI\":1"));
        assertThat(Transfer.tcp(pods.get(0), pods.get(1), 50))
                .as("TCP by vxlan")
                .isTrue();
        goOver("geneve", 1434);
        assertThat(Transfer.tcp(pods.get(1), pods.get(2), 50))
                .as("TCP by geneve")
                .isTrue();
        goOver("udp", 1472);
        assertThat(Transfer.tcp(pods.get(2), pods.get(0), 50)).as("TCP by udp").isTrue();

        pings.forEach(EncapsulationChangeIT::assertNoneLost);
        assertThat(lab.node(1).log()).contains("migrating from udp to vxlan", "migrating from geneve to udp");
        assertThat(lab.node(1).status().path("state").asText()).isEqualTo("ready");
    }

    @Test
    void aChangeOfMoreThanTheEncapsulationWaitsForTheNextStart() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(config("vxlan")).start();

        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\",\"VNI\":7}}");

        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(
                        () -> assertThat(lab.node(1).status().path("reasons").toString())
                                .contains("at the next start only", "cannot be changed while its tunnel is open"));
        assertThat(lab.node(1).status().path("device").asText()).isEqualTo("flannel.1");
    }

    @Test
    void stockFlannelIsSentWhatItSpeaks() {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: set FLANNELD_BIN");
        lab = Lab.open(3, Lab.Underlay.WIRE).configure(config("vxlan"));
        Node first = lab.node(1);
        Node second = lab.node(2);
        first.start();
        second.start();
        StockFlannel.start(lab, lab.node(3));
        List<Pod> pods = lab.nodes().stream().map(Node::addPod).toList();
        Awaitility.await()
                .atMost(SOON)
                .until(() -> pods.get(0).canPing(pods.get(2)) && pods.get(1).canPing(pods.get(2)));
        List<CompletableFuture<String>> pings = pingAllPairs(pods);

        lab.configure(config("udp"));

        Awaitility.await().atMost(SOON).untilAsserted(() -> {
            assertThat(routes(first)).contains("10.5.0.0/16 dev flannel0", subnet(lab.node(3)) + " dev flannel.1");
            assertThat(routes(second)).contains("10.5.0.0/16 dev flannel0", subnet(lab.node(3)) + " dev flannel.1");
            assertThat(first.metrics()).contains("flannelj_encapsulation_changed 0.5");
        });
        pings.forEach(EncapsulationChangeIT::assertNoneLost);

        second.kill();
        second.start();
        Awaitility.await("a new life knows what flannel speaks")
                .atMost(SOON)
                .until(() -> pods.get(2).canPing(pods.get(1)) && pods.get(1).canPing(pods.get(0)));
    }

    private void goOver(String type, int mtuBytes) throws IOException {
        lab.configure(config(type));
        for (Node node : lab.nodes()) {
            Awaitility.await(node.name()).atMost(SOON).untilAsserted(() -> {
                assertThat(node.status().path("backend").asText()).isEqualTo(type);
                assertThat(node.metrics()).contains("flannelj_encapsulation_changed 1.0");
                assertThat(Files.readString(node.subnetFile())).contains("FLANNEL_MTU=" + mtuBytes);
                assertThat(routes(node))
                        .as("one route for the whole network")
                        .contains("10.5.0.0/16 dev "
                                + node.status().path("device").asText().replaceAll(",.*", ""))
                        .doesNotContain("/24 dev flannel", "/24 dev geneve");
            });
        }
    }

    private static String routes(Node node) {
        return node.run("ip", "route").output();
    }

    private static String subnet(Node node) {
        try {
            return Files.readString(node.subnetFile()).replaceAll("(?s).*FLANNEL_SUBNET=([0-9.]+)\\.1/24.*", "$1.0/24");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private List<CompletableFuture<String>> pingAllPairs(List<Pod> pods) {
        List<CompletableFuture<String>> pings = new ArrayList<>();
        for (Pod from : pods) {
            for (Pod to : pods) {
                if (from != to) {
                    pings.add(CompletableFuture.supplyAsync(
                            () -> from.address() + " to "
                                    + from.run(
                                                    "ping",
                                                    "-D",
                                                    "-O",
                                                    "-i0.01",
                                                    "-c",
                                                    String.valueOf(PINGS),
                                                    "-W1",
                                                    to.address())
                                            .output(),
                            pool));
                }
            }
        }
        return pings;
    }

    private static void assertNoneLost(CompletableFuture<String> ping) {
        String text = ping.join();
        assertThat(Pings.outcome(text).lost())
                .as(
                        "pings without an answer; %s",
                        text.lines()
                                .filter(line -> line.contains("no answer") || line.contains("PING"))
                                .toList())
                .isZero();
    }
}
