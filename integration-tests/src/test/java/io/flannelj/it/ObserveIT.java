package io.flannelj.it;

import static io.flannelj.it.ObservedCluster.json;
import static io.flannelj.it.ObservedCluster.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Transfer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** {@code flanneld-j observe}: packets of a node, with names and reasons. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ObserveIT {
    private static final Duration SOON = Duration.ofSeconds(30);

    private ObservedCluster cluster;

    @BeforeAll
    void open() {
        cluster = ObservedCluster.open();
    }

    @AfterAll
    void close() {
        cluster.close();
    }

    private void assertNamed(Map<String, String> provoked) {
        Commands.Result said = cluster.node().operator("observe", "--dropped", "-o", "json");
        assertThat(said.exitStatus()).as(said.errors()).isZero();
        List<JsonNode> drops = json(said.output());
        provoked.forEach((reason, address) -> assertThat(drops)
                .as("%s %s", reason, address)
                .anySatisfy(drop -> {
                    assertThat(drop.path("verdict").asText()).isEqualTo("dropped");
                    assertThat(drop.path("reason").asText()).isEqualTo(reason);
                    assertThat(drop.path("from").path("address").asText() + " "
                                    + drop.path("to").path("address").asText())
                            .contains(address);
                }));
        assertThat(drops)
                .filteredOn(drop -> drop.path("reason").asText().equals("no_route"))
                .allSatisfy(drop ->
                        assertThat(drop.path("from").path("name").asText()).isEqualTo(cluster.here.containerId()));
        assertThat(drops)
                .filteredOn(drop -> drop.path("reason").asText().equals("spoofed"))
                .allSatisfy(drop -> assertThat(drop.path("node").asText()).isEqualTo(cluster.peer()));
    }

    @Test
    void whatWasDroppedIsNamedWithItsReasonThoughAFloodFollowed() {
        Map<String, String> provoked = cluster.provokeDrops();
        assertThat(provoked).hasSizeGreaterThanOrEqualTo(6);
        floodByAStranger(20_000);
        assertNamed(provoked);

        String text = cluster.node()
                .operator("observe", "--dropped", "--pod", cluster.here.containerId(), "--proto", "icmp")
                .output();
        assertThat(text.lines())
                .isNotEmpty()
                .allSatisfy(
                        line -> assertThat(line)
                                .matches(
                                        "\\d\\d:\\d\\d:\\d\\d\\.\\d{3}(Z|[+-]\\d\\d:\\d\\d) DROPPED  "
                                                + cluster.here.containerId()
                                                + " → 10\\.5\\.250\\.1  ICMP echo request, 84 bytes: no_route, no lease covers the destination"));
        assertThat(cluster.node()
                        .operator("observe", "--dropped", "--pod", "10.5.251.9")
                        .output())
                .contains("spoofed")
                .doesNotContain("no_route");
    }

    @LongRun
    @Test
    void whatWasDroppedAMinuteAgoIsThereThoughTheSameGoesOn() throws InterruptedException {
        Map<String, String> provoked = cluster.provokeDrops();
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(58)) {
            floodByAStranger(5_000);
            Thread.sleep(1000);
        }
        assertNamed(provoked);
        assertThat(json(cluster.node()
                        .operator("observe", "--dropped", "--since", "10s", "-o", "json")
                        .output()))
                .isNotEmpty()
                .allSatisfy(drop -> assertThat(drop.path("reason").asText()).isEqualTo("unknown_peer"));
    }

    private void floodByAStranger(int packets) {
        Commands.Result sent = cluster.lab.runOnSwitch(
                "perl",
                "-e",
                "use Socket; socket(my $s, AF_INET, SOCK_DGRAM, 0); my $to = pack_sockaddr_in("
                        + ObservedCluster.VXLAN_PORT + ", inet_aton('"
                        + cluster.node().address()
                        + "')); send($s, 'x' x 100, 0, $to) for 1 .. " + packets);
        assertThat(sent.exitStatus()).as(sent.errors()).isZero();
    }

    @Test
    void packetsAreShownAsTheyPassWithNamesAndBothWays() throws InterruptedException {
        Path log = cluster.file("observe.log");
        Process ping = cluster.node().startIn(cluster.here, "ping", "-i", "0.2", "-c", "100", cluster.there.address());
        Process observe = cluster.node()
                .startOperator(log, "observe", "--proto", "icmp", "--pod", cluster.here.containerId(), "--count", "6");
        assertThat(observe.waitFor(30, TimeUnit.SECONDS)).isTrue();
        ping.destroy();
        assertThat(observe.exitValue()).as(text(log)).isZero();
        assertThat(text(log).lines()).hasSize(6);
        assertThat(text(log))
                .containsPattern("sent     " + cluster.here.containerId() + " → " + cluster.there.address()
                        + "  ICMP echo request, 84 bytes, to " + cluster.peer())
                .containsPattern("received " + cluster.there.address() + " → " + cluster.here.containerId()
                        + "  ICMP echo reply, 84 bytes, from " + cluster.peer());
    }

    @Test
    void probesAreLeftOutUnlessAskedFor() throws InterruptedException {
        assertThat(observed("--seconds", "10"))
                .doesNotContain("ICMP echo")
                .containsPattern("not shown: \\d+ of the daemons' probes; --probes shows them");
        assertThat(observed("--seconds", "10", "--probes"))
                .contains("received " + cluster.peer() + " → " + cluster.node().address() + "  ICMP echo request")
                .doesNotContain("not shown");
    }

    private String observed(String... options) throws InterruptedException {
        Path log = cluster.file("probes.log");
        List<String> command = new ArrayList<>(List.of("observe"));
        command.addAll(List.of(options));
        Process observe = cluster.node().startOperator(log, command.toArray(String[]::new));
        assertThat(observe.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(observe.exitValue()).as(text(log)).isZero();
        return text(log);
    }

    @Test
    void otherNodesTellTheNamesOfTheirPods() throws InterruptedException {
        Path log = cluster.file("names.log");
        Process ping = cluster.node().startIn(cluster.here, "ping", "-i", "0.2", "-c", "200", cluster.there.address());
        Process observe = cluster.node()
                .startOperator(
                        log,
                        "observe",
                        "--all-names",
                        "--proto",
                        "icmp",
                        "--pod",
                        cluster.there.containerId(),
                        "--count",
                        "40");
        assertThat(observe.waitFor(40, TimeUnit.SECONDS)).isTrue();
        ping.destroy();
        assertThat(observe.exitValue()).as(text(log)).isZero();
        assertThat(text(log))
                .contains(cluster.here.containerId() + " → " + cluster.there.containerId() + "  ICMP echo request")
                .contains(cluster.there.containerId() + " → " + cluster.here.containerId() + "  ICMP echo reply");
    }

    @Test
    void whoReadsOneLineOfAPipeEndsIt() {
        Process ping = cluster.node().startIn(cluster.here, "ping", "-i", "0.2", "-c", "100", cluster.there.address());
        Commands.Result said = cluster.node()
                .run(
                        "bash",
                        "-c",
                        "\"$0\" observe --proto icmp --seconds 30 --control-socket "
                                + cluster.node().controlSocketFile() + " | head -1; exit ${PIPESTATUS[0]}",
                        Distribution.home().resolve("bin/flanneld-j").toString());
        ping.destroy();
        assertThat(said.output().lines()).hasSize(1);
        assertThat(said.errors()).doesNotContain("stopped");
        assertThat(said.exitStatus()).isZero();
    }

    @Test
    void filtersShowNothingElse() throws InterruptedException {
        Path tcp = cluster.file("tcp.log");
        Path dropped = cluster.file("dropped.log");
        Process ping = cluster.node().startIn(cluster.here, "ping", "-i", "0.2", "-c", "100", cluster.there.address());
        List<Process> watching = List.of(
                cluster.node().startOperator(tcp, "observe", "--proto", "tcp", "--seconds", "8", "-o", "json"),
                cluster.node()
                        .startOperator(dropped, "observe", "--dropped", "--follow", "--since", "1s", "--seconds", "8"));
        while (watching.stream().anyMatch(Process::isAlive)) {
            assertThat(Transfer.tcp(cluster.here, cluster.there, 1)).isTrue();
            cluster.here.run("ping", "-c", "1", "-W", "1", "10.5.253.1");
        }
        ping.destroy();
        assertThat(watching)
                .allSatisfy(each -> assertThat(each.exitValue())
                        .as(text(tcp) + text(dropped))
                        .isZero());
        String lines =
                text(tcp).lines().filter(line -> line.startsWith("{")).reduce("", (all, line) -> all + line + "\n");
        assertThat(json(lines))
                .isNotEmpty()
                .allSatisfy(
                        packet -> assertThat(packet.path("protocol").asText()).isEqualTo("TCP"))
                .anySatisfy(
                        packet -> assertThat(packet.path("verdict").asText()).isEqualTo("sent"))
                .anySatisfy(
                        packet -> assertThat(packet.path("verdict").asText()).isEqualTo("received"));
        assertThat(text(dropped).lines())
                .isNotEmpty()
                .filteredOn(line -> !line.startsWith("no packet that was dropped is kept"))
                .allSatisfy(line -> assertThat(line).contains("DROPPED"))
                .anySatisfy(line -> assertThat(line).contains("10.5.253.1"));
    }

    @Test
    void flowsAreAddedUp() throws InterruptedException {
        Path log = cluster.file("flows.log");
        Process observe = cluster.node()
                .startOperator(
                        log,
                        "observe",
                        "--flows",
                        "--proto",
                        "tcp",
                        "--pod",
                        cluster.there.address(),
                        "--seconds",
                        "6");
        while (observe.isAlive()) {
            assertThat(Transfer.tcp(cluster.here, cluster.there, 10)).isTrue();
        }
        assertThat(observe.exitValue()).as(text(log)).isZero();
        assertThat(text(log).lines().filter(line -> !line.startsWith("not shown")))
                .hasSizeBetween(2, 400)
                .allSatisfy(line -> assertThat(line).contains("  TCP, "))
                .anySatisfy(line -> assertThat(line)
                        .containsPattern(" sent +" + cluster.here.containerId() + ":\\d+ → " + cluster.there.address()
                                + ":\\d+  TCP, \\d{6,} bytes in \\d{2,} packets, to "));
    }

    /** One who reads nothing, and those who are killed: traffic flows, and the places of the dead are free again. */
    @Test
    void whoReadsNothingOrIsKilledHurtsNobody() throws InterruptedException {
        for (int round = 0; round < 2; round++) {
            List<Process> watching = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                watching.add(cluster.node()
                        .start(
                                cluster.file("slow.log"),
                                "perl",
                                "-e",
                                "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => '"
                                        + cluster.node().controlSocketFile()
                                        + "') or die; print $s \"GET /v1/packets HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\"; $s->flush;"
                                        + " sleep 300"));
            }
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(
                                    cluster.node().operator("observe", "--count", "1", "--seconds", "1"))
                            .satisfies(said -> assertThat(said.exitStatus()).isEqualTo(1))
                            .satisfies(said -> assertThat(said.errors()).contains("4 others watch")));
            assertThat(Transfer.tcp(cluster.here, cluster.there, 200)).isTrue();
            assertThat(cluster.here.canPing(cluster.there)).isTrue();
            assertThat(cluster.node().operator("status").exitStatus()).isZero();
            watching.forEach(Process::destroyForcibly);
            for (Process each : watching) {
                each.waitFor();
            }
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(cluster.node()
                                    .operator("observe", "--seconds", "1")
                                    .exitStatus())
                            .isZero());
        }
    }

    @Test
    void whatIsNotUnderstoodIsNamed() {
        assertThat(cluster.node().operator("observe", "--since", "1m").exitStatus())
                .isEqualTo(2);
        assertThat(cluster.node()
                        .operator("observe", "--dropped", "--since", "soon")
                        .exitStatus())
                .isEqualTo(2);
        Commands.Result pod = cluster.node().operator("observe", "--dropped", "--pod", "nobody");
        assertThat(pod.exitStatus()).isEqualTo(1);
        assertThat(pod.errors()).contains("--pod nobody is no address");
    }
}
