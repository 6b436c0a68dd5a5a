package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.UnitSandbox;
import io.flannelj.linux.Privileges.Capability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the daemon is allowed to do, and that it does its work with so little. */
@NeedsPrivileges
class LeastPrivilegeIT {
    private static final double GOOD = 3.0;
    private static final Pattern EXPOSURE = Pattern.compile("exposure level for .*: ([0-9.]+)");

    private static Path unit() {
        return Distribution.home().resolve("systemd/flanneld-j.service");
    }

    @Test
    void systemdFindsTheUnitLittleExposed() {
        assumeTrue(Commands.exists("systemd-analyze"), "systemd-analyze is not installed");
        String verdict = Commands.run("systemd-analyze", "security", "--offline=true", "--no-pager", unit().toString())
                .output();
        Matcher exposure = EXPOSURE.matcher(verdict);
        assertThat(exposure.find()).as(verdict).isTrue();
        assertThat(Double.parseDouble(exposure.group(1))).as(verdict).isLessThanOrEqualTo(GOOD);
    }

    @ParameterizedTest
    @CsvSource({
        "vxlan, userspace, false",
        "vxlan, kernel, true",
        "udp, auto, false",
        "host-gw, auto, true",
        "ipip, userspace, false"
    })
    void withWhatTheUnitLetsItDoTheDaemonDoesItsWork(String backend, String datapath, boolean nftables)
            throws IOException {
        assumeTrue(UnitSandbox.missing().isEmpty(), UnitSandbox.missing());
        try (Lab lab = Lab.open(2, Lab.Underlay.ON)) {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"EnableNFTables\":" + nftables + ",\"Backend\":{\"Type\":\""
                    + backend + "\",\"Datapath\":\"" + datapath + "\"}}");
            for (Node node : lab.nodes()) {
                UnitSandbox sandbox = new UnitSandbox(unit(), node.directory().resolve("filter"));
                List<Path> writable = List.of(Path.of("/run"), Path.of("/tmp"));
                node.startDaemonUnder(sandbox.prefix(writable), "--cni-warmup-ms", "300");
            }
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(1));
            Pod here = lab.node(1).addPod();
            Pod there = lab.node(2).addPod();

            assertThat(here.canPing(there.address())).isTrue();
            assertThat(there.canPing(here.address())).isTrue();
            here.remove();
            assertThat(status(lab.node(1))).containsPattern("Seccomp:\\s+2").containsPattern("NoNewPrivs:\\s+1");
            assertThat(lab.node(1).log()).doesNotContain("WARN", "ERROR", "Exception");
            assertThat(lab.node(1).stop()).isZero();
        }
    }

    @Test
    void threadsAndFilesHaveNoMoreThanTheyNeed() throws IOException {
        try (Lab lab = Lab.open(1, Lab.Underlay.ON)) {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
            Node node = lab.node(1);
            node.start();
            node.addPod();

            long used = 0;
            for (Capability capability : Capability.values()) {
                used |= capability.mask();
            }
            Path tasks = Path.of("/proc", String.valueOf(node.daemonPid()), "task");
            int ours = 0;
            try (Stream<Path> threads = Files.list(tasks)) {
                for (Path thread : threads.toList()) {
                    if (Files.readString(thread.resolve("comm")).startsWith("flannel")) {
                        ours++;
                        assertThat(capabilities(thread, "CapPrm") & ~used)
                                .as("permitted to %s", Files.readString(thread.resolve("comm")))
                                .isZero();
                        assertThat(capabilities(thread, "CapEff") & ~used).isZero();
                    }
                }
            }
            assertThat(ours).isGreaterThan(4);
            assertThat(mode(node.controlSocketFile())).isEqualTo("rw-------");
            assertThat(mode(Path.of(node.controlSocketFile() + ".cni"))).isEqualTo("rw-------");
            assertThat(mode(node.subnetFile())).isEqualTo("rw-r--r--");
            try (Stream<Path> files = Files.walk(node.directory().resolve("state"))) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    assertThat(mode(file)).as(file.toString()).isEqualTo("rw-------");
                }
            }
        }
    }

    private static String status(Node node) throws IOException {
        return Files.readString(Path.of("/proc", String.valueOf(node.daemonPid()), "status"));
    }

    private static long capabilities(Path thread, String which) throws IOException {
        return Files.readAllLines(thread.resolve("status")).stream()
                .filter(line -> line.startsWith(which + ":"))
                .map(line -> Long.parseUnsignedLong(
                        line.substring(which.length() + 1).strip(), 16))
                .findFirst()
                .orElseThrow();
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }
}
