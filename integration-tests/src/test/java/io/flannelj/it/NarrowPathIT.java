package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Answers;
import io.flannelj.lab.Lab;
import io.flannelj.lab.NarrowPath;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A link on the way that takes less than the uplinks do: what kernel VXLAN brings over it comes over, and no less. */
@NeedsPrivileges
class NarrowPathIT {
    /**
     * In CI each size from 1 to 3,000 once; {@code -Dflannelj.answers=10000} asks for so many. Elsewhere, of those near where one
     * TCP segment is longer than the link takes, every second one, and of the others every seventh.
     */
    private static final int ANSWERS = Integer.getInteger("flannelj.answers", LongRun.IN_CI ? 3_000 : 0);

    private static final List<Integer> SIZES = ANSWERS > 0
            ? IntStream.range(0, ANSWERS)
                    .map(number -> number % 3000 + 1)
                    .boxed()
                    .toList()
            : IntStream.rangeClosed(1, 3000)
                    .filter(size -> size % 7 == 1 || (size >= 1150 && size <= 1420 && size % 2 == 0))
                    .boxed()
                    .toList();

    @LongRun
    @ParameterizedTest
    @CsvSource({
        "flannel, vxlan, 1400",
        "ours, vxlan, 1400",
        "ours, udp, 1400",
        "ours, geneve, 1280",
        "ours, geneve, 1400"
    })
    void everySizeArrivesElsewhereToo(String who, String backend, int mtu) {
        everySizeArrivesThoughRoutersSayNothing(who, backend, mtu);
    }

    @ParameterizedTest
    @CsvSource({"ours, vxlan, 1280", "ours, udp, 1280"})
    void everySizeArrivesThoughRoutersSayNothing(String who, String backend, int mtu) {
        try (Lab lab = lab(who, "\"" + backend + "\"", "")) {
            lab.narrow(lab.node(1), lab.node(2), mtu).filterIcmp();
            Pod client = lab.node(1).addPod();
            Pod server = lab.node(2).addPod();

            Awaitility.await("packets of nearly the whole MTU; the first is answered with what the path takes")
                    .atMost(Duration.ofSeconds(40))
                    .until(() -> client.canPing(server, "-s", "1422"));
            assertThat(Answers.missing(client, server, server.address(), SIZES))
                    .as("sizes that did not arrive")
                    .isEmpty();
        }
    }

    @LongRun
    @ParameterizedTest
    @CsvSource({"udp, 1280", "geneve, 1400"})
    void withoutProbesRoutersCutElsewhereToo(String backend, int mtu) {
        withoutProbesRoutersCut(backend, mtu);
    }

    /** Nobody measures the path, and nobody needs to: no outer packet forbids to be cut, whether it goes alone or in a run. */
    @ParameterizedTest
    @CsvSource("vxlan, 1400")
    void withoutProbesRoutersCut(String backend, int mtu) {
        try (Lab lab = lab("ours", "\"" + backend + "\"", "", "--peer-probes=false")) {
            lab.narrow(lab.node(1), lab.node(2), mtu).filterIcmp();
            Pod client = lab.node(1).addPod();
            Pod server = lab.node(2).addPod();
            for (Node node : lab.nodes()) {
                node.run(
                                "nft",
                                "table ip sent { chain out { type filter hook postrouting priority 0;"
                                        + " ip daddr 192.168.100.1-192.168.100.2 meta l4proto udp counter;"
                                        + " ip daddr 192.168.100.1-192.168.100.2 meta l4proto udp ip frag-off & 0x4000 != 0 counter;"
                                        + " }; }")
                        .orThrow();
            }

            assertThat(client.canPing(server, "-s", "1422"))
                    .as("a packet of nearly the whole MTU, at once")
                    .isTrue();
            assertThat(Answers.missing(client, server, server.address(), SIZES))
                    .as("sizes that did not arrive")
                    .isEmpty();
            assertThat(lab.nodes())
                    .allSatisfy(node -> assertThat(node.run("nft", "list", "table", "ip", "sent")
                                    .output())
                            .as("tunnel packets, and those that bear DF")
                            .containsPattern("udp counter packets [1-9]")
                            .containsPattern("!= 0(x0)? counter packets 0 "));
        }
    }

