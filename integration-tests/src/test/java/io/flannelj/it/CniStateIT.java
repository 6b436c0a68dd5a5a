package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Background;
import io.flannelj.lab.CniCall;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import io.flannelj.lab.bench.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** CNI calls that go wrong, are repeated, or meet: what is there stays as it is, and what is not needed goes. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CniStateIT {
    private static final String PATH = "/opt/cni/bin";

    private final Lab lab = Lab.open(1, Lab.Underlay.ON);
    private Node node;
    private CniCall cni;

    @BeforeAll
    void build() {
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","
                + "\"Backend\":{\"Type\":\"vxlan\"}}");
        lab.start();
        node = lab.node(1);
        cni = new CniCall(node);
        node.addPod().remove(); // the bridge is made once
    }

    @AfterAll
    void tearDown() {
        lab.close();
    }

    private Commands.Result call(String command, Pod pod, String ifName, String path, String configuration) {
        Map<String, String> variables = CniCall.variables(command, pod.containerId(), pod.netns());
        variables.put("CNI_IFNAME", ifName);
        variables.put("CNI_PATH", path);
        return cni.call(variables, configuration);
    }

    private Commands.Result call(String command, Pod pod, String configuration) {
        return call(command, pod, "eth0", PATH, configuration);
    }

    private Path state(Pod pod) {
        return node.directory().resolve("cni").resolve(pod.containerId() + ":eth0");
    }

    private static String routes(Pod pod) {
        return pod.run("ip", "route").output() + pod.run("ip", "-6", "route").output();
    }

    private static String way(Pod pod) {
        return pod.run("ip", "route", "get", "8.8.8.8").output()
                + pod.run("ip", "-6", "route", "get", "2001:db8::8").output();
    }

    @Test
    void aSecondInterfaceTakesNothingFromTheFirst() {
        Pod pod = node.addUnwiredPod();
        call("ADD", pod, cni.configuration("1.0.0")).orThrow();
        String before = routes(pod);
        assertThat(way(pod)).contains("eth0");

        call("ADD", pod, "net1", PATH, cni.configuration("1.0.0")).orThrow();
        assertThat(way(pod)).contains("eth0").doesNotContain("net1");
        call("DEL", pod, "net1", PATH, cni.configuration("1.0.0")).orThrow();

        assertThat(routes(pod)).isEqualTo(before);
        call("DEL", pod, cni.configuration("1.0.0")).orThrow();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ",\"vlanTrunk\":[{\"id\":1}]",
                ",\"hairpinMode\":true,\"promiscMode\":true",
                ",\"mtu\":\"large\"",
                ",\"bridge\":\"br%d\"",
                ",\"delegate\":7",
                ",\"delegate\":{\"type\":\"nowhere\"}",
                ",\"delegate\":{\"ipam\":{}}",
                ",\"ipam\":{\"type\":\"nowhere\"}",
                ",\"ipam\":{\"type\":\"../nowhere\"}",
                ",\"ipam\":{\"rangeStart\":\"10.9.0.1\"}",
                ",\"runtimeConfig\":{\"ips\":[\"nonsense\"]}",
                ",\"name\":\"../cbr0\"",
                ",\"name\":\"\""
            })
    void whatAddRefusesDelForgives(String fields) throws IOException {
        Pod pod = node.addUnwiredPod();
        String before = node.snapshot();
        String configuration = cni.configuration("1.0.0", fields);

        Commands.Result refused = call("ADD", pod, configuration);
        assertThat(refused.succeeded()).as("ADD with %s", fields).isFalse();
        Commands.Result deleted = call("DEL", pod, configuration);

        assertThat(deleted.succeeded())
                .as("DEL with %s: %s", fields, deleted.output())
                .isTrue();
        assertThat(deleted.output()).isBlank();
        assertThat(state(pod)).doesNotExist();
        assertThat(node.snapshot()).isEqualTo(before);
    }

    @Test
    void argumentsThatAddRefusesDelForgives() {
        Pod pod = node.addUnwiredPod();
        for (String command : new String[] {"ADD", "DEL"}) {
            Map<String, String> variables = CniCall.variables(command, pod.containerId(), pod.netns());
            variables.put("CNI_ARGS", "IP=nonsense");
            assertThat(cni.call(variables, cni.configuration("1.0.0")).succeeded())
                    .as(command)
                    .isEqualTo(command.equals("DEL"));
        }
    }

    @Test
    void aSecondAddThatIsRefusedChangesNothing() throws IOException {
        Pod pod = node.addUnwiredPod();
        call("ADD", pod, cni.configuration("1.0.0")).orThrow();
        String kept = Files.readString(state(pod));

        Commands.Result second = call("ADD", pod, cni.configuration("1.0.0", ",\"mtu\":1300,\"hairpinMode\":true"));

        assertThat(second.output()).contains("\"code\":102");
        assertThat(state(pod)).hasContent(kept);
        assertThat(pod.run("ip", "link", "show", "eth0").output()).doesNotContain("mtu 1300");
        call("DEL", pod, cni.configuration("1.0.0")).orThrow();
        assertThat(state(pod)).doesNotExist();
    }

    @Test
    void aSecondAddOfAnotherPluginThatFailsTakesNothingAway() throws IOException {
        Path calls = node.directory().resolve("once-calls");
        String plugins = plugin(
                "once",
                "echo $CNI_COMMAND >>" + calls + "\n[ $CNI_COMMAND != ADD ] || ! grep -c ADD " + calls
                        + " | grep -qx 2 || { echo '{\"code\":99,\"msg\":\"there already\"}'; exit 1; }\n"
                        + "[ $CNI_COMMAND != ADD ] || echo '{\"cniVersion\":\"1.0.0\",\"ips\":[]}'\n");
        String configuration = cni.configuration("1.0.0", ",\"delegate\":{\"type\":\"once\"}");
        Pod pod = node.addUnwiredPod();

        call("ADD", pod, "eth0", plugins, configuration).orThrow();
        assertThat(call("ADD", pod, "eth0", plugins, configuration).output()).contains("there already");

        assertThat(Files.readAllLines(calls)).containsExactly("ADD", "ADD");
        assertThat(state(pod)).exists();
        call("DEL", pod, "eth0", plugins, configuration).orThrow();
        assertThat(state(pod)).doesNotExist();
    }

    @Test
    void aDelWaitsForTheAddThatIsUnderWay() throws Exception {
        Path calls = node.directory().resolve("slow-calls");
        String plugins = plugin(
                "slow",
                "echo $CNI_COMMAND begins >>" + calls + "\n[ $CNI_COMMAND != ADD ] || sleep 2\n"
                        + "[ $CNI_COMMAND != ADD ] || echo '{\"cniVersion\":\"1.0.0\",\"ips\":[]}'\n"
                        + "echo $CNI_COMMAND ends >>" + calls + "\n");
        String configuration = cni.configuration("1.0.0", ",\"delegate\":{\"type\":\"slow\"}");
        Pod pod = node.addUnwiredPod();

        CompletableFuture<Commands.Result> adding = CompletableFuture.supplyAsync(
                () -> call("ADD", pod, "eth0", plugins, configuration), Background.THREADS);
        Wait.until("the ADD is under way", Duration.ofSeconds(20), () -> Files.exists(calls));
        call("DEL", pod, "eth0", plugins, configuration).orThrow();

        adding.get(30, TimeUnit.SECONDS).orThrow();
        assertThat(Files.readAllLines(calls)).containsExactly("ADD begins", "ADD ends", "DEL begins", "DEL ends");
        assertThat(state(pod)).doesNotExist();
        try (var left = Files.list(node.directory().resolve("cni"))) {
            assertThat(left.map(Path::getFileName).map(Path::toString))
                    .noneMatch(name -> name.contains(pod.containerId()));
        }
    }

    private String plugin(String name, String script) throws IOException {
        Path plugins = Files.createDirectories(node.directory().resolve("plugins"));
        Path plugin = plugins.resolve(name);
        Files.writeString(plugin, "#!/bin/sh\ncat >/dev/null\n" + script);
        Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwxr-xr-x"));
        return plugins.toString();
    }

    @Test
    void gcGivesBackWhatAnotherIpamPluginGave() throws IOException {
        Path programs = Peers.program("static").getParent();
        assumeTrue(Files.isExecutable(Peers.program("static")), "no static; integration-tests/peers builds it");
        String subnet = node.status().path("subnet").asText().replaceFirst("\\.0/24.*", "");
        String configuration = cni.configuration(
                "1.1.0",
                ",\"ipam\":{\"type\":\"static\",\"addresses\":[{\"address\":\"" + subnet + ".99/24\",\"gateway\":\""
                        + subnet + ".1\"}]}");
        Pod pod = node.addUnwiredPod();
        call("ADD", pod, "eth0", programs.toString(), configuration).orThrow();

        Map<String, String> variables = Map.of("CNI_COMMAND", "GC", "CNI_PATH", programs.toString());
        Commands.Result collected = cni.call(
                variables,
                configuration.substring(0, configuration.length() - 1) + ",\"cni.dev/valid-attachments\":[]}");

        assertThat(collected.succeeded()).as(collected.output()).isTrue();
        assertThat(state(pod)).doesNotExist();
        assertThat(pod.run("ip", "-br", "link").output()).doesNotContain("eth0");
    }

    @Test
    void theMacAddressOfABridgeThatIsAdoptedIsPinned() {
        node.run("ip", "link", "add", "adopted", "type", "bridge").orThrow();
        assertThat(assignment()).isNotEqualTo("3");
        Pod pod = node.addUnwiredPod();
        String configuration = cni.configuration("1.0.0", ",\"delegate\":{\"bridge\":\"adopted\",\"isGateway\":false}");
        call("ADD", pod, configuration).orThrow();
        assertThat(assignment()).isEqualTo("3"); // NET_ADDR_SET
        call("DEL", pod, configuration).orThrow();
        node.run("ip", "link", "delete", "adopted").orThrow();
    }

    private String assignment() {
        return node.run("cat", "/sys/class/net/adopted/addr_assign_type")
                .output()
                .strip();
    }

    @Test
    void namesThatTheKernelWouldFillInAreRefused() {
        Pod pod = node.addUnwiredPod();
        assertThat(call("ADD", pod, "eth%d", PATH, cni.configuration("1.0.0")).output())
                .contains("\"code\":4", "CNI_IFNAME", "%");
        assertThat(call("ADD", pod, cni.configuration("1.0.0", ",\"delegate\":{\"bridge\":\"br%d\"}"))
                        .output())
                .contains("\"code\":7", "bridge", "%");
    }

    @Test
    void aGatewayOutsideItsSubnetIsRefused() {
        Pod pod = node.addUnwiredPod();
        String configuration = cni.configuration(
                "1.0.0",
                ",\"runtimeConfig\":{\"ipRanges\":[[{\"subnet\":\"10.77.0.0/24\",\"gateway\":\"10.78.0.1\"}]]}");
        assertThat(call("ADD", pod, configuration).output())
                .contains("\"code\":7", "gateway must lie in subnet 10.77.0.0/24, was 10.78.0.1");
    }

    /** Whoever may write a file of the configuration's socket path must not get the calls of root. */
    @ParameterizedTest
    @ValueSource(strings = {"flannel-j", "flannel-j-jvm"})
    void aSocketOfSomebodyElseGetsNoCall(String program) throws Exception {
        Path folder = Files.createDirectories(node.directory().resolve("foreign-" + program));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path socket = folder.resolve("c.sock");
        Path heard = folder.resolve("heard");
        Process listener = node.startProgram(
                "setpriv",
                "--reuid=65534",
                "--clear-groups",
                "perl",
                "-MIO::Socket::UNIX",
                "-e",
                "my $s = IO::Socket::UNIX->new(Local => '" + socket + ".cni', Listen => 1) or die;"
                        + "while (my $c = $s->accept) { sysread($c, my $b, 10); if (length $b) {"
                        + " open(my $f, '>', '" + heard + "'); print $f $b; close $f } }");
        Wait.until("another program listens", Duration.ofSeconds(20), () -> Files.exists(Path.of(socket + ".cni")));
        Pod pod = node.addUnwiredPod();

        String configuration =
                cni.configuration("1.0.0").replace(node.controlSocketFile().toString(), socket.toString());
        cni.call(program, CniCall.variables("ADD", pod.containerId(), pod.netns()), configuration)
                .orThrow();

        assertThat(heard).doesNotExist();
        assertThat(pod.run("ip", "-br", "link").output()).contains("eth0");
        call("DEL", pod, cni.configuration("1.0.0")).orThrow();
        listener.destroy();
    }
}
