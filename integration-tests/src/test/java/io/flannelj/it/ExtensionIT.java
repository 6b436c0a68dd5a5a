package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.EtcdServer;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real daemons whose traffic is carried by commands: each at its time, with its variables and what stands on its input. */
@NeedsPrivileges
class ExtensionIT {
    private static final Duration SOON = Duration.ofSeconds(20);

    private static final String ALLOWED = "--allow-extension-commands";

    @TempDir
    private Path directory;

    private String script(String name, String body) throws IOException {
        Path file = directory.resolve(name);
        Files.writeString(file, "#!/bin/sh\nset -eu\ncd " + directory + "\n" + body + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
        return file.toString();
    }

    private String said(String file) {
        try {
            return Files.readString(directory.resolve(file));
        } catch (IOException e) {
            return "";
        }
    }

    @Test
    void commandsSeeTheLeaseAndThePeers() throws IOException {
        String config = "{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"extension\",\"PreStartupCommand\":\"%s\","
                + "\"PostStartupCommand\":\"%s\",\"SubnetAddCommand\":\"%s\",\"SubnetRemoveCommand\":\"%s\"}}";
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)) {
            lab.configure(config.formatted(
                    script("pre", "echo made by a script"),
                    script("post", "echo \"$NETWORK $SUBNET $PUBLIC_IP\" >>post.log"),
                    script(
                            "add",
                            "ip route replace $SUBNET via $PUBLIC_IP; echo \"$SUBNET $PUBLIC_IP $(cat)\" >>add.log"),
                    script("remove", "ip route del $SUBNET via $PUBLIC_IP; echo \"$SUBNET\" >>remove.log")));
            lab.nodes().forEach(node -> node.startDaemon(ALLOWED));
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(1));
            Node one = lab.node(1);
            Node two = lab.node(2);
            String subnet = one.status().path("subnet").asText();

            assertThat(lab.etcd().list(Lab.PREFIX + "/subnets/"))
                    .extracting(EtcdServer.Entry::value)
                    .allSatisfy(value -> assertThat(value).contains("\"BackendData\":\"made by a script"));
            assertThat(said("post.log")).contains("10.5.0.0/16 " + subnet + " " + one.address() + "\n");
            Wait.until(
                    () -> said("add.log"),
                    SOON,
                    () -> said("add.log").contains(subnet + " " + one.address() + " made by a script"));
            Pod here = one.addPod();
            Pod there = two.addPod();
            assertThat(List.of(here.canPing(there), there.canPing(here))).containsOnly(true);

