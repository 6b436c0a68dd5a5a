package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.lab.Background;
import io.flannelj.lab.CniCall;
import io.flannelj.lab.CniLeavings;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import io.flannelj.lab.bench.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Ours among the reference plugins in Go: in one chain, in one folder of addresses, one taking over from the other. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CniChainsIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path plugins = plugins();
    private final String version = version();
    private Lab lab;
    private Node node;
    private CniCall cni;

    /** The folder that they are in: that of Debian's containernetworking-plugins, release 1.1. */
    Path plugins() {
        return Path.of("/usr/lib/cni");
    }

    /** The newest version of the specification that they know. */
    String version() {
        return "1.0.0";
    }

    @BeforeAll
    void build() {
        assumeTrue(Files.isExecutable(plugins.resolve("bridge")), "no Go plugins in " + plugins);
        lab = Lab.open(1, Lab.Underlay.ON)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")
                .start();
        node = lab.node(1);
        cni = new CniCall(node);
        node.addPod().remove();
    }

    @AfterAll
    void tearDown() {
        if (lab != null) {
            lab.close();
        }
    }

    private String searchPath() {
        return Distribution.home().resolve("cni") + ":" + plugins;
    }

    private Commands.Result call(String command, String type, Pod pod, JsonNode conf) {
        Path program = Distribution.home().resolve("cni").resolve(type);
        Map<String, String> variables = CniCall.variables(command, pod.containerId(), pod.netns());
        variables.put("CNI_PATH", searchPath());
        String file = Files.exists(program)
                ? program.toString()
                : plugins.resolve(type).toString();
        return Commands.run(List.of("ip", "netns", "exec", node.namespace(), file), conf.toString(), variables);
    }

    /** A plugin of a list, as a runtime hands it its configuration. */
    private ObjectNode member(JsonNode plugin, JsonNode previous) {
        ObjectNode conf = plugin.deepCopy();
        conf.put("cniVersion", version).put("name", "cbr0");
        if (previous.isObject()) {
            conf.set("prevResult", previous);
        }
        return conf;
    }

    private JsonNode addAll(Pod pod, JsonNode list) throws IOException {
        JsonNode result = JSON.nullNode();
        for (JsonNode plugin : list) {
            result = JSON.readTree(call("ADD", plugin.path("type").asText(), pod, member(plugin, result))
                    .orThrow());
        }
        return result;
    }

    /** All but portmap of release 1.1, which misses the IPv6 rules of pods that have no IPv6. */
    private void checkAll(Pod pod, JsonNode list, JsonNode result) {
        for (JsonNode plugin : list) {
            if (plugin.path("type").asText().equals("portmap") && version.equals("1.0.0")) {
                continue;
            }
            call("CHECK", plugin.path("type").asText(), pod, member(plugin, result))
                    .orThrow();
        }
    }

    private void deleteAll(Pod pod, JsonNode list, JsonNode result) {
        for (int i = list.size() - 1; i >= 0; i--) {
            call("DEL", list.get(i).path("type").asText(), pod, member(list.get(i), result))
                    .orThrow();
        }
    }

    private static String address(JsonNode result) {
        return result.path("ips").path(0).path("address").asText().replaceAll("/.*", "");
    }

    private ObjectNode ours() throws IOException {
        return (ObjectNode) JSON.readTree(cni.configuration(version));
    }

    private String subnet() throws IOException {
        return Files.readAllLines(node.subnetFile()).stream()
                .filter(line -> line.startsWith("FLANNEL_SUBNET="))
                .findFirst()
                .orElseThrow()
                .replaceAll(".*=(.*)\\.1/24", "$1.0/24");
    }

    /** The reference bridge plugin and host-local, on our bridge and in our folder. */
    private ObjectNode goBridge() throws IOException {
        return (ObjectNode) JSON.readTree(
                "{\"cniVersion\":\"" + version + "\",\"name\":\"cbr0\",\"type\":\"bridge\",\"bridge\":\"docker0\","
                        + "\"isDefaultGateway\":true,\"mtu\":1450,\"ipam\":{\"type\":\"host-local\",\"dataDir\":\""
                        + node.addressDirectory() + "\",\"ranges\":[[{\"subnet\":\"" + subnet() + "\"}]]}}");
    }

    @Test
    void portmapBandwidthTuningAndFirewallGoOnFromOurResult() throws IOException {
        ArrayNode list = JSON.createArrayNode()
                .add(ours())
                .add(JSON.readTree("{\"type\":\"portmap\",\"snat\":true,\"runtimeConfig\":{\"portMappings\":"
                        + "[{\"hostPort\":8080,\"containerPort\":5201,\"protocol\":\"tcp\"}]}}"))
                .add(JSON.readTree("{\"type\":\"bandwidth\",\"ingressRate\":80000000,\"ingressBurst\":8000000,"
                        + "\"egressRate\":80000000,\"egressBurst\":8000000}"))
                .add(JSON.readTree(
                        "{\"type\":\"tuning\",\"sysctl\":{\"net.ipv4.conf.eth0.log_martians\":\"1\"},\"mtu\":1400}"))
                .add(JSON.readTree("{\"type\":\"firewall\",\"backend\":\"iptables\"}"));
        Pod pod = node.addUnwiredPod();
        CniLeavings before = CniLeavings.of(node);

        JsonNode result = addAll(pod, list);

        assertThat(pod.run("sysctl", "-n", "net.ipv4.conf.eth0.log_martians").output())
                .startsWith("1");
        assertThat(pod.run("ip", "link", "show", "eth0").output()).contains("mtu 1400");
        assertThat(node.run("tc", "qdisc").output()).contains("qdisc tbf");
        assertThat(node.run("iptables-save").output())
                .contains(
                        "-A CNI-FORWARD -d " + address(result) + "/32",
                        "--to-destination " + address(result) + ":5201");
        node.startIn(pod, "iperf3", "-s");
        Wait.until(
                "the node's port leads to the pod",
                Duration.ofSeconds(20),
                () -> node.run("iperf3", "-c", node.address(), "-p", "8080", "-n", "10K", "--connect-timeout", "1000")
                        .succeeded());
        checkAll(pod, list, result);
        deleteAll(pod, list, result);
        assertThat(node.run("iptables-save").output()).doesNotContain(address(result));
        assertThat(node.run("ip", "-br", "link").output())
                .doesNotContain("veth")
                .doesNotContain("bwp");
        assertThat(CniLeavings.of(node).addressFiles()).isEqualTo(before.addressFiles());
    }

    @Test
    void loopbackBeforeAndAfterUsChangesNothingForUs() throws IOException {
        JsonNode loopback =
                JSON.readTree("{\"cniVersion\":\"" + version + "\",\"name\":\"cni-loopback\",\"type\":\"loopback\"}");
        Pod pod = node.addUnwiredPod();
        call("ADD", "loopback", pod, loopback).orThrow();
        ArrayNode list = JSON.createArrayNode().add(ours());
        JsonNode result = addAll(pod, list);
        assertThat(pod.canPing("127.0.0.1")).isTrue();
        checkAll(pod, list, result);
        deleteAll(pod, list, result);
        call("DEL", "loopback", pod, loopback).orThrow();
    }

    @Test
    void oursAndHostLocalShareOneFolderWithoutADoubleAddress() throws IOException {
        List<CompletableFuture<String>> adds = new ArrayList<>();
        List<Pod> pods = new ArrayList<>();
        ObjectNode ours = ours();
        ObjectNode go = goBridge();
        for (int i = 0; i < 40; i++) {
            Pod pod = node.addUnwiredPod();
            pods.add(pod);
            ObjectNode conf = i % 2 == 0 ? ours : go;
            adds.add(CompletableFuture.supplyAsync(
                    () -> call("ADD", conf.path("type").asText(), pod, conf).orThrow(), Background.THREADS));
        }
        Set<String> addresses = new HashSet<>();
        for (CompletableFuture<String> add : adds) {
            addresses.add(address(JSON.readTree(add.join())));
        }
        assertThat(addresses).hasSize(40);
        assertThat(pods.get(0).canPing(addresses.iterator().next())).isTrue();

        // The one undoes what the other did.
        for (int i = 0; i < 40; i++) {
            ObjectNode conf = i % 2 == 0 ? go : ours;
            call("DEL", conf.path("type").asText(), pods.get(i), conf).orThrow();
        }
        for (String address : addresses) {
            assertThat(node.addressDirectory().resolve("cbr0").resolve(address)).doesNotExist();
        }
        assertThat(node.run("ip", "-br", "link").output()).doesNotContain("veth");
    }

    @Test
    void anotherIpamPluginGivesTheAddress() throws IOException {
        String subnet = subnet();
        ObjectNode conf = ours();
        String fixed = subnet.replace(".0/24", ".77");
        conf.set(
                "ipam",
                JSON.readTree("{\"type\":\"static\",\"addresses\":[{\"address\":\"" + fixed + "/24\",\"gateway\":\""
                        + subnet.replace(".0/24", ".1") + "\"}]}"));
        Pod pod = node.addUnwiredPod();
        ArrayNode list = JSON.createArrayNode().add(conf);
        JsonNode result = addAll(pod, list);
        assertThat(address(result)).isEqualTo(fixed);
        assertThat(pod.canPing(subnet.replace(".0/24", ".1"))).isTrue();
        checkAll(pod, list, result);
        deleteAll(pod, list, result);
    }

    @Test
    void aDhcpServerOfTheNetworkGivesTheAddress() throws IOException {
        assumeTrue(Files.isExecutable(plugins.resolve("dhcp")), "no dhcp in " + plugins);
        node.run("ip", "link", "add", "lan0", "type", "bridge").orThrow();
        node.run("ip", "address", "add", "10.9.0.1/24", "dev", "lan0").orThrow();
        node.run("ip", "link", "set", "lan0", "up").orThrow();
        node.start(
                node.directory().resolve("dnsmasq.log"),
                "dnsmasq",
                "--no-daemon",
                "--conf-file=/dev/null",
                "--user=root",
                "--pid-file=",
                "--port=0",
                "--interface=lan0",
                "--bind-interfaces",
                "--dhcp-authoritative",
                "--dhcp-range=10.9.0.50,10.9.0.59,1h",
                "--dhcp-leasefile=" + node.directory().resolve("dnsmasq.leases"));
        Path socket = node.directory().resolve("dhcp.sock");
        node.start(
                node.directory().resolve("dhcp.log"),
                plugins.resolve("dhcp").toString(),
                "daemon",
                "-socketpath",
                socket.toString());
        Wait.until("the DHCP client listens", Duration.ofSeconds(10), () -> Files.exists(socket));
        ObjectNode conf = ours().put("bridge", "lan0").put("isGateway", false).put("isDefaultGateway", false);
        conf.putObject("ipam").put("type", "dhcp").put("daemonSocketPath", socket.toString());
        Pod pod = node.addUnwiredPod();
        ArrayNode list = JSON.createArrayNode().add(conf);

        JsonNode result = addAll(pod, list);

        assertThat(address(result)).startsWith("10.9.0.5");
        assertThat(pod.run("ip", "address", "show", "eth0").output()).contains(address(result) + "/24");
        assertThat(pod.canPing("10.9.0.1")).isTrue();
        deleteAll(pod, list, result);
        assertThat(node.run("ip", "-br", "link").output()).doesNotContain("veth");
    }

    @Test
    void anotherPluginDoesTheWiringByDelegation() throws IOException {
        ObjectNode conf = ours();
        conf.set("delegate", JSON.readTree("{\"type\":\"ptp\"}"));
        Pod pod = node.addUnwiredPod();
        ArrayNode list = JSON.createArrayNode().add(conf);
        JsonNode result = addAll(pod, list);
        assertThat(node.addressDirectory().resolve("cbr0").resolve(address(result)))
                .exists();
        assertThat(pod.run("ip", "addr", "show", "eth0").output()).contains(address(result), "mtu 1450");
        deleteAll(pod, list, result);
        assertThat(node.addressDirectory().resolve("cbr0").resolve(address(result)))
                .doesNotExist();
        assertThat(node.run("ip", "-br", "link").output()).doesNotContain("veth");
    }

    @Test
    void cnitoolAddsChecksAndDeletesAChain() throws IOException {
        Path cnitool = Peers.program("cnitool");
        assumeTrue(Files.isExecutable(cnitool), "no cnitool; integration-tests/peers builds it");
        Path folder = Files.createDirectories(node.directory().resolve("net.d"));
        Path cache = Files.createDirectories(node.directory().resolve("libcni"));
        ObjectNode ours = ours();
        ours.remove(List.of("cniVersion", "name"));
        Files.writeString(
                folder.resolve("10-flannel-j.conflist"),
                "{\"cniVersion\":\"" + version + "\",\"name\":\"cbr0\",\"plugins\":[" + ours
                        + ",{\"type\":\"tuning\",\"capabilities\":{\"mac\":true}}]}");
        Pod pod = node.addUnwiredPod();
        Map<String, String> variables = Map.of(
                "CNI_PATH",
                searchPath(),
                "NETCONFPATH",
                folder.toString(),
                "CAP_ARGS",
                "{\"mac\":\"02:00:00:00:00:77\"}");
        // libcni keeps results below /var/lib; here in a mount namespace of this call's own.
        String hide =
                "mount -t tmpfs none /var/lib && mkdir /var/lib/cni && mount --bind " + cache + " /var/lib/cni && ";
        List<String> commands = version.equals("1.0.0")
                ? List.of("add", "check", "del", "del")
                : List.of("status", "add", "check", "del", "del", "status"); // its gc names no pods, which we refuse
        for (String command : commands) {
            Commands.Result result = Commands.run(
                    List.of(
                            "ip",
                            "netns",
                            "exec",
                            node.namespace(),
                            "sh",
                            "-c",
                            hide + cnitool + " " + command + " cbr0 " + pod.netns()),
                    "",
                    variables);
            assertThat(result.succeeded())
                    .as("%s: %s %s", command, result.output(), result.errors())
                    .isTrue();
            if (command.equals("add")) {
                assertThat(pod.canPing(JSON.readTree(result.output())
                                .path("ips")
                                .path(0)
                                .path("gateway")
                                .asText()))
                        .isTrue();
                assertThat(pod.run("ip", "link", "show", "eth0").output()).contains("02:00:00:00:00:77");
            }
        }
        assertThat(pod.run("ip", "-br", "link").output()).doesNotContain("eth0");
    }
}
