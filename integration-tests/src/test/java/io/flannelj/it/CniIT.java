package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Background;
import io.flannelj.lab.CniCall;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The plugin as container runtimes call it, with and without a daemon, rightly and wrongly. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CniIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Lab lab;
    private Node node;
    private CniCall cni;

    @BeforeAll
    void build() {
        lab = Lab.open(1, Lab.Underlay.ON)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")
                .start();
        node = lab.node(1);
        cni = new CniCall(node);
    }

    @AfterAll
    void tearDown() {
        lab.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"})
    void addAnswersAsEachVersionWants(String version) throws IOException {
        Pod pod = node.addUnwiredPod();
        JsonNode result = JSON.readTree(cni.call("ADD", pod.containerId(), pod.netns(), cni.configuration(version))
                .orThrow());

        assertThat(result.path("cniVersion").asText()).isEqualTo(version);
        assertThat(result.path("interfaces")).hasSize(3);
        assertThat(result.path("interfaces").path(2).path("sandbox").asText()).isEqualTo(pod.netns());
        assertThat(result.path("ips").path(0).has("version")).isEqualTo(version.startsWith("0."));
        assertThat(result.path("ips").path(0).path("interface").asInt()).isEqualTo(2);
        String address = result.path("ips").path(0).path("address").asText();
        assertThat(pod.run("ip", "addr", "show", "eth0").output()).contains("inet " + address, "mtu 1450");
        assertThat(pod.run("ip", "route").output()).contains("default via", "10.5.0.0/16 via");

        if (!version.startsWith("0.3")) {
            String withResult = cni.configuration(version, ",\"prevResult\":" + result);
            assertThat(cni.call("CHECK", pod.containerId(), pod.netns(), withResult)
                            .succeeded())
                    .isTrue();
            pod.run("ip", "addr", "flush", "dev", "eth0").orThrow();
            assertThat(cni.call("CHECK", pod.containerId(), pod.netns(), withResult)
                            .output())
                    .contains("lacks its address", "\"code\":103");
        }
        assertThat(cni.call("DEL", pod.containerId(), pod.netns(), cni.configuration(version))
                        .succeeded())
                .isTrue();
        assertThat(pod.run("ip", "link").output()).doesNotContain("eth0");
    }

    @Test
    void aSecondAddForTheSameInterfaceIsRefusedAndTheFirstSurvives() {
        Pod pod = node.addPod();
        Commands.Result again = cni.call("ADD", pod.containerId(), pod.netns(), cni.configuration("1.0.0"));

        assertThat(again.exitStatus()).isEqualTo(1);
        assertThat(again.output()).contains("has eth0 already", "\"code\":102");
        assertThat(pod.canPing(pod.address().replaceAll("\\d+$", "1"))).isTrue();
        pod.remove();
    }

    @Test
    void deletingWhatNeverWasSucceeds() {
        Pod pod = node.addUnwiredPod();
        for (String netns : new String[] {pod.netns(), "", "/run/netns/gone"}) {
            Commands.Result result = cni.call("DEL", "never", netns, cni.configuration("1.0.0"));
            assertThat(result.succeeded())
                    .as("netns \"%s\": %s", netns, result.output())
                    .isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "garbage",
                "[]",
                "7",
                "{\"cniVersion\":\"9.9\",\"name\":\"x\"}",
                "{\"cniVersion\":\"1.0.0\"}"
            })
    void garbageOnStandardInputIsACniError(String stdin) throws IOException {
        Commands.Result result = cni.call("ADD", "c1", "/run/netns/none", stdin);
        assertThat(result.exitStatus()).isEqualTo(1);
        JsonNode error = JSON.readTree(result.output());
        assertThat(error.path("code").asInt()).as(result.output()).isIn(1, 6, 7);
        assertThat(error.path("msg").asText()).isNotEmpty().doesNotContain("Exception");
    }

    @ParameterizedTest
    @ValueSource(strings = {"CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS"})
    void aMissingVariableIsNamed(String missing) {
        Map<String, String> variables = new TreeMap<>(Map.of(
                "CNI_COMMAND",
                "ADD",
                "CNI_CONTAINERID",
                "c1",
                "CNI_IFNAME",
                "eth0",
                "CNI_NETNS",
                "/run/netns/x",
                "CNI_PATH",
                "/opt/cni/bin"));
        variables.remove(missing);
        assertThat(cni.call(variables, cni.configuration("1.0.0")).output())
                .contains(missing + " is not set", "\"code\":4");
    }

    @Test
    void wrongNamespacesAreNamed() {
        assertThat(cni.call("ADD", "c1", "/run/netns/none", cni.configuration("1.0.0"))
                        .output())
                .contains("\"code\":8", "/run/netns/none");
        assertThat(cni.call("ADD", "c1", "/etc/hostname", cni.configuration("1.0.0"))
                        .output())
                .contains("\"code\":8", "/etc/hostname is not a network namespace");
        assertThat(cni.call("ADD", "c1", "/run/netns/" + node.namespace(), cni.configuration("1.0.0"))
                        .output())
                .contains("\"code\":8", "the node's own");
        Path addresses = node.addressDirectory().resolve("cbr0");
        assertThat(!Files.exists(addresses) || holdsNothing(addresses, "c1")).isTrue();
    }

    @Test
    void whatIsNotBuiltIsRefusedByName() {
        Pod pod = node.addUnwiredPod();
        assertThat(cni.call("ADD", "c1", pod.netns(), cni.configuration("1.0.0", ",\"vlanTrunk\":[{\"id\":7}]"))
                        .output())
                .contains("\"code\":2", "vlanTrunk");
        assertThat(cni.call(
                                "ADD",
                                "c1",
                                pod.netns(),
                                cni.configuration("1.0.0", ",\"delegate\":{\"type\":\"no-such-plugin\"}"))
                        .output())
                .contains("\"code\":7", "no-such-plugin", "not in CNI_PATH");
    }

    @Test
    void versionAndAboutNeedNoConfiguration() {
        assertThat(cni.call(Map.of("CNI_COMMAND", "VERSION"), "").output())
                .contains("\"supportedVersions\":[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]");
        Commands.Result about = cni.call(Map.of(), "");
        assertThat(about.exitStatus()).isZero();
        assertThat(about.errors()).contains("CNI plugin");
    }

    @Test
    void statusAndGarbageCollection() throws IOException {
        Pod kept = node.addPod();
        Pod lost = node.addPod();
        assertThat(cni.call("STATUS", "", "", cni.configuration("1.1.0")).succeeded())
                .isTrue();

        cni.call(
                        "GC",
                        "",
                        "",
                        cni.configuration(
                                "1.1.0",
                                ",\"cni.dev/valid-attachments\":[{\"containerID\":\"" + kept.containerId()
                                        + "\",\"ifname\":\"eth0\"}]"))
                .orThrow();

        Path addresses = node.addressDirectory().resolve("cbr0");
        assertThat(addresses.resolve(kept.address())).exists();
        assertThat(addresses.resolve(lost.address())).doesNotExist();
        kept.remove();
        lost.remove();
    }

    @Test
    void manyAddsAtOnceGetAddressesOfTheirOwn() {
        List<CompletableFuture<Pod>> adds = new ArrayList<>();
        List<Pod> pods = Stream.generate(node::addUnwiredPod).limit(12).toList();
        Set<String> addresses = new HashSet<>();
        for (Pod pod : pods) {
            adds.add(CompletableFuture.supplyAsync(
                    () -> {
                        String answer = cni.call("ADD", pod.containerId(), pod.netns(), cni.configuration("1.0.0"))
                                .orThrow();
                        synchronized (addresses) {
                            addresses.add(answer.replaceAll(".*\"address\":\"([^\"]+)\".*", "$1"));
                        }
                        return pod;
                    },
                    Background.THREADS));
        }
        adds.forEach(CompletableFuture::join);
        assertThat(addresses).hasSize(12);
        pods.forEach(pod -> cni.call("DEL", pod.containerId(), pod.netns(), cni.configuration("1.0.0"))
                .orThrow());
    }

    @Test
    void withoutADaemonThePluginDoesItItself() {
        Node alone = lab.addNode();
        CniCall call = new CniCall(alone);
        Pod pod = alone.addUnwiredPod();
        assertThat(call.call("ADD", pod.containerId(), pod.netns(), call.configuration("1.0.0"))
                        .output())
                .contains("\"code\":11", "subnet.env", "flanneld-j status");
        alone.start();
        alone.stop();

        Pod wired = alone.addPod();
        Pod other = alone.addPod();
        assertThat(wired.canPing(other)).isTrue();
        wired.remove();
        other.remove();
        assertThat(alone.run("ip", "-br", "link").output()).doesNotContain("veth");
    }

    @Test
    void aBridgeWithAnotherAddressIsRefusedWhilePodsUseIt() {
        Node odd = lab.addNode();
        odd.start();
        Pod pod = odd.addPod();
        odd.run("ip", "addr", "flush", "dev", "docker0").orThrow();
        odd.run("ip", "addr", "add", "172.17.0.1/16", "dev", "docker0").orThrow();
        Pod late = odd.addUnwiredPod();
        CniCall call = new CniCall(odd);

        assertThat(call.call("ADD", late.containerId(), late.netns(), call.configuration("1.0.0"))
                        .output())
                .contains("\"code\":100", "docker0 has address 172.17.0.1/16 instead of", "forceAddress");
        pod.remove();
        call.call("ADD", late.containerId(), late.netns(), call.configuration("1.0.0"))
                .orThrow();
        assertThat(odd.run("ip", "addr", "show", "docker0").output()).doesNotContain("172.17.0.1");
    }

    private static boolean holdsNothing(Path directory, String containerId) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.noneMatch(file -> isHeldBy(file, containerId));
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isHeldBy(Path file, String containerId) {
        try {
            return Files.readString(file).startsWith(containerId + "\r\n");
        } catch (IOException e) {
            return false;
        }
    }
}