            one.kill();
            lab.etcd().delete(Lab.PREFIX + "/subnets/" + subnet.replace('/', '-'));
            Wait.until(() -> said("remove.log"), SOON, () -> said("remove.log").contains(subnet));
            assertThat(two.run("ip", "route").output()).doesNotContain(subnet);
        }
    }

    /** Every command of the backend, each writing a file of its own. */
    private String commands() throws IOException {
        StringBuilder options = new StringBuilder();
        for (String command :
                List.of("PreStartupCommand", "PostStartupCommand", "SubnetAddCommand", "SubnetRemoveCommand")) {
            options.append(",\"%s\":\"%s\"".formatted(command, script(command, "touch ran." + command)));
        }
        return "{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"extension\"" + options + "}}";
    }

    private List<String> ran() {
        return List.of(Objects.requireNonNull(directory.toFile().list((folder, name) -> name.startsWith("ran."))));
    }

    @Test
    void commandsPutIntoARunningVxlanNetworkAreNotRun() throws IOException {
        try (Lab lab = Lab.open(2, Lab.Underlay.ON)) {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
            lab.node(1).startDaemon();
            lab.node(2).startDaemon(ALLOWED); // allowed at a start is not allowed at any time
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(1));

            lab.configure(commands());

            Wait.until(
                    lab.node(1)::log,
                    SOON,
                    () -> lab.node(1).status().path("reasons").toString().contains(ALLOWED));
            Wait.until(
                    lab.node(2)::log,
                    SOON,
                    () -> lab.node(2).status().path("reasons").toString().contains("at the next start only"));
            assertThat(ran()).as("commands that were run").isEmpty();
            Pod here = lab.node(1).addPod();
            assertThat(here.canPing(lab.node(2).addPod())).isTrue();
        }
    }

    @Test
    void commandsFromTheStoreNeedTheFlag() throws IOException {
        try (Lab lab = Lab.open(1, Lab.Underlay.ON)) {
            Node node = lab.node(1);
            lab.configure(commands());

            node.startDaemon();
            assertThat(node.awaitExit()).as("exit status").isEqualTo(2);
            assertThat(node.log()).contains("Backend.Type", ALLOWED);
            assertThat(ran()).as("commands that were run").isEmpty();
            assertThat(lab.leases()).isEmpty();

            node.start(ALLOWED);
            assertThat(ran()).containsExactlyInAnyOrder("ran.PreStartupCommand", "ran.PostStartupCommand");
        }
    }

    private static String lease(String publicIp) {
        return "{\"PublicIP\":\"" + publicIp + "\",\"PublicIPv6\":null,\"BackendType\":\"extension\","
                + "\"BackendData\":\"$(touch ran.BackendData)\"}";
    }

    private static String path(String key) {
        return Lab.PREFIX + "/subnets/" + key;
    }

    /** The commands run as root, and who writes the store chooses what they are told. */
    @Test
    void noCommandIsRunForARefusedLease() throws IOException {
        try (Lab lab = Lab.open(1, Lab.Underlay.ON)) {
            lab.configure(
                    "{\"Network\":\"10.5.0.0/16\",\"SubnetMax\":\"10.5.199.0\",\"Backend\":{\"Type\":\"extension\","
                            + "\"SubnetAddCommand\":\"%s\",\"SubnetRemoveCommand\":\"%s\"}}"
                                    .formatted(
                                            script("add", "echo \"$SUBNET $PUBLIC_IP $(cat)\" >>add.log"),
                                            script("remove", "echo \"$SUBNET $PUBLIC_IP\" >>remove.log")));
            Node node = lab.node(1).start(ALLOWED);
            String own = node.status().path("subnet").asText();
            Map<String, String> refused = new LinkedHashMap<>();
            for (String key : List.of(
                    "0.0.0.0-0",
                    "8.8.8.0-24",
                    "10.5.0.0-16",
                    "192.168.100.0-24",
                    own.replace(".0/24", ".128-25"),
                    "10.5.210.0-24; touch ran.key")) {
                refused.put(key, lease("192.168.100.9"));
            }
            int subnet = 211;
            for (String publicIp :
                    List.of("127.0.0.1", "224.0.0.5", node.address(), "10.5.7.1", "$(touch ran.ip)", "-h", "")) {
                refused.put("10.5." + subnet++ + ".0-24", lease(publicIp));
            }
            String admitted = "10.5.200.0-24";

            refused.forEach((key, value) -> lab.etcd().put(path(key), value));
            lab.etcd().put(path(admitted), lease("192.168.100.9"));

            Wait.until(
                    node::log, SOON, () -> node.status().path("unusablePeers").size() == refused.size());
            Wait.until(() -> said("add.log"), SOON, () -> said("add.log").contains("10.5.200.0/24"));
            assertThat(said("add.log")).isEqualTo("10.5.200.0/24 192.168.100.9 $(touch ran.BackendData)\n");

            refused.keySet().forEach(key -> lab.etcd().delete(path(key)));
            lab.etcd().delete(path(admitted));
            Wait.until(() -> said("remove.log"), SOON, () -> said("remove.log").contains("10.5.200.0/24"));
            assertThat(said("remove.log")).isEqualTo("10.5.200.0/24 192.168.100.9\n");
            assertThat(ran()).as("what was run out of texts").isEmpty();
        }
    }
}
