package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Answers;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What probes find out about a path is used: by ICMP to pods, by TCP, and by who segments. */
@NeedsPrivileges
class PathUseIT {
    private static final Duration SOON = Duration.ofSeconds(60);

    /** Three rounds of trains, at the worst just after one. */
    private static final Duration A_MINUTE = Duration.ofSeconds(75);

    private static final List<Integer> SIZES = IntStream.rangeClosed(1, 3000)
            .filter(size -> size % 31 == 1 || (size >= 1230 && size <= 1420 && size % 4 == 0))
            .boxed()
            .toList();

    @ParameterizedTest
    @CsvSource({"vxlan, 1400, 1350", "udp, 1400, 1372", "geneve, 1300, 1250"})
    void podsLearnTheMtuOfANarrowPathWhoseRoutersSayNothing(String backend, int link, int mtu) {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}")) {
            lab.narrow(lab.node(1), lab.node(2), link).filterIcmp();
            lab.start();
            Pod client = lab.node(1).addPod();
            Pod server = lab.node(2).addPod();
            awaitMtu(lab.node(1), mtu);
            awaitMtu(lab.node(2), mtu);

            String size = String.valueOf(mtu - 28 + 1);
            Commands.Result ping = client.run("ping", "-c3", "-i0.2", "-W2", "-M", "do", "-s", size, server.address());
            assertThat(ping.output() + ping.errors())
                    .containsPattern("mtu[ =:]+" + mtu)
                    .doesNotContain("bytes from");
            assertThat(client.canPing(server, "-M", "do", "-s", String.valueOf(mtu - 28)))
                    .as("what the path takes")
                    .isTrue();
            assertThat(Answers.missing(client, server, server.address(), SIZES))
                    .as("sizes that did not arrive")
                    .isEmpty();
            assertThat(Transfer.tcp(client, server, 20)).isTrue();
            assertThat(lab.node(1).metrics()).contains("flannelj_paths_narrow 1.0");
            assertThat(lines(lab.node(1), "takes packets of " + mtu + " bytes")).isEqualTo(1);
        }
    }

    /** Over IPv6 only the sender can cut, and here nobody tells it; what was probed makes it work. */
    @Test
    void thatHoldsOverIpv6() {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","
                        + "\"Backend\":{\"Type\":\"vxlan\"}}")) {
            lab.narrow(lab.node(1), lab.node(2), 1400).filterIcmp();
            lab.start();
            Pod client = lab.node(1).addPod().addIpv6ByHand("docker0");
            Pod server = lab.node(2).addPod().addIpv6ByHand("docker0");
            for (Node node : lab.nodes()) {
                Awaitility.await("the IPv6 path")
                        .atMost(SOON)
                        .untilAsserted(() -> assertThat(node.peers()
                                        .path(0)
                                        .path("paths")
                                        .path(1)
                                        .path("mtu")
                                        .asInt())
                                .isEqualTo(1330));
            }

            client.run("ping", "-c2", "-i0.2", "-W1", "-s", "1382", server.ipv6Address()); // whence the sender learns
            assertThat(client.run("ip", "-6", "route", "get", server.ipv6Address())
                            .output())
                    .contains("mtu 1330");
            assertThat(Answers.missing(client, server, server.ipv6Address(), SIZES))
                    .as("sizes that did not arrive")
                    .isEmpty();
        }
    }

    @Test
    void nodesOfMixedMtuSimplyWork() {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")) {
            lab.node(2).run("ip", "link", "set", "eth0", "mtu", "1400").orThrow();
            lab.start();
            Awaitility.await("the path's MTU")
                    .atMost(SOON)
                    .untilAsserted(
                            () -> assertThat(path(lab.node(1)).path("mtu").asInt())
                                    .isBetween(1350, 1354)); // veth takes as much more as a VLAN tag has
            Pod client = lab.node(1).addPod();
            Pod server = lab.node(2).addPod();

            assertThat(Answers.missing(client, server, server.address(), SIZES)).isEmpty();
            assertThat(Answers.missing(server, client, client.address(), SIZES)).isEmpty();
        }
    }

    /** A rule damages one datagram of each run that leaves the node whole, as some kernels do; the outer checksum stays right. */
    @Test
    void runsThatArriveDamagedAreNotSentAnyMore() {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")
                .start()) {
            Node node = lab.node(1);
            Pod client = node.addPod();
            Pod server = lab.node(2).addPod();
            awaitSegmentation(node, "works");

            node.run(
                            "nft",
                            "add table ip lie; add chain ip lie out { type filter hook postrouting priority 0; };"
                                    + " add rule ip lie out udp dport 8472 meta length > 2500 @th,1600,32 set 0xdeadbeef")
                    .orThrow();
            awaitSegmentation(node, "damages");
            assertThat(node.metrics()).contains("flannelj_paths_unsegmented 1.0");
            assertThat(lines(node, "sending each by itself there from now on")).isEqualTo(1);
            assertThat(Transfer.tcp(client, server, 50)).isTrue();
            assertThat(peers(node)).contains("segmented runs do not arrive");
            assertThat(lab.node(2)
                            .peers()
                            .path(0)
                            .path("paths")
                            .path(0)
                            .path("segmentation")
                            .asText())
                    .as("of the other direction")
                    .isEqualTo("works");

            node.run("nft", "delete", "table", "ip", "lie").orThrow();
            awaitSegmentation(node, "works");
            assertThat(lines(node, "the kernel segments them again")).isEqualTo(1);
        }
    }

    private static void awaitMtu(Node node, int mtu) {
        Awaitility.await("the path's MTU at " + node.name())
                .atMost(SOON)
                .untilAsserted(() -> assertThat(path(node).path("mtu").asInt())
                        .as("%s", path(node))
                        .isEqualTo(mtu));
    }

    private static void awaitSegmentation(Node node, String verdict) {
        Awaitility.await("segmentation that " + verdict)
                .atMost(A_MINUTE)
                .untilAsserted(() -> assertThat(path(node).path("segmentation").asText())
                        .as("%s", path(node))
                        .isEqualTo(verdict));
    }

    private static JsonNode path(Node node) {
        return node.peers().path(0).path("paths").path(0);
    }

    private static String peers(Node node) {
        return node.run(
                        Distribution.home().resolve("bin/flanneld-j").toString(),
                        "peers",
                        "--control-socket",
                        node.controlSocketFile().toString())
                .output();
    }

    private static long lines(Node node, String part) {
        return node.log().lines().filter(line -> line.contains(part)).count();
    }
}
