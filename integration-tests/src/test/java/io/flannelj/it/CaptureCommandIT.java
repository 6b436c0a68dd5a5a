package io.flannelj.it;

import static io.flannelj.it.ObservedCluster.text;
import static io.flannelj.it.ObservedCluster.tshark;
import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Transfer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** {@code flanneld-j capture}: files that tshark reads without objection. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CaptureCommandIT {
    private ObservedCluster cluster;

    @BeforeAll
    void open() {
        cluster = ObservedCluster.open();
    }

    @AfterAll
    void close() {
        cluster.close();
    }

    /** Captures while something is done, which goes on until the capture ends. */
    private String capture(Runnable meanwhile, String... options) throws InterruptedException {
        Path log = cluster.file("capture.log");
        Process capture = cluster.node().startOperator(log, options);
        while (!capture.waitFor(10, TimeUnit.MILLISECONDS)) {
            meanwhile.run();
        }
        assertThat(capture.exitValue()).as(text(log)).isZero();
        return text(log);
    }

    private void pingOnce() {
        cluster.here.run("ping", "-c", "1", "-W", "1", cluster.there.address());
    }

    @Test
    void aPingIsThereBeforeAndAfterEncapsulationBothWays() throws InterruptedException, IOException {
        Path file = cluster.file("ping.pcapng");
        String said = capture(
                this::pingOnce,
                "capture",
                "-w",
                file.toString(),
                "--max-packets",
                "8",
                "icmp and host",
                cluster.there.address());

        assertThat(said).contains("8 packets captured to " + file + ", 0 lost");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        List<String> rows = tshark(
                        file,
                        "-T",
                        "fields",
                        "-E",
                        "separator=|",
                        "-E",
                        "occurrence=a",
                        "-e",
                        "frame.interface_name",
                        "-e",
                        "frame.packet_flags_direction",
                        "-e",
                        "ip.src",
                        "-e",
                        "vxlan.vni",
                        "-e",
                        "icmp.type")
                .lines()
                .toList();
        String here = cluster.here.address();
        String there = cluster.there.address();
        String us = cluster.node().address();
        String them = cluster.peer();
        assertThat(rows)
                .hasSize(8)
                .contains(
                        "pods|0x00000001|" + here + "||8",
                        "wire|0x00000002|" + us + "," + here + "|1|8",
                        "wire|0x00000001|" + them + "," + there + "|1|0",
                        "pods|0x00000002|" + there + "||0");
    }

    @Test
    void tcpIsThereWholeWithGoodChecksumsOnTheWire() throws InterruptedException {
        Path file = cluster.file("tcp.pcapng");
        capture(
                () -> Transfer.tcp(cluster.here, cluster.there, 1),
                "capture",
                "-w",
                file.toString(),
                "--proto",
                "tcp",
                "--seconds",
                "6");

        assertThat(tshark(file, "-Y", "vxlan && tcp.flags.syn == 1").lines()).isNotEmpty();
        assertThat(tshark(file, "-Y", "frame.interface_name == \"pods\" && tcp.len > 1400")
                        .lines())
                .as("super-packets")
                .isNotEmpty();
        assertThat(tshark(
                        file,
                        "-o",
                        "tcp.check_checksum:TRUE",
                        "-o",
                        "ip.check_checksum:TRUE",
                        "-Y",
                        "vxlan && (tcp.len <= 1448 && tcp.checksum.status == 0 || ip.checksum.status == 0)"))
                .as("wrong checksums on the wire, but of super-packets that the kernel cuts")
                .isEmpty();
        assertThat(tshark(file, "-Y", "_ws.malformed")).as("malformed packets").isEmpty();
    }

    @Test
    void dropsCarryTheirReasonsAndWhatIsNotWantedIsLeftOut() throws InterruptedException {
        Path file = cluster.file("drops.pcapng");
        capture(
                () -> {
                    cluster.provokeDrops();
                    pingOnce();
                },
                "capture",
                "-w",
                file.toString(),
                "--dropped",
                "--seconds",
                "6");

        List<String> comments =
                tshark(file, "-T", "fields", "-e", "frame.comment").lines().toList();
        assertThat(comments)
                .isNotEmpty()
                .allSatisfy(comment -> assertThat(comment).startsWith("dropped: "))
                .contains(
                        "dropped: no_route, no lease covers the destination",
                        "dropped: spoofed, an inner source address that its sender has not leased",
                        "dropped: wrong_vni, a VNI of another network",
                        "dropped: unknown_peer, the sender holds no lease");
    }

    @Test
    void theStreamIsReadLiveByAPipeWhoseEndEndsIt() throws InterruptedException, IOException {
        Path live = cluster.file("live.txt");
        Path errors = cluster.file("errors.txt");
        Process pipe = cluster.node()
                .start(
                        errors,
                        "sh",
                        "-c",
                        "exec 2>>" + errors + "; \"$0\" capture -w - --proto icmp --control-socket "
                                + cluster.node().controlSocketFile()
                                + " | tshark -l -n -i - -c 4 -T fields -e icmp.type >" + live,
                        Distribution.home().resolve("bin/flanneld-j").toString());
        Awaitility.await()
                .atMost(ExplainedCluster.SOON)
                .pollInterval(Duration.ofMillis(100))
                .until(() -> {
                    pingOnce();
                    return text(live).lines().count() >= 4;
                });
        pingOnce();
        pingOnce();
        assertThat(pipe.waitFor(20, TimeUnit.SECONDS)).as(text(errors)).isTrue();
        assertThat(text(errors)).contains("packets captured");
    }

    /** In /tmp anybody can put a pipe, or a link to a disk, where an operator's capture is to go. */
    @Test
    void aPipeOfAnotherUserIsNotWrittenTo() throws IOException, InterruptedException {
        Path own = cluster.file("own.pipe");
        Path foreign = cluster.file("foreign.pipe");
        Path link = cluster.file("link.pipe");
        cluster.node().run("mkfifo", own.toString(), foreign.toString()).orThrow();
        cluster.node().run("ln", "-s", own.toString(), link.toString()).orThrow();
        cluster.node()
                .run("chown", "-h", "65534", foreign.toString(), link.toString())
                .orThrow();

        for (Path pipe : List.of(foreign, link)) {
            Commands.Result refused = cluster.node()
                    .run(
                            "timeout",
                            "20",
                            Distribution.home().resolve("bin/flanneld-j").toString(),
                            "capture",
                            "-w",
                            pipe.toString(),
                            "--seconds",
                            "1",
                            "--control-socket",
                            cluster.node().controlSocketFile().toString());
            assertThat(refused.exitStatus()).as(refused.errors()).isEqualTo(1);
            assertThat(refused.errors()).contains("another user has put there");
        }

        Path read = cluster.file("read.pcapng");
        Process reader = cluster.node().start(cluster.file("reader.log"), "sh", "-c", "cat " + own + " >" + read);
        cluster.node()
                .operator("capture", "-w", own.toString(), "--seconds", "1")
                .orThrow();
        assertThat(reader.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.size(read)).as("bytes of a capture without packets").isGreaterThan(100);
    }

    @Test
    void tcpdumpReadsBothInterfaces() throws InterruptedException {
        Path file = cluster.file("tcpdump.pcapng");
        capture(this::pingOnce, "capture", "-w", file.toString(), "--proto", "icmp", "--max-packets", "4");
        assertThat(Commands.require("tcpdump", "-nr", file.toString()))
                .contains("IP " + cluster.here.address() + " > " + cluster.there.address() + ": ICMP echo request")
                .contains("IP " + cluster.node().address() + ".8472 > " + cluster.peer() + ".8472");
    }

    @Test
    void aFileThatExistsIsLeftAloneAndLimitsHold() throws InterruptedException, IOException {
        Path file = Files.writeString(cluster.file("exists.pcapng"), "precious");
        Commands.Result refused = cluster.node().operator("capture", "-w", file.toString(), "--seconds", "1");
        assertThat(refused.exitStatus()).isEqualTo(1);
        assertThat(refused.errors()).contains("exists already; --force replaces it");
        assertThat(text(file)).isEqualTo("precious");

        String said = capture(
                () -> Transfer.tcp(cluster.here, cluster.there, 20),
                "capture",
                "-w",
                file.toString(),
                "--force",
                "--max-mb",
                "1");
        assertThat(said).contains("packets captured");
        assertThat(Files.size(file)).isBetween(1_000_000L, 1_100_000L);
        tshark(file, "-c", "1");
        capture(
                this::pingOnce,
                "capture",
                "-w",
                cluster.file("none.pcapng").toString(),
                "--peer",
                "192.0.2.9",
                "--seconds",
                "2");
        assertThat(tshark(cluster.node().directory().resolve(file.getFileName()), "-c", "1"))
                .isNotEmpty();
    }

    @Test
    void anInterruptLeavesAWholeFile() throws InterruptedException {
        Path file = cluster.file("interrupted.pcapng");
        Path log = cluster.file("interrupted.log");
        Process capture = cluster.node().startOperator(log, "capture", "-w", file.toString());
        Awaitility.await().atMost(ExplainedCluster.SOON).until(() -> {
            pingOnce();
            return file.toFile().length() > 1000;
        });
        capture.destroy();
        assertThat(capture.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(text(log)).contains("packets captured");
        assertThat(tshark(file, "-Y", "icmp").lines()).isNotEmpty();
    }

    @Test
    void anExpressionThatIsNoneIsNamed() {
        Commands.Result said = cluster.node()
                .operator("capture", "-w", cluster.file("x.pcapng").toString(), "no such expression");
        assertThat(said.exitStatus()).isEqualTo(2);
        assertThat(said.errors()).contains("EXPRESSION: ").contains("syntax error");
    }
}
