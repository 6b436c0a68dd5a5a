package io.flannelj.it;

import static io.flannelj.it.ObservedCluster.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code observe} and {@code capture} with every kind of tunnel, and where the kernel carries packets. */
@NeedsPrivileges
class ObserveBackendsIT {
    /** Bytes of the address family that stands in front of each packet in the file. */
    private static final int FAMILY = 4;

    @ParameterizedTest
    @CsvSource({"udp, 28", "geneve, 50"})
    void packetsAreSeenInsideAndOutsideOfEveryTunnel(String backend, int outerBytes) throws InterruptedException {
        try (ObservedCluster cluster = ObservedCluster.open(backend)) {
            Path lines = cluster.file("observe.log");
            Path file = cluster.file("ping.pcapng");
            Path log = cluster.file("capture.log");
            List<Process> watching = List.of(
                    cluster.node().startOperator(lines, "observe", "--proto", "icmp", "--count", "4"),
                    cluster.node()
                            .startOperator(
                                    log,
                                    "capture",
                                    "-w",
                                    file.toString(),
                                    "--max-packets",
                                    "8",
                                    "icmp",
                                    "and",
                                    "host",
                                    cluster.there.address()));
            while (watching.stream().anyMatch(Process::isAlive)) {
                cluster.here.run("ping", "-c", "1", "-W", "1", cluster.there.address());
            }
            assertThat(watching)
                    .allSatisfy(each -> assertThat(each.exitValue())
                            .as(text(lines) + text(log))
                            .isZero());
            assertThat(text(lines))
                    .contains(cluster.here.containerId() + " → " + cluster.there.address()
                            + "  ICMP echo request, 84 bytes");
            List<String> rows = ObservedCluster.tshark(
                            file,
                            "-T",
                            "fields",
                            "-E",
                            "separator=|",
                            "-E",
                            "occurrence=f",
                            "-e",
                            "frame.interface_name",
                            "-e",
                            "ip.src",
                            "-e",
                            "ip.dst",
                            "-e",
                            "frame.len")
                    .lines()
                    .toList();
            assertThat(rows)
                    .hasSize(8)
                    .contains(
                            "pods|" + cluster.here.address() + "|" + cluster.there.address() + "|" + (FAMILY + 84),
                            "wire|" + cluster.node().address() + "|" + cluster.peer() + "|"
                                    + (FAMILY + 84 + outerBytes),
                            "wire|" + cluster.peer() + "|" + cluster.node().address() + "|"
                                    + (FAMILY + 84 + outerBytes),
                            "pods|" + cluster.there.address() + "|" + cluster.here.address() + "|" + (FAMILY + 84));
        }
    }

    @Test
    void whereTheKernelCarriesPacketsThatIsSaid() throws InterruptedException {
        try (ObservedCluster cluster = ObservedCluster.open("host-gw")) {
            for (List<String> command : List.of(
                    List.of("observe"),
                    List.of("observe", "--dropped"),
                    List.of("capture", "-w", cluster.file("none.pcapng").toString()))) {
                Commands.Result said = cluster.node().operator(command.toArray(String[]::new));
                assertThat(said.exitStatus()).as(said.errors()).isEqualTo(1);
                assertThat(said.errors())
                        .contains("packets do not pass through the daemon: backend host-gw lets the kernel carry them")
                        .contains("tcpdump -ni ");
            }
            Path log = cluster.file("live.log");
            Process live = cluster.node()
                    .startOperator(log, "explain", cluster.here.address(), cluster.there.address(), "--live");
            assertThat(live.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(live.exitValue()).as(text(log)).isEqualTo(1);
            assertThat(text(log)).contains("packets do not pass through the daemon");
        }
    }
}
