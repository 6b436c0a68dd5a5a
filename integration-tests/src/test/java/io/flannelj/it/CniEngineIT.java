package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.cni.engine.Warmup;
import io.flannelj.lab.CniCall;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The engine's features on a node that has a subnet and no daemon. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CniEngineIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Lab lab;
    private Node node;
    private CniCall cni;

    @BeforeAll
    void build() throws IOException {
        lab = Lab.open(1, Lab.Underlay.ON);
        node = lab.node(1);
        cni = new CniCall(node);
        Files.createDirectories(node.directory());
        Files.writeString(node.subnetFile(), """
                FLANNEL_NETWORK=10.5.0.0/16
                FLANNEL_SUBNET=10.5.1.1/24
                FLANNEL_IPV6_NETWORK=fc00::/48
                FLANNEL_IPV6_SUBNET=fc00:0:0:1::1/64
                FLANNEL_MTU=1450
                FLANNEL_IPMASQ=true
                """);
    }

    @AfterAll
    void tearDown() {
        lab.close();
    }

    @Test
    void aWarmupIsSeenByNobody() throws IOException {
        String before = node.snapshot();
        List<String> log = portsInTheKernelsLog();
        Path stage = node.directory().resolve("warmup");

        int rounds;
        try (Netns namespace = Netns.open(Path.of("/run/netns", node.namespace()))) {
            rounds = NetnsThread.call(namespace, () -> new Warmup(stage).run(Duration.ofMillis(300), () -> true));
        }

        assertThat(rounds).isPositive();
        assertThat(node.snapshot()).isEqualTo(before);
        assertThat(stage).doesNotExist();
        // The ring may have lost old lines meanwhile, but must not have gained any.
        assertThat(log).containsAll(portsInTheKernelsLog());
    }

    private static List<String> portsInTheKernelsLog() {
        return Commands.run("dmesg")
                .output()
                .lines()
                .filter(line -> line.contains("warmup: port"))
                .toList();
    }

    private String network(String version, String fields) {
        return cni.configuration(version, fields).replace("\"type\":\"flannel-j\"", "\"type\":\"flannel\"");
    }

    private Commands.Result call(String command, Pod pod, String ifName, String path, String network) {
        Map<String, String> variables = CniCall.variables(command, pod.containerId(), pod.netns());
        variables.put("CNI_IFNAME", ifName);
        variables.put("CNI_PATH", path);
        return cni.call(variables, network);
    }

    private JsonNode add(Pod pod, String network) throws IOException {
        return JSON.readTree(call("ADD", pod, "eth0", "/opt/cni/bin", network).orThrow());
    }

    private void delete(Pod pod, String network) {
        call("DEL", pod, "eth0", "/opt/cni/bin", network).orThrow();
    }

    private static String address(JsonNode result, int number) {
        return result.path("ips").path(number).path("address").asText().replaceAll("/.*", "");
    }

    @Test
    void flannelsStockNetworkWiresDualStackPods() throws IOException {
        String stock = network("0.3.1", ",\"delegate\":{\"hairpinMode\":true,\"isDefaultGateway\":true}");
        Pod one = node.addUnwiredPod();
        Pod other = node.addUnwiredPod();
        JsonNode first = add(one, stock);
        JsonNode second = add(other, stock);

        assertThat(first.path("ips").path(0).path("version").asText()).isEqualTo("4");
        assertThat(first.path("ips").path(1).path("version").asText()).isEqualTo("6");
        assertThat(first.path("interfaces").path(0).path("name").asText()).isEqualTo("cni0");
        assertThat(one.canPing("10.5.1.1")).isTrue();
        assertThat(one.canPing("fc00:0:0:1::1")).isTrue();
        assertThat(one.canPing(address(second, 0))).isTrue();
        assertThat(one.canPing(address(second, 1))).isTrue();
        assertThat(one.run("ip", "-6", "route").output()).contains("default via fc00:0:0:1::1", "fc00::/48 via");
        Path state = node.directory().resolve("cni").resolve(one.containerId() + ":eth0");
        assertThat(state).content().contains("\"type\":\"bridge\"", "\"hairpinMode\":true");

        delete(one, stock);
        delete(other, stock);
        assertThat(state).doesNotExist();
        assertThat(node.addressDirectory().resolve("cbr0").resolve(address(first, 0)))
                .doesNotExist();
        assertThat(node.addressDirectory().resolve("cbr0").resolve(address(first, 1)))
                .doesNotExist();
        assertThat(node.run("ip", "-br", "link").output()).doesNotContain("veth");
    }

    @Test
    void twoAttachmentsOfOneContainerLiveAndDieApart() {
        String network = network("1.0.0", "");
        Pod pod = node.addUnwiredPod();
        call("ADD", pod, "eth0", "/opt/cni/bin", network).orThrow();
        call("ADD", pod, "net1", "/opt/cni/bin", network).orThrow();
        call("DEL", pod, "eth0", "/opt/cni/bin", network).orThrow();
        assertThat(pod.run("ip", "-br", "link").output()).contains("net1").doesNotContain("eth0");
        assertThat(node.directory().resolve("cni").resolve(pod.containerId() + ":net1"))
                .exists();
        call("DEL", pod, "net1", "/opt/cni/bin", network).orThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"iptables", "nftables"})
    void portsOfTheNodeLeadToThePodAndGoWithIt(String backend) throws IOException {
        String network = network(
                "1.0.0",
                ",\"delegate\":{\"isDefaultGateway\":true,\"ipMasq\":true,\"ipMasqBackend\":\"" + backend
                        + "\",\"hairpinMode\":true,\"macspoofchk\":true},\"runtimeConfig\":{\"portMappings\":"
                        + "[{\"hostPort\":8080,\"containerPort\":5201,\"protocol\":\"tcp\"}]}");
        Pod pod = node.addUnwiredPod();
        Pod neighbour = node.addUnwiredPod();
        add(pod, network);
        add(neighbour, network("1.0.0", ",\"delegate\":{\"isDefaultGateway\":true}"));
        node.startIn(pod, "iperf3", "-s");
        String[] client = {"iperf3", "-c", node.address(), "-p", "8080", "-n", "10K", "--connect-timeout", "3000"};

        Wait.until(
                "the node reaches its own port",
                Duration.ofSeconds(20),
                () -> node.run(client).succeeded());
        client[2] = "127.0.0.1";
        node.run("ip", "link", "set", "lo", "up").orThrow();
        assertThat(node.run(client).output()).contains("receiver");
        client[2] = node.address();
        assertThat(neighbour.run(client).output()).as("a pod beside it").contains("receiver");
        assertThat(pod.run(client).output()).as("the pod itself").contains("receiver");

        delete(pod, network);
        delete(neighbour, network);
        String rules = node.run("iptables-save").output()
                + node.run("nft", "list", "ruleset").output();
        assertThat(rules).doesNotContain("CNI-").doesNotContain("dnat").doesNotContain("comment \"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"iptables", "nftables"})
    void aClientThatKeepsOnSendingReachesThePodThatHasThePortNow(String backend) throws IOException {
        String network = network(
                "1.0.0",
                ",\"delegate\":{\"isDefaultGateway\":true,\"ipMasqBackend\":\"" + backend
                        + "\"},\"runtimeConfig\":{\"portMappings\":"
                        + "[{\"hostPort\":8053,\"containerPort\":5353,\"protocol\":\"udp\"}]}");
        Pod client = node.addUnwiredPod();
        add(client, network("1.0.0", ",\"delegate\":{\"isDefaultGateway\":true}"));
        InetSocketAddress port = new InetSocketAddress(node.address(), 8053);
        try (DatagramChannel sender = socket(client, 40_000)) {
            for (int i = 0; i < 2; i++) { // the second must not be missed for the first
                Pod pod = node.addUnwiredPod();
                add(pod, network);
                try (DatagramChannel receiver = socket(pod, 5353)) {
                    ByteBuffer received = ByteBuffer.allocate(16);
                    Wait.until("pod " + i + " hears the client", Duration.ofSeconds(10), () -> {
                        try {
                            sender.send(ByteBuffer.wrap(new byte[] {1}), port);
                            return receiver.receive(received) != null;
                        } catch (IOException e) {
                            return false; // refused while nobody listens
                        }
                    });
                }
                delete(pod, network);
            }
        }
        delete(client, network("1.0.0", ",\"delegate\":{\"isDefaultGateway\":true}"));
    }

    private static DatagramChannel socket(Pod pod, int port) throws IOException {
        try (Netns netns = Netns.open(Path.of(pod.netns()))) {
            return NetnsThread.call(netns, () -> {
                DatagramChannel channel = DatagramChannel.open(StandardProtocolFamily.INET);
                channel.configureBlocking(false);
                return channel.bind(new InetSocketAddress(port));
            });
        }
    }

    @Test
    void isolatedPodsOfAVlanReachTheGatewayAlone() throws IOException {
        String network = network(
                "1.1.0",
                ",\"delegate\":{\"bridge\":\"brv\",\"isDefaultGateway\":true,\"vlan\":7,\"portIsolation\":true}");
        node.run("ip", "link", "del", "cni0"); // of another test, perhaps: one subnet must not be on two bridges
        Pod one = node.addUnwiredPod();
        Pod other = node.addUnwiredPod();
        Commands.Result probe = call("ADD", one, "eth0", "/opt/cni/bin", network);
        assumeFalse(probe.output().contains("EOPNOTSUPP"), "this kernel's bridges know no VLANs: " + probe.output());
        probe.orThrow();
        JsonNode second = add(other, network);
        assertThat(one.canPing("10.5.1.1")).isTrue();
        assertThat(one.canPing(address(second, 0))).isFalse();
        delete(one, network);
        delete(other, network);
        node.run("ip", "link", "del", "brv.7").orThrow();
        node.run("ip", "link", "del", "brv").orThrow();
    }

    @Test
    void anotherDelegateIsExecutedAndAFailedDelCanBeTriedAgain() throws IOException {
        Path plugins = Files.createDirectories(node.directory().resolve("plugins"));
        Path plugin = plugins.resolve("recorder");
        Path broken = node.directory().resolve("broken");
        Files.writeString(
                plugin,
                "#!/bin/sh\necho \"$CNI_COMMAND $(cat)\" >> " + node.directory().resolve("calls") + "\n[ -e " + broken
                        + " ] && { echo '{\"code\":123,\"msg\":\"not today\"}'; exit 1; }\n"
                        + "[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.0.0\",\"ips\":[]}'\nexit 0\n");
        Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwxr-xr-x"));
        String network = network("1.0.0", ",\"delegate\":{\"type\":\"recorder\",\"colour\":\"red\"}");
        Pod pod = node.addUnwiredPod();

        assertThat(call("ADD", pod, "eth0", plugins.toString(), network).orThrow())
                .contains("\"ips\":[]");
        Files.createFile(broken);
        assertThat(call("DEL", pod, "eth0", plugins.toString(), network).output())
                .contains("\"code\":123", "not today");
        Files.delete(broken);
        call("DEL", pod, "eth0", plugins.toString(), network).orThrow();
        call("DEL", pod, "eth0", plugins.toString(), network).orThrow();

        assertThat(Files.readAllLines(node.directory().resolve("calls")))
                .hasSize(3)
                .allMatch(line -> line.contains("\"colour\":\"red\"") && line.contains("10.5.1.0/24"));
    }
}
