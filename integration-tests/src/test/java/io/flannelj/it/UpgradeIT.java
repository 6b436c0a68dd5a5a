package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nodes of the version before get this one, one after the other, while their pods talk. */
@LongRun
@NeedsPrivileges
class UpgradeIT {
    private Lab lab;

    @AfterEach
    void tearDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    carried by the kernel | false | {"Type":"vxlan","Datapath":"kernel"}
                    carried by the kernel | true  | {"Type":"host-gw"}
                    carried by us         | false | {"Type":"vxlan"}
                    carried by us         | true  | {"Type":"vxlan","DirectRouting":true}
                    carried by us         | false | {"Type":"udp"}
                    """)
    void leasesPodsAndWhatIsOnTheHostAreTakenOver(String carried, boolean nftables, String backend) throws IOException {
        assumeTrue(
                Distribution.previous().isPresent(),
                "the version before is not built: run integration-tests/previous in a clone with the history");
        lab = Lab.open(2, Lab.Underlay.ON);
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"EnableNFTables\":" + nftables + ",\"Backend\":" + backend + "}");
        Node node = lab.node(1);
        ForeignThings.make(node);
        // The version before took this one for a route of its own.
        node.run("ip", "route", "delete", "10.5.99.0/24").orThrow();
        String bare = node.snapshot();
        lab.nodes().forEach(each -> each.install(Distribution.previous().orElseThrow()));
        lab.nodes().forEach(each -> each.start("--keep-on-stop"));
        node.awaitPeers(1);
        Pod here = node.addPod();
        Pod there = lab.node(2).addPod();
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> here.canPing(there));
        String leases = lab.etcd().list(Lab.PREFIX + "/subnets/").toString();

        Pings pings = Pings.start(here, there);
        for (Node each : lab.nodes()) {
            upgrade(each, carried.endsWith("us"));
        }
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> here.canPing(there));
        Pings.Outcome outcome = pings.stop();

        System.out.println(backend + ": " + outcome.lost() + " of " + outcome.sent() + " pings lost by two upgrades");
        if (carried.endsWith("kernel")) {
            assertThat(outcome.lost()).as("pings lost, of " + outcome.sent()).isZero();
        }
        assertThat(lab.etcd().list(Lab.PREFIX + "/subnets/")).hasToString(leases);
        assertThat(here.canPing(there) && there.canPing(here)).isTrue();
        assertThat(node.log().lines().filter(line -> line.contains(" WARN ") || line.contains(" ERROR ")))
                .as("what both versions complained of")
                .filteredOn(line -> !line.contains("answers no probe")) // the other node, while it is upgraded
                .allSatisfy(line -> assertThat(line).containsAnyOf("flannel.9", "flannel.8", "10.5.98.0/24"));

        Pod fresh = node.addPod();
        assertThat(there.canPing(fresh)).isTrue();
        assertThat(fresh.address()).isNotEqualTo(here.address());
        here.remove();
        fresh.remove();
        assertThat(reserved(node)).as("addresses of pods of both versions").isEmpty();

        assertThat(node.stop()).isZero();
        node.run("ip", "link", "delete", "docker0").orThrow();
        node.operator("cleanup", "--subnet-file", node.subnetFile().toString(), "--state-dir", state(node))
                .orThrow();
        assertThat(node.snapshot().lines())
                .containsExactlyElementsOf(bare.lines().toList());
    }

    private static void upgrade(Node node, boolean handover) {
        long former = node.daemonPid();
        node.install(Distribution.home());
        if (handover) {
            node.startDaemon("--keep-on-stop", "--await-predecessor");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> node.log().contains("to take over when it has stopped"));
            Commands.require("kill", "-TERM", String.valueOf(former));
            Awaitility.await()
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> ProcessHandle.of(former).isEmpty());
            node.awaitReady();
        } else {
            assertThat(node.stop()).isZero();
            node.start("--keep-on-stop");
        }
    }

    private static String state(Node node) {
        return node.directory().resolve("state").toString();
    }

    private static List<Path> reserved(Node node) throws IOException {
        try (Stream<Path> files = Files.walk(node.addressDirectory())) {
            return files.filter(file -> file.getFileName().toString().matches("[0-9.]+"))
                    .toList();
        }
    }
}