    /** Routers of IPv6 never cut: the sender does once it is told, or the network config says what the way takes. */
    @ParameterizedTest
    @CsvSource({"ours, 1280, false, 0", "ours, 1400, true, 1400"})
    void everySizeArrivesOverIpv6(String who, int mtu, boolean filtered, int configured) {
        String ipv6 = "\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\",";
        try (Lab lab = lab(who, "\"vxlan\"" + (configured > 0 ? ",\"MTU\":" + configured : ""), ipv6)) {
            NarrowPath path = lab.narrow(lab.node(1), lab.node(2), mtu);
            if (filtered) {
                path.filterIcmp();
            }
            Pod client = lab.node(1).addPod().addIpv6ByHand("docker0");
            Pod server = lab.node(2).addPod().addIpv6ByHand("docker0");

            if (!filtered) {
                Awaitility.await("packets of the whole MTU; the first is lost, and the sender learns from that")
                        .atMost(Duration.ofSeconds(40))
                        .until(() -> client.run("ping", "-c1", "-W1", "-s", "1382", server.ipv6Address())
                                .succeeded());
            }
            assertThat(Answers.missing(client, server, server.ipv6Address(), SIZES))
                    .as("sizes that did not arrive")
                    .isEmpty();
        }
    }

    @LongRun
    @ParameterizedTest
    @CsvSource({"flannel, 1400, false, 0", "ours, 1400, false, 0"})
    void everySizeArrivesOverIpv6ElsewhereToo(String who, int mtu, boolean filtered, int configured) {
        everySizeArrivesOverIpv6(who, mtu, filtered, configured);
    }

    /** An ICMP error is heeded, though not believed: what is sent is cut again before anybody waits for long. */
    @Test
    void aPathOverIpv6MayBecomeNarrowLater() {
        try (Lab lab = lab("ours", "\"vxlan\"", "\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\",")) {
            Pod client = lab.node(1).addPod().addIpv6ByHand("docker0");
            Pod server = lab.node(2).addPod().addIpv6ByHand("docker0");
            Awaitility.await("both have measured it")
                    .atMost(Duration.ofSeconds(40))
                    .until(() -> lab.nodes().stream().allMatch(node -> mtuOverIpv6(node) == 1430));

            lab.narrow(lab.node(1), lab.node(2), 1400);
            client.run(
                    "ping", "-c1", "-W1", "-s", "1382", server.ipv6Address()); // of which the answer is too big as well

            Awaitility.await("packets of the whole MTU")
                    .atMost(Duration.ofSeconds(15))
                    .until(() -> client.canPing(server.ipv6Address(), "-s", "1382"));
            assertThat(Answers.missing(client, server, server.ipv6Address(), SIZES))
                    .as("sizes that did not arrive")
                    .isEmpty();
        }
    }

    private static int mtuOverIpv6(Node node) {
        for (JsonNode path : node.peers().path(0).path("paths")) {
            if (path.path("device").asText().startsWith("flannel-v6")) {
                return path.path("mtu").asInt();
            }
        }
        return 0;
    }

    /** The nodes of one kind of daemon, started and acquainted. */
    private static Lab lab(String who, String backend, String more, String... flags) {
        Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\"," + more + "\"Backend\":{\"Type\":" + backend + "}}");
        if (who.equals("flannel")) {
            assumeTrue(StockFlannel.binary().isPresent(), "no flannel: run integration-tests/peers");
            lab.nodes().forEach(node -> StockFlannel.start(lab, node));
            return lab;
        }
        String[] all = Stream.concat(Stream.of("--vxlan-datapath", "userspace"), Stream.of(flags))
                .toArray(String[]::new);
        lab.nodes().forEach(node -> node.startDaemon(all));
        lab.nodes().forEach(node -> {
            node.awaitReady();
            node.awaitPeers(1);
        });
        return lab;
    }
}
