package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lease.kube.MockApiserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A node's annotation that tells the other nodes another address than the daemon would: one of the same node. */
@NeedsPrivileges
class AddressOverwriteIT {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final String PREFIX = "flannel.alpha.coreos.com/";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({
        "public-ip, 172.30.0.2/32, userspace",
        "public-ip, 172.30.0.2/32, kernel",
        "public-ipv6, fd00:65::2/128, userspace",
        "public-ipv6, fd00:65::2/128, kernel"
    })
    void anAddressOfAnotherInterfaceOfTheNodeServes(String key, String address, String datapath) throws Exception {
        boolean ipv6 = key.equals("public-ipv6");
        String plain = address.replaceAll("/.*", "");
        String pods = ipv6 ? "fd00:244:0:%d::/64" : "10.244.%d.0/24";
        String overwrite = PREFIX + key + "-overwrite";
        try (MockApiserver apiserver = new MockApiserver();
                Lab lab = Lab.open(2, Lab.Underlay.WIRE).relay(apiserver.port())) {
            Node one = lab.node(1);
            Node two = lab.node(2);
            two.run("ip", "addr", "add", address, "dev", "lo").orThrow();
            one.run("ip", "route", "add", address, "via", ipv6 ? two.ipv6Address() : two.address())
                    .orThrow();
            apiserver.addNode("n1", Map.of(), pods.formatted(1));
            apiserver.addNode("n2", Map.of(overwrite, plain), pods.formatted(2));
            Path config = Files.writeString(
                    directory.resolve("net-conf.json"),
                    ipv6
                            ? "{\"EnableIPv4\":false,\"EnableIPv6\":true,\"IPv6Network\":\"fd00:244::/48\",\"Backend\":{\"Type\":\"vxlan\"}}"
                            : "{\"Network\":\"10.244.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
            for (Node node : lab.nodes()) {
                node.startDaemonWith(
                        Map.of("NODE_NAME", node.name()),
                        "--kube-subnet-mgr",
                        "--kube-api-url",
                        "http://" + Lab.SWITCH_ADDRESS + ":" + apiserver.port(),
                        "--net-config-path",
                        config.toString(),
                        "--iface",
                        "eth0",
                        "--vxlan-datapath",
                        datapath);
            }
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(1));
            Pod here = one.addPod();
            Pod there = two.addPod();
            awaitTraffic(here, there, "from the start");
            assertThat(told(apiserver, key)).isEqualTo(plain);

            apiserver.removeAnnotation("n2", overwrite);
            String own = ipv6 ? two.ipv6Address() : two.address();
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(told(apiserver, key)).isEqualTo(own));
            awaitTunnelAt(two, own);
            awaitTraffic(here, there, "taken away");

            apiserver.annotate("n2", Map.of(overwrite, plain));
            awaitTunnelAt(two, plain);
            awaitTraffic(here, there, "written again");
            assertThat(two.log().lines().filter(line -> line.contains("starting anew")))
                    .as("once for each change")
                    .hasSize(2);
            assertThat(one.log()).doesNotContain("starting anew");
        }
    }

    private static String told(MockApiserver apiserver, String key) {
        return apiserver.node("n2").getMetadata().getAnnotations().get(PREFIX + key);
    }

    private static void awaitTunnelAt(Node node, String address) {
        Awaitility.await()
                .atMost(SOON)
                .until(() -> node.log()
                        .lines()
                        .filter(line -> line.contains("using eth0 with"))
                        .reduce((first, last) -> last)
                        .orElse("")
                        .contains("using eth0 with " + address + ","));
        node.awaitReady();
    }

    private static void awaitTraffic(Pod here, Pod there, String when) {
        Awaitility.await(when)
                .atMost(SOON)
                .until(() -> here.run("ping", "-c1", "-W1", address(there)).succeeded()
                        && there.run("ping", "-c1", "-W1", address(here)).succeeded());
    }

    private static String address(Pod pod) {
        return pod.address().isEmpty() ? pod.ipv6Address() : pod.address();
    }
}
