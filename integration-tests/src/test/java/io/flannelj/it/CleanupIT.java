package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code flanneld-j cleanup} after daemons that left what the kernel carries, or were killed. */
@NeedsPrivileges
class CleanupIT {
    private Lab lab;
    private Node node;

    @AfterEach
    void tearDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    stop | false | {"Type":"vxlan","Datapath":"kernel"}
                    kill | true  | {"Type":"host-gw"}
                    kill | false | {"Type":"vxlan","Datapath":"kernel","DirectRouting":true}
                    kill | true  | {"Type":"vxlan"}
                    """)
    void whatADaemonLeftGoesAndNothingElse(String end, boolean nftables, String backend) throws IOException {
        lab = Lab.open(2, Lab.Underlay.ON);
        node = lab.node(1);
        ForeignThings.make(node);
        String before = node.snapshot();
        configure(nftables, backend);
        start("--keep-on-stop", "--ip-blackhole-route");
        if (end.equals("stop")) {
            assertThat(node.stop()).isZero();
        } else {
            node.kill();
        }
        // The daemon itself would take it for an earlier one of its own.
        node.run("ip", "route", "add", "10.5.97.0/24", "via", "192.168.100.200").orThrow();
        String left = node.snapshot();

        String planned = cleanup("--dry-run").orThrow();

        assertThat(planned).contains("would remove", nftables ? "nftables table" : "iptables rules");
        if (backend.contains("kernel")) {
            assertThat(planned).contains("would remove the device flannel.1 ");
        }
        if (backend.contains("host-gw") || backend.contains("DirectRouting")) {
            assertThat(planned).contains("via " + lab.node(2).address() + " dev");
        }
        assertThat(node.snapshot()).as("nothing was done yet").isEqualTo(left);

        String done = cleanup().orThrow();

        assertThat(done.replace("removed ", "would remove ")).isEqualTo(planned);
        assertThat(done).contains("left alone: the route 10.5.97.0/24 via 192.168.100.200");
        node.run("ip", "route", "delete", "10.5.97.0/24").orThrow();
        assertThat(node.snapshot().lines())
                .containsExactlyElementsOf(before.lines().toList());
        assertThat(cleanup().orThrow()).contains("nothing of ours is left");
        assertThat(node.subnetFile()).as("only on request").exists();

        cleanup("--files").orThrow();
        try (Stream<Path> files = Files.walk(node.directory())) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .as("the directories and the log of the test")
                    .containsExactlyInAnyOrder("n1", "state", "flanneld-j.log");
        }
    }

    @Test
    void whatIsInUseStays() throws IOException {
        lab = Lab.open(2, Lab.Underlay.ON);
        node = lab.node(1);
        configure(false, "{\"Type\":\"host-gw\"}");
        start();
        String running = node.snapshot();

        Commands.Result refused = cleanup();

        assertThat(refused.exitStatus()).isEqualTo(1);
        assertThat(refused.errors()).contains("flanneld-j, process " + node.daemonPid(), "answers at", "stop it first");
        assertThat(node.snapshot()).isEqualTo(running);

        Path foreign = Files.createFile(node.directory().resolve("state/notes"));
        assertThat(node.stop()).isZero();
        String done = cleanup("--files").orThrow();
        assertThat(done).contains("subnet.env", "leases.json");
        assertThat(node.subnetFile()).doesNotExist();
        assertThat(foreign).exists();
        assertThat(node.directory().resolve("state")).isDirectoryNotContaining("glob:**leases.json");
    }

    @Test
    void whatFlannelUsesStays() {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: set FLANNELD_BIN, or run integration-tests/peers");
        lab = Lab.open(1, Lab.Underlay.ON);
        node = lab.node(1);
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        Process flannel = StockFlannel.start(lab, node);

        Commands.Result refused = cleanup();
        assertThat(refused.exitStatus()).isEqualTo(1);
        assertThat(refused.errors()).contains("flanneld, process " + flannel.pid());

        flannel.destroy();
        flannel.onExit().join();
        assertThat(cleanup().orThrow()).doesNotContain("device");
        assertThat(node.run("ip", "link", "show", "flannel.1").succeeded())
                .as("flannel's own device")
                .isTrue();
    }

    /** As deploy/kubernetes/uninstall.yml runs it. */
    @Test
    void theCapabilitiesOfTheContainerThatUninstallsAreEnough() {
        lab = Lab.open(2, Lab.Underlay.ON);
        node = lab.node(1);
        configure(true, "{\"Type\":\"vxlan\",\"Datapath\":\"kernel\"}");
        start("--keep-on-stop");
        node.kill();
        List<String> command = new ArrayList<>(List.of(
                "setpriv",
                "--bounding-set",
                "-all,+net_admin,+net_raw",
                Distribution.home().resolve("bin/flanneld-j").toString()));
        command.addAll(arguments(
                "--files", "--control-socket", node.controlSocketFile().toString()));

        String done = node.run(command.toArray(String[]::new)).orThrow();

        assertThat(done).contains("removed the device flannel.1 ", "nftables table", "subnet.env");
    }

    private void configure(boolean nftables, String backend) {
        lab.configure(
                "{\"Network\":\"10.5.0.0/16\",\"SubnetMax\":\"10.5.90.0\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\",\"EnableNFTables\":"
                        + nftables + ",\"Backend\":" + backend + "}");
    }

    /** Starts both daemons, and waits until the first has written down the other. */
    private void start(String... flags) {
        node.startDaemon(flags);
        lab.node(2).startDaemon();
        node.awaitReady();
        node.awaitPeers(1);
        Path file = node.directory().resolve("state/leases.json");
        Awaitility.await()
                .atMost(Duration.ofSeconds(15))
                .ignoreExceptions()
                .until(() -> Files.readString(file).contains('"' + lab.node(2).address() + '"'));
    }

    private Commands.Result cleanup(String... flags) {
        return node.operator(arguments(flags).toArray(String[]::new));
    }

    private List<String> arguments(String... flags) {
        List<String> arguments = new ArrayList<>(List.of(
                "cleanup",
                "--subnet-file",
                node.subnetFile().toString(),
                "--state-dir",
                node.directory().resolve("state").toString()));
        arguments.addAll(List.of(flags));
        return arguments;
    }
}
