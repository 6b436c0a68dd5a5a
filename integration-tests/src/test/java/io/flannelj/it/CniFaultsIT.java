package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Background;
import io.flannelj.lab.CniCall;
import io.flannelj.lab.CniLeavings;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The plugin's process, native and on the JVM, when things break in the middle of a call. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CniFaultsIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PAIRS = Integer.getInteger("flannelj.cniPairs", 100);
    private static final int MORE_STEPS_THAN_ADD_HAS = 60;

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
        node.addPod().remove(); // the bridge and the folders of addresses are made once
    }

    @AfterAll
    void tearDown() {
        lab.close();
    }

    /** The network configuration of a node whose daemon is not to be found. */
    private String alone() {
        return cni.configuration("1.0.0").replace(node.controlSocketFile().toString(), "/nowhere/flanneld-j.sock");
    }

    private String delete(Pod pod) {
        return cni.call("DEL", pod.containerId(), pod.netns(), cni.configuration("1.0.0"))
                .orThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"flannel-j", "flannel-j-jvm"})
    void aNamespaceThatTheDaemonDoesNotSeeIsWired(String program) throws IOException {
        Pod pod = node.addUnwiredPod();
        // A mount namespace of the plugin's own, in which alone the file is; as with a daemon in a container.
        String script =
                "mount -t tmpfs none /mnt && touch /mnt/netns && mount --bind " + pod.netns() + " /mnt/netns && ";
        Commands.Result added =
                cni.callIn(script, program, "ADD", pod.containerId(), "/mnt/netns", cni.configuration("1.0.0"));

        JsonNode result = JSON.readTree(added.orThrow());
        assertThat(result.path("interfaces").path(2).path("sandbox").asText()).isEqualTo("/mnt/netns");
        assertThat(pod.run("ip", "addr", "show", "eth0").output())
                .contains(result.path("ips").path(0).path("address").asText());
        cni.callIn(script, program, "DEL", pod.containerId(), "/mnt/netns", cni.configuration("1.0.0"))
                .orThrow();
        assertThat(pod.run("ip", "link").output()).doesNotContain("eth0");
    }

    /** What the daemon finds at the path is another pod's namespace. */
    @ParameterizedTest
    @ValueSource(strings = {"flannel-j", "flannel-j-jvm"})
    void aPathThatMeansSomethingElseToTheDaemonIsNotWhatIsWired(String program) {
        Pod pod = node.addUnwiredPod();
        Pod other = node.addUnwiredPod();
        String script = "mount --bind " + pod.netns() + " " + other.netns() + " && ";

        cni.callIn(script, program, "ADD", pod.containerId(), other.netns(), cni.configuration("1.0.0"))
                .orThrow();

        assertThat(pod.run("ip", "link").output()).contains("eth0");
        assertThat(other.run("ip", "link").output()).doesNotContain("eth0");
        cni.callIn(script, program, "DEL", pod.containerId(), other.netns(), cni.configuration("1.0.0"))
                .orThrow();
        assertThat(pod.run("ip", "link").output()).doesNotContain("eth0");
    }

    @Test
    void killedAtAnyStepOfAddNothingIsLeftAfterDel() {
        Pod pod = node.addUnwiredPod();
        CniLeavings before = CniLeavings.of(node);
        int step = 0;
        Commands.Result result;
        do {
            step++;
            // Every step that changes something is a message to the kernel by sendto(2).
            result = cni.callIn(
                    "exec strace -f -qq -o /dev/null -e trace=sendto -e inject=sendto:signal=SIGKILL:when=" + step
                            + " ",
                    "flannel-j-jvm",
                    "ADD",
                    pod.containerId(),
                    pod.netns(),
                    alone());
            delete(pod);
            assertThat(pod.run("ip", "link").output())
                    .as("killed at step %d", step)
                    .doesNotContain("eth0");
            assertThat(before.growth(node)).as("killed at step %d", step).isEmpty();
        } while (!result.succeeded() && step < MORE_STEPS_THAN_ADD_HAS);
        assertThat(step).as("steps until ADD got through").isBetween(8, MORE_STEPS_THAN_ADD_HAS - 1);
    }

    @ParameterizedTest
    @CsvSource({
        "no inodes, mount -t tmpfs -o nr_inodes=3 none DIR",
        "no space, mount -t tmpfs -o size=4k none DIR",
        "read-only, 'mount --bind DIR DIR && mount -o remount,bind,ro DIR'"
    })
    void aStateDirectoryThatCannotBeWrittenIsACniErrorAndLeavesNothing(String what, String mount) throws IOException {
        Pod pod = node.addUnwiredPod();
        CniLeavings before = CniLeavings.of(node);
        Path state = node.addressDirectory();
        String prepare = mount.replace("DIR", state.toString()) + " && ";
        if (what.equals("no space")) {
            prepare +=
                    "mkdir " + state + "/cbr0 && dd if=/dev/zero of=" + state + "/full bs=4k count=1 2>/dev/null && ";
        }
        Commands.Result result = cni.callIn(prepare, "flannel-j-jvm", "ADD", pod.containerId(), pod.netns(), alone());

        assertThat(result.exitStatus()).as(result.output()).isEqualTo(1);
        JsonNode error = JSON.readTree(result.output());
        assertThat(error.path("code").asInt()).as(result.output()).isEqualTo(5);
        assertThat(error.path("msg").asText()).containsAnyOf(state.toString(), "No space left on device");
        assertThat(pod.run("ip", "link").output()).doesNotContain("eth0");
        delete(pod);
        assertThat(before.growth(node)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDaemonRestartingUnderFiftyAddsLosesNothing(boolean killed) throws IOException {
        List<Pod> pods = Stream.generate(node::addUnwiredPod).limit(50).toList();
        List<CompletableFuture<Commands.Result>> adds = new ArrayList<>();
        for (Pod pod : pods) {
            adds.add(CompletableFuture.supplyAsync(
                    () -> cni.call("ADD", pod.containerId(), pod.netns(), cni.configuration("1.0.0")),
                    Background.THREADS));
        }
        if (killed) {
            node.kill();
        } else {
            node.stop();
        }
        node.start();

        Set<String> addresses = new HashSet<>();
        for (int i = 0; i < pods.size(); i++) {
            Commands.Result result = adds.get(i).join();
            if (!result.succeeded()) {
                JsonNode error = JSON.readTree(result.output());
                assertThat(error.path("code").asInt()).as(result.output()).isEqualTo(11);
                delete(pods.get(i));
                result = cni.call("ADD", pods.get(i).containerId(), pods.get(i).netns(), cni.configuration("1.0.0"));
            }
            addresses.add(JSON.readTree(result.orThrow())
                    .path("ips")
                    .path(0)
                    .path("address")
                    .asText());
        }
        assertThat(addresses).hasSize(50);
        pods.forEach(this::delete);
        assertThat(node.run("ip", "-br", "link").output()).doesNotContain("veth");
    }

    @Test
    void withoutADaemonAndWithoutASubnetTheErrorSaysSo() throws IOException {
        Node fresh = lab.addNode();
        CniCall call = new CniCall(fresh);
        Pod pod = fresh.addUnwiredPod();
        JsonNode error = JSON.readTree(call.call("ADD", pod.containerId(), pod.netns(), call.configuration("1.0.0"))
                .output());
        assertThat(error.path("code").asInt()).isEqualTo(11);
        assertThat(error.path("msg").asText())
                .contains("no flanneld-j answers at " + fresh.controlSocketFile(), "subnet.env");
        error = JSON.readTree(
                call.call("STATUS", "", "", call.configuration("1.1.0")).output());
        assertThat(error.path("code").asInt()).isIn(50, 51);
    }

    @Test
    void pairsOfAddAndDelLeaveNothingBehind() {
        Pod stays = node.addPod();
        Pod pod = node.addUnwiredPod();
        for (int i = 0; i < 20; i++) { // pools, classes and buffers come first
            pair(pod);
        }
        Awaitility.await("rules for the new bridge")
                .atMost(Duration.ofSeconds(30))
                .until(() -> node.run("iptables-save").output().contains("-A FLANNEL-SOURCE -i docker0 -m rpfilter"));
        CniLeavings before = CniLeavings.of(node);
        for (int i = 0; i < PAIRS; i++) {
            pair(pod);
        }
        assertThat(before.growth(node)).isEmpty();
        stays.remove();
    }

    private void pair(Pod pod) {
        cni.call("ADD", pod.containerId(), pod.netns(), cni.configuration("1.0.0"))
                .orThrow();
        delete(pod);
    }
}
