package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Uplinks that make wrong UDP checksums: the receiving kernel drops such datagrams without a word. */
@NeedsPrivileges
class ChecksumOffloadIT {
    private static final Duration A_MINUTE = Duration.ofSeconds(75);

    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "udp", "geneve"})
    void nodesWhoseUplinksMakeWrongChecksumsSendWithoutThem(String backend) {
        try (Lab lab = open(backend).start()) {
            Node node = lab.node(1);
            Pod client = node.addPod();
            Pod server = lab.node(2).addPod();
            lab.nodes().forEach(each -> awaitChecksum(each, "works"));
            assertThat(client.canPing(server)).isTrue();

            lab.nodes().forEach(ChecksumOffloadIT::lie);
            long before = checksumErrors(lab.node(2));
            assertThat(client.canPing(server)).as("before it is found out").isFalse();
            assertThat(checksumErrors(lab.node(2)))
                    .as("wrong checksums that the other kernel saw")
                    .isGreaterThan(before);
            lab.nodes().forEach(each -> awaitChecksum(each, "damages"));

            assertThat(client.canPing(server)).isTrue();
            assertThat(Transfer.tcp(client, server, 50)).isTrue();
            assertThat(Transfer.tcp(server, client, 50)).isTrue();
            assertThat(node.metrics()).contains("flannelj_paths_unsummed 1.0");
            assertThat(lines(node, "sending without one there from now on")).isEqualTo(1);
            assertThat(run(node, "peers")).contains("datagrams with a UDP checksum do not arrive");
            assertThat(run(node, "ping", lab.node(2).address()))
                    .contains("UDP checksums: lost with one, sent without")
                    .contains("tx-checksum-ip-generic off");

            lab.nodes().forEach(ChecksumOffloadIT::mend);
            lab.nodes().forEach(each -> awaitChecksum(each, "works"));
            assertThat(lines(node, "it is filled in again")).isEqualTo(1);
            assertThat(node.metrics()).contains("flannelj_paths_unsummed 0.0");
            assertThat(Transfer.tcp(client, server, 50)).isTrue();
        }
    }

    /** Its tunnel is the kernel's, which sends no outer checksums over IPv4, as flannel's. */
    @Test
    void thatIsFoundOutTowardsANodeWhoseKernelCarriesVxlan() {
        try (Lab lab = open("vxlan")) {
            Node node = lab.node(1);
            lie(node);
            node.startDaemon();
            lab.node(2).startDaemon("--vxlan-datapath=kernel");
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(each -> each.awaitPeers(1));
            Pod client = node.addPod();
            Pod server = lab.node(2).addPod();
            awaitChecksum(node, "damages");

            assertThat(client.canPing(server)).isTrue();
            assertThat(Transfer.tcp(client, server, 50)).isTrue();
        }
    }

    @Test
    void aNodeMayBeToldToLeaveThemOut() {
        try (Lab lab = open("vxlan")) {
            lab.nodes().forEach(ChecksumOffloadIT::lie);
            lab.nodes().forEach(node -> node.startDaemon("--udp-checksums=false"));
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(1));
            Pod client = lab.node(1).addPod();
            Pod server = lab.node(2).addPod();

            Awaitility.await("packets without checksums")
                    .atMost(Duration.ofSeconds(5))
                    .until(() -> client.canPing(server));
            assertThat(Transfer.tcp(client, server, 50)).isTrue();
            assertThat(path(lab.node(1)).path("checksum").asText()).isEqualTo("untested");
        }
    }

    @Test
    void theNetworkMayBeToldToLeaveThemOut() {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"geneve\",\"UDPChecksums\":false}}")) {
            lab.nodes().forEach(ChecksumOffloadIT::lie);
            lab.start();
            Pod client = lab.node(1).addPod();
            Pod server = lab.node(2).addPod();

            assertThat(Transfer.tcp(client, server, 50)).isTrue();
        }
    }

    private static Lab open(String backend) {
        return Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}");
    }

    /** The uplink overwrites each checksum that it finds. Without offload on the veth pair, so that there is one. */
    private static void lie(Node node) {
        node.run("ethtool", "-K", "eth0", "tx", "off").orThrow();
        node.run(
                        "nft",
                        "add table netdev lie; add chain netdev lie out { type filter hook egress device eth0 priority 0; };"
                                + " add rule netdev lie out udp dport { 6081, 8285, 8472 } udp checksum != 0"
                                + " udp checksum set 0x1234")
                .orThrow();
    }

    private static void mend(Node node) {
        node.run("nft", "delete", "table", "netdev", "lie").orThrow();
    }

    private static long checksumErrors(Node node) {
        List<String[]> udp = node.run("cat", "/proc/net/snmp")
                .output()
                .lines()
                .filter(line -> line.startsWith("Udp:"))
                .map(line -> line.split(" "))
                .toList();
        return Long.parseLong(udp.get(1)[List.of(udp.get(0)).indexOf("InCsumErrors")]);
    }

    private static void awaitChecksum(Node node, String verdict) {
        Awaitility.await("checksums of which is known: " + verdict)
                .atMost(A_MINUTE)
                .untilAsserted(() -> assertThat(path(node).path("checksum").asText())
                        .as("%s", path(node))
                        .isEqualTo(verdict));
    }

    private static JsonNode path(Node node) {
        return node.peers().path(0).path("paths").path(0);
    }

    private static String run(Node node, String command, String... arguments) {
        String[] line = new String[arguments.length + 4];
        line[0] = Distribution.home().resolve("bin/flanneld-j").toString();
        line[1] = command;
        System.arraycopy(arguments, 0, line, 2, arguments.length);
        line[arguments.length + 2] = "--control-socket";
        line[arguments.length + 3] = node.controlSocketFile().toString();
        return node.run(line).output();
    }

    private static long lines(Node node, String part) {
        return node.log().lines().filter(line -> line.contains(part)).count();
    }
}
