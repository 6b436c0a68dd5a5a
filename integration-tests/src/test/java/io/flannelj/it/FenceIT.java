package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The promise of a lease, by real daemons, many at once and on a busy machine: when the store is away, none of them sends from
 * its subnet for longer than its lease lasts, as itself knows it. {@code -Dflannelj.fenceNodes=20 -Dflannelj.fenceRounds=10
 * -Dflannelj.fenceLoad=4} watches 200 fences beside so many busy threads.
 */
@NeedsPrivileges
class FenceIT {
    private static final int NODES = Integer.getInteger("flannelj.fenceNodes", 3);
    private static final int ROUNDS = Integer.getInteger("flannelj.fenceRounds", 1);
    private static final int LOAD = Integer.getInteger("flannelj.fenceLoad", 0);
    private static final Duration TIME_TO_LIVE = Duration.ofSeconds(15);
    private static final Duration LATE = Duration.ofMinutes(3);
    private static final String SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final String FENCED = "sending nothing from it until it is";
    private static final String RENEWED = "our lease is renewed: sending again";

    private Lab lab;
    private volatile boolean over;

    @AfterEach
    void tearDown() {
        over = true;
        lab.close();
    }

    @Test
    void everyNodeIsFencedBeforeASecondHasPassed() {
        lab = Lab.open(NODES, Lab.Underlay.ON)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        lab.nodes().forEach(node -> node.startDaemon("--subnet-lease-ttl", "" + TIME_TO_LIVE.toSeconds()));
        IntStream.range(0, LOAD).forEach(i -> keepBusy());
        for (int round = 1; round <= ROUNDS; round++) {
            int times = round;
            lab.nodes()
                    .forEach(node ->
                            Wait.until(node::log, LATE, () -> node.readyz().startsWith("HTTP/1.1 200")));
            lab.etcd().freeze(); // no lease is renewed after this
            lab.nodes()
                    .forEach(node -> Wait.until(
                            node::log, LATE, () -> lines(node, FENCED).size() >= times));
            for (Node node : lab.nodes()) {
                List<String> lines = lines(node, FENCED);
                Instant end = node.leaseEnd();
                Instant fenced = timeOf(lines.get(lines.size() - 1));
                System.out.println("round " + round + ", " + node.name() + ": fenced "
                        + Duration.between(end, fenced).toMillis() + " ms after the end of its lease");
                assertThat(fenced).as(node.name()).isBetween(end.minusMillis(100), end.plusSeconds(1));
                assertThat(lines).as("fenced once in each round").hasSize(times);
                assertThat(node.metrics()).contains("flannelj_lease_fenced 1");
            }
            lab.etcd().thaw();
            lab.nodes()
                    .forEach(node -> Wait.until(
                            node::log, LATE, () -> lines(node, RENEWED).size() >= times));
        }
        assertThat(lab.leases()).hasSize(NODES);
    }

    /** Neither the packet filter's programs, which wait for each other's locks, nor the operator's are waited for. */
    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "host-gw"})
    void aSlowPacketFilterDoesNotDelayTheFence(String backend, @TempDir Path programs) throws IOException {
        Path slow = programs.resolve("slow");
        Path save = programs.resolve("iptables-save");
        Files.writeString(save, """
                #!/bin/sh
                if [ -e %s ]; then sleep 12; fi
                PATH=%s exec iptables-save "$@"
                """.formatted(slow, SYSTEM_PATH));
        assertThat(save.toFile().setExecutable(true)).isTrue();
        lab = Lab.open(2, Lab.Underlay.ON)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}");
        Node node = lab.nodes().get(0);
        node.startDaemonWith(
                Map.of("PATH", programs + ":" + SYSTEM_PATH),
                "--subnet-lease-ttl",
                "" + TIME_TO_LIVE.toSeconds(),
                "--iptables-resync",
                "1");
        Node other = lab.nodes().get(1);
        other.startDaemon("--subnet-lease-ttl", "" + TIME_TO_LIVE.toSeconds());
        lab.nodes()
                .forEach(each -> Wait.until(each::log, LATE, () -> each.readyz().startsWith("HTTP/1.1 200")));
        Files.createFile(slow);
        lab.etcd().freeze();
        Wait.until(node::log, LATE, () -> !lines(node, FENCED).isEmpty());
        assertThat(timeOf(lines(node, FENCED).get(0)))
                .isBetween(node.leaseEnd().minusMillis(100), node.leaseEnd().plusSeconds(1));
        assertThat(lines(node, "firewall rules cannot be checked")).isEmpty();
    }

    private void keepBusy() {
        Thread thread = new Thread(() -> {
            while (!over) {
                Thread.onSpinWait();
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static List<String> lines(Node node, String with) {
        return node.log().lines().filter(line -> line.contains(with)).toList();
    }

    private static Instant timeOf(String line) {
        return OffsetDateTime.parse(line.substring(0, line.indexOf(' '))).toInstant();
    }
}
