package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.CniCall;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/**
 * The CNI specification 1.1 sentence by sentence: what it says of a plugin, as a request and the response to it. The whole
 * table against the native plugin with a daemon, and against the plugin on the JVM with none.
 */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CniSpecificationIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ROUTE_ALL = "{\"dst\":\"0.0.0.0/0\"";

    private Lab lab;
    private Node node;

    @BeforeAll
    void build() {
        lab = Lab.open(1, Lab.Underlay.ON)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")
                .start();
        node = lab.node(1);
        node.addPod().remove();
    }

    @AfterAll
    void tearDown() {
        lab.close();
    }

    private interface Check {
        void run(Caller caller) throws IOException;
    }

    private record Row(String sentence, Check check) {}

    /** One way of running the plugin. */
    private final class Caller {
        private final CniCall cni = new CniCall(node);
        private final String program;
        private final boolean daemon;

        Caller(String program, boolean daemon) {
            this.program = program;
            this.daemon = daemon;
        }

        String conf(String version, String fields) {
            String conf = cni.configuration(version, fields);
            return daemon ? conf : conf.replace(node.controlSocketFile().toString(), "/nowhere/flanneld-j.sock");
        }

        String conf() {
            return conf("1.1.0", "");
        }

        Commands.Result call(Map<String, String> variables, String stdin) {
            return cni.call(program, variables, stdin);
        }

        Commands.Result call(String command, Pod pod, String stdin) {
            return call(variables(command, pod), stdin);
        }

        JsonNode add(Pod pod, String conf) throws IOException {
            return JSON.readTree(call("ADD", pod, conf).orThrow());
        }

        void error(Commands.Result result, int code, String... words) throws IOException {
            assertThat(result.exitStatus()).as(result.output()).isNotZero();
            JsonNode error = JSON.readTree(result.output());
            assertThat(error.path("code").asInt()).as(result.output()).isEqualTo(code);
            assertThat(error.path("msg").asText()).contains(words);
            assertThat(error.has("cniVersion")).isTrue();
        }
    }

    private static Map<String, String> variables(String command, Pod pod) {
        return CniCall.variables(command, pod.containerId(), pod.netns());
    }

    private static String result(JsonNode result) {
        return ",\"prevResult\":" + result;
    }

    @TestFactory
    Stream<DynamicTest> theSpecificationHolds() {
        return tests(new Caller("flannel-j", true));
    }

    @LongRun
    @TestFactory
    Stream<DynamicTest> theSpecificationHoldsWithoutADaemon() {
        return tests(new Caller("flannel-j-jvm", false));
    }

    private Stream<DynamicTest> tests(Caller caller) {
        return rows().map(row ->
                DynamicTest.dynamicTest(row.sentence(), () -> row.check().run(caller)));
    }

    private Stream<Row> rows() {
        List<Row> rows = new ArrayList<>();
        parameters(rows);
        add(rows);
        delete(rows);
        check(rows);
        status(rows);
        version(rows);
        garbageCollection(rows);
        delegation(rows);
        errors(rows);
        return rows.stream();
    }

    private void parameters(List<Row> rows) {
        for (String required : new String[] {"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"}) {
            rows.add(new Row("ADD needs " + required, caller -> {
                Map<String, String> variables = variables("ADD", node.addUnwiredPod());
                variables.remove(required);
                caller.error(caller.call(variables, caller.conf()), 4, required);
            }));
        }
        for (String wrong : new String[] {"-x", "a b", "a/b", "ü", "."}) {
            rows.add(new Row(
                    "a container ID begins with a letter or digit, and holds _ . - besides: not " + wrong, caller -> {
                        Map<String, String> variables = variables("ADD", node.addUnwiredPod());
                        variables.put("CNI_CONTAINERID", wrong);
                        caller.error(caller.call(variables, caller.conf()), 4, "CNI_CONTAINERID", wrong);
                    }));
        }
        for (String wrong : new String[] {".", "..", "a/b", "a:b", "a b", "sixteen-letters-", "eth%d"}) {
            rows.add(new Row("an interface name that the kernel does not take is an error: " + wrong, caller -> {
                Map<String, String> variables = variables("ADD", node.addUnwiredPod());
                variables.put("CNI_IFNAME", wrong);
                caller.error(caller.call(variables, caller.conf()), 4, "CNI_IFNAME", wrong);
            }));
        }
        rows.add(new Row("an unknown CNI_COMMAND is an error", caller -> {
            Pod pod = node.addUnwiredPod();
            caller.error(caller.call("UPDATE", pod, caller.conf()), 4, "CNI_COMMAND", "UPDATE");
        }));
        rows.add(new Row("CNI_ARGS that the plugin does not know are ignored", caller -> {
            Pod pod = node.addUnwiredPod();
            Map<String, String> variables = variables("ADD", pod);
            variables.put("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAME=web");
            caller.call(variables, caller.conf()).orThrow();
            caller.call("DEL", pod, caller.conf()).orThrow();
        }));
        rows.add(new Row("unknown fields of the configuration are ignored", caller -> {
            Pod pod = node.addUnwiredPod();
            caller.add(pod, caller.conf("1.1.0", ",\"keyA\":[\"some more\"],\"args\":{\"labels\":{\"a\":\"b\"}}"));
            caller.call("DEL", pod, caller.conf()).orThrow();
        }));
    }

    private void add(List<Row> rows) {
        for (String version : new String[] {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"}) {
            rows.add(new Row("ADD makes CNI_IFNAME inside CNI_NETNS and answers in version " + version, caller -> {
                Pod pod = node.addUnwiredPod();
                JsonNode result = caller.add(pod, caller.conf(version, ""));
                assertThat(result.path("cniVersion").asText()).isEqualTo(version);
                JsonNode made = result.path("interfaces").path(2);
                assertThat(made.path("name").asText()).isEqualTo("eth0");
                assertThat(made.path("sandbox").asText()).isEqualTo(pod.netns());
                assertThat(made.has("mtu")).isEqualTo(version.equals("1.1.0"));
                assertThat(result.path("interfaces").path(0).has("sandbox")).isFalse();
                assertThat(pod.run("ip", "link", "show", "eth0").output())
                        .contains(made.path("mac").asText());
                JsonNode ip = result.path("ips").path(0);
                assertThat(ip.has("version")).isEqualTo(version.startsWith("0."));
                assertThat(ip.path("interface").asInt()).isEqualTo(2);
                assertThat(pod.run("ip", "addr", "show", "eth0").output())
                        .contains(ip.path("address").asText());
                assertThat(result.path("routes").toString()).contains(ROUTE_ALL);
                assertThat(result.path("dns").isObject()).isTrue();
                caller.call("DEL", pod, caller.conf(version, "")).orThrow();
            }));
        }
        rows.add(new Row("ADD is an error when the container has the interface already", caller -> {
            Pod pod = node.addUnwiredPod();
            JsonNode first = caller.add(pod, caller.conf());
            caller.error(caller.call("ADD", pod, caller.conf()), 102, "eth0 already");
            assertThat(pod.run("ip", "addr", "show", "eth0").output())
                    .contains(first.path("ips").path(0).path("address").asText());
            caller.call("DEL", pod, caller.conf()).orThrow();
        }));
        rows.add(new Row("ADD hands on prevResult, with what it made itself", caller -> {
            Pod pod = node.addUnwiredPod();
            String before = "{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"name\":\"net0\",\"sandbox\":\"/x\"}],"
                    + "\"ips\":[{\"address\":\"192.0.2.7/24\",\"interface\":0}],"
                    + "\"dns\":{\"nameservers\":[\"192.0.2.1\"]}}";
            JsonNode result = caller.add(pod, caller.conf("1.1.0", ",\"prevResult\":" + before));
            assertThat(result.path("interfaces").path(0).path("name").asText()).isEqualTo("net0");
            assertThat(result.path("interfaces").path(3).path("name").asText()).isEqualTo("eth0");
            assertThat(result.path("ips").path(0).path("interface").asInt()).isZero();
            assertThat(result.path("ips").path(1).path("interface").asInt()).isEqualTo(3);
            assertThat(result.path("dns").toString()).contains("192.0.2.1");
            caller.call("CHECK", pod, caller.conf("1.1.0", result(result))).orThrow();
            caller.call("DEL", pod, caller.conf("1.1.0", result(result))).orThrow();
        }));
        rows.add(new Row("several attachments of one container differ by CNI_IFNAME", caller -> {
            Pod pod = node.addUnwiredPod();
            Map<String, String> second = variables("ADD", pod);
            second.put("CNI_IFNAME", "net1");
            JsonNode first = caller.add(pod, caller.conf());
            JsonNode other = JSON.readTree(caller.call(second, caller.conf()).orThrow());
            assertThat(first.path("ips").path(0)).isNotEqualTo(other.path("ips").path(0));
            second.put("CNI_COMMAND", "DEL");
            caller.call(second, caller.conf()).orThrow();
            assertThat(pod.run("ip", "-br", "link").output()).contains("eth0").doesNotContain("net1");
            caller.call("DEL", pod, caller.conf()).orThrow();
        }));
    }

    private void delete(List<Row> rows) {
        for (String required : new String[] {"CNI_CONTAINERID", "CNI_IFNAME"}) {
            rows.add(new Row("DEL needs " + required, caller -> {
                Map<String, String> variables = variables("DEL", node.addUnwiredPod());
                variables.remove(required);
                caller.error(caller.call(variables, caller.conf()), 4, required);
            }));
        }
        rows.add(new Row("DEL undoes ADD, says nothing, and may be called again", caller -> {
            Pod pod = node.addUnwiredPod();
            JsonNode result = caller.add(pod, caller.conf());
            for (int i = 0; i < 3; i++) {
                assertThat(caller.call("DEL", pod, caller.conf("1.1.0", result(result)))
                                .orThrow())
                        .isBlank();
            }
            assertThat(pod.run("ip", "-br", "link").output()).doesNotContain("eth0");
            assertThat(address(result)).doesNotExist();
        }));
        rows.add(new Row("DEL succeeds without CNI_NETNS, and gives the address back", caller -> {
            Pod pod = node.addUnwiredPod();
            JsonNode result = caller.add(pod, caller.conf());
            Map<String, String> variables = variables("DEL", pod);
            variables.remove("CNI_NETNS");
            caller.call(variables, caller.conf()).orThrow();
            assertThat(address(result)).doesNotExist();
            assertThat(pod.run("ip", "-br", "link").output()).doesNotContain("eth0");
        }));
        rows.add(new Row("DEL succeeds when the namespace is gone", caller -> {
            Pod pod = node.addUnwiredPod();
            JsonNode result = caller.add(pod, caller.conf());
            Map<String, String> variables = variables("DEL", pod);
            variables.put("CNI_NETNS", "/run/netns/gone");
            caller.call(variables, caller.conf()).orThrow();
            assertThat(address(result)).doesNotExist();
        }));
    }

    private void check(List<Row> rows) {
        rows.add(new Row("CHECK right after ADD says nothing", caller -> {
            Pod pod = node.addUnwiredPod();
            JsonNode result = caller.add(pod, caller.conf());
            assertThat(caller.call("CHECK", pod, caller.conf("1.1.0", result(result)))
                            .orThrow())
                    .isBlank();
            caller.call("DEL", pod, caller.conf()).orThrow();
        }));
        rows.add(new Row("CHECK needs prevResult", caller -> {
            Pod pod = node.addUnwiredPod();
            caller.add(pod, caller.conf());
            caller.error(caller.call("CHECK", pod, caller.conf()), 7, "prevResult");
            caller.call("DEL", pod, caller.conf()).orThrow();
        }));
        rows.add(new Row("CHECK came with version 0.4.0", caller -> {
            Pod pod = node.addUnwiredPod();
            caller.error(caller.call("CHECK", pod, caller.conf("0.3.1", "")), 1, "0.4.0");
        }));
        broken(rows, "interface", "ip link del eth0", "no interface eth0");
        broken(rows, "address", "ip addr flush dev eth0", "lacks its address");
        broken(rows, "route", "ip route del default", "no route to 0.0.0.0/0");
        rows.add(new Row("CHECK is an error when the reservation of the address is gone", caller -> {
            Pod pod = node.addUnwiredPod();
            JsonNode result = caller.add(pod, caller.conf());
            Files.delete(address(result));
            caller.error(caller.call("CHECK", pod, caller.conf("1.1.0", result(result))), 103, "reserv");
            caller.call("DEL", pod, caller.conf()).orThrow();
        }));
        rows.add(new Row("CHECK allows what later plugins of the chain changed", caller -> {
            Pod pod = node.addUnwiredPod();
            JsonNode result = caller.add(pod, caller.conf());
            pod.run("sh", "-c", "ip route add 198.51.100.0/24 dev eth0 && ip link set eth0 mtu 1300")
                    .orThrow();
            caller.call("CHECK", pod, caller.conf("1.1.0", result(result))).orThrow();
            caller.call("DEL", pod, caller.conf()).orThrow();
        }));
    }

    private void broken(List<Row> rows, String what, String command, String words) {
        rows.add(new Row("CHECK is an error when the " + what + " is missing", caller -> {
            Pod pod = node.addUnwiredPod();
            JsonNode result = caller.add(pod, caller.conf());
            pod.run("sh", "-c", command).orThrow();
            caller.error(caller.call("CHECK", pod, caller.conf("1.1.0", result(result))), 103, words);
            caller.call("DEL", pod, caller.conf()).orThrow();
        }));
    }

    private void status(List<Row> rows) {
        rows.add(new Row("STATUS says nothing when ADD would work, and needs no container", caller -> {
            Map<String, String> variables = Map.of("CNI_COMMAND", "STATUS", "CNI_PATH", "/opt/cni/bin");
            assertThat(caller.call(variables, caller.conf()).orThrow()).isBlank();
        }));
        rows.add(new Row(
                "STATUS came with version 1.1.0",
                caller -> caller.error(
                        caller.call(Map.of("CNI_COMMAND", "STATUS"), caller.conf("1.0.0", "")), 1, "1.1.0")));
        rows.add(new Row("STATUS is error 50 when no subnet is there", caller -> {
            String conf = caller.conf().replace(node.subnetFile().toString(), "/nowhere/subnet.env");
            caller.error(caller.call(Map.of("CNI_COMMAND", "STATUS"), conf), 50, "/nowhere/subnet.env");
        }));
        rows.add(new Row("STATUS is error 51 when pods have lost their way, too", caller -> {
            node.run("ip", "link", "set", "docker0", "down").orThrow();
            caller.error(caller.call(Map.of("CNI_COMMAND", "STATUS"), caller.conf()), 51, "docker0 is down");
            node.run("ip", "link", "set", "docker0", "up").orThrow();
        }));
    }

    private void version(List<Row> rows) {
        rows.add(new Row("VERSION answers in the version that was asked, with all that are supported", caller -> {
            String answer = caller.call(Map.of("CNI_COMMAND", "VERSION"), "{\"cniVersion\":\"0.4.0\"}")
                    .orThrow();
            assertThat(JSON.readTree(answer).path("cniVersion").asText()).isEqualTo("0.4.0");
            assertThat(answer).contains("\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"");
        }));
        rows.add(new Row(
                "VERSION needs no input",
                caller -> assertThat(caller.call(Map.of("CNI_COMMAND", "VERSION"), "")
                                .orThrow())
                        .contains("supportedVersions")));
    }

    private void garbageCollection(List<Row> rows) {
        rows.add(new Row("GC takes away everything but the valid attachments", caller -> {
            Pod kept = node.addUnwiredPod();
            Pod lost = node.addUnwiredPod();
            JsonNode keptResult = caller.add(kept, caller.conf());
            JsonNode lostResult = caller.add(lost, caller.conf());
            String valid = ",\"cni.dev/valid-attachments\":[{\"containerID\":\"" + kept.containerId()
                    + "\",\"ifname\":\"eth0\"}]";
            Map<String, String> variables = Map.of("CNI_COMMAND", "GC", "CNI_PATH", "/opt/cni/bin");
            assertThat(caller.call(variables, caller.conf("1.1.0", valid)).orThrow())
                    .isBlank();
            assertThat(address(keptResult)).exists();
            assertThat(address(lostResult)).doesNotExist();
            assertThat(lost.run("ip", "-br", "link").output()).doesNotContain("eth0");
            caller.call("DEL", kept, caller.conf()).orThrow();
        }));
        rows.add(new Row(
                "GC collects nothing when it is not told what is valid",
                caller -> caller.error(
                        caller.call(Map.of("CNI_COMMAND", "GC"), caller.conf()), 7, "cni.dev/valid-attachments")));
        rows.add(new Row(
                "GC came with version 1.1.0",
                caller -> caller.error(
                        caller.call(
                                Map.of("CNI_COMMAND", "GC"), caller.conf("1.0.0", ",\"cni.dev/valid-attachments\":[]")),
                        1,
                        "1.1.0")));
    }

    private void delegation(List<Row> rows) {
        rows.add(new Row(
                "a delegate is searched in CNI_PATH, and gets the whole configuration and the same environment",
                caller -> {
                    Path plugins = recorder("");
                    Pod pod = node.addUnwiredPod();
                    Map<String, String> variables = variables("ADD", pod);
                    variables.put("CNI_PATH", "/nowhere:" + plugins);
                    variables.put("CNI_ARGS", "A=b");
                    String conf = caller.conf("1.1.0", ",\"delegate\":{\"type\":\"recorder\",\"colour\":\"red\"}");
                    for (String command : new String[] {"ADD", "CHECK", "STATUS", "DEL"}) {
                        variables.put("CNI_COMMAND", command);
                        caller.call(
                                        variables,
                                        command.equals("CHECK") ? conf.replaceFirst("}$", ",\"prevResult\":{}}") : conf)
                                .orThrow();
                    }
                    assertThat(Files.readAllLines(plugins.resolve("calls")))
                            .hasSize(4)
                            .allMatch(line -> line.contains("\"colour\":\"red\"")
                                    && line.contains("\"name\":\"cbr0\"")
                                    && line.contains(pod.netns())
                                    && line.contains("A=b"));
                }));
        rows.add(new Row("when a delegate's ADD fails, its DEL is called, and its error passed on", caller -> {
            Path plugins =
                    recorder("[ $CNI_COMMAND = ADD ] && { echo '{\"code\":123,\"msg\":\"not today\"}'; exit 1; }\n");
            Pod pod = node.addUnwiredPod();
            Map<String, String> variables = variables("ADD", pod);
            variables.put("CNI_PATH", plugins.toString());
            String conf = caller.conf("1.1.0", ",\"delegate\":{\"type\":\"recorder\"}");
            caller.error(caller.call(variables, conf), 123, "not today");
            assertThat(Files.readAllLines(plugins.resolve("calls")))
                    .extracting(line -> line.substring(0, 3))
                    .containsExactly("ADD", "DEL");
        }));
        rows.add(new Row("STATUS asks the delegate or the IPAM plugin, too, and passes their errors on", caller -> {
            Path plugins =
                    recorder("[ $CNI_COMMAND = STATUS ] && { echo '{\"code\":50,\"msg\":\"no pool\"}'; exit 1; }\n");
            Map<String, String> variables = Map.of("CNI_COMMAND", "STATUS", "CNI_PATH", plugins.toString());
            String delegating = caller.conf("1.1.0", ",\"delegate\":{\"type\":\"recorder\"}");
            caller.error(caller.call(variables, delegating), 50, "no pool");
            String otherIpam = caller.conf().replace("\"ipam\":{", "\"ipam\":{\"type\":\"recorder\",");
            caller.error(caller.call(variables, otherIpam), 50, "no pool");
        }));
        rows.add(new Row("when the IPAM plugin fails, nothing is left", caller -> {
            Path plugins = recorder("[ $CNI_COMMAND = ADD ] && { echo '{\"code\":11,\"msg\":\"later\"}'; exit 1; }\n");
            Pod pod = node.addUnwiredPod();
            Map<String, String> variables = variables("ADD", pod);
            variables.put("CNI_PATH", plugins.toString());
            String conf = caller.conf().replace("\"ipam\":{", "\"ipam\":{\"type\":\"recorder\",");
            caller.error(caller.call(variables, conf), 11, "later");
            assertThat(pod.run("ip", "-br", "link").output()).doesNotContain("eth0");
        }));
    }

    /** A plugin that writes down how it was called. */
    private Path recorder(String before) throws IOException {
        Path directory = Files.createTempDirectory(node.directory(), "plugins");
        Path plugin = directory.resolve("recorder");
        Files.writeString(
                plugin,
                "#!/bin/sh\necho \"$CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $CNI_ARGS $(cat)\" >> "
                        + directory
                        + "/calls\n" + before
                        + "[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.1.0\",\"ips\":[]}'\nexit 0\n");
        Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwxr-xr-x"));
        return directory;
    }

    private void errors(List<Row> rows) {
        rows.add(new Row(
                "error 1: a version that is not supported, and those that are",
                caller -> caller.error(
                        caller.call("ADD", node.addUnwiredPod(), caller.conf("2.0.0", "")), 1, "2.0.0", "1.1.0")));
        rows.add(new Row(
                "error 2: a field that is not supported, its key and its value",
                caller -> caller.error(
                        caller.call("ADD", node.addUnwiredPod(), caller.conf("1.1.0", ",\"vlanTrunk\":[{\"id\":7}]")),
                        2,
                        "vlanTrunk",
                        "[{\"id\":7}]")));
        rows.add(new Row(
                "error 6: no JSON",
                caller -> caller.error(
                        caller.call("ADD", node.addUnwiredPod(), "{\"cniVersion\":"), 6, "configuration")));
        rows.add(new Row(
                "error 7: a configuration that cannot be",
                caller -> caller.error(
                        caller.call(
                                "ADD",
                                node.addUnwiredPod(),
                                caller.conf("1.1.0", ",\"hairpinMode\":true,\"promiscMode\":true")),
                        7,
                        "hairpinMode and promiscMode")));
        rows.add(new Row(
                "error 7: no name",
                caller -> caller.error(
                        caller.call("ADD", node.addUnwiredPod(), "{\"cniVersion\":\"1.1.0\",\"type\":\"flannel-j\"}"),
                        7,
                        "name")));
        rows.add(new Row("error 11: what will be there later", caller -> {
            String conf = caller.conf().replace(node.subnetFile().toString(), "/nowhere/subnet.env");
            caller.error(caller.call("ADD", node.addUnwiredPod(), conf), 11, "/nowhere/subnet.env");
        }));
        rows.add(new Row("an error is in the version that was asked, on standard output alone", caller -> {
            Commands.Result result = caller.call("ADD", node.addUnwiredPod(), caller.conf("0.4.0", ",\"mtu\":-1"));
            assertThat(JSON.readTree(result.output()).path("cniVersion").asText())
                    .isEqualTo("0.4.0");
            caller.error(result, 7, "mtu");
        }));
    }

    private Path address(JsonNode result) {
        return node.addressDirectory()
                .resolve("cbr0")
                .resolve(result.path("ips").path(0).path("address").asText().replaceAll("/.*", ""));
    }
}
