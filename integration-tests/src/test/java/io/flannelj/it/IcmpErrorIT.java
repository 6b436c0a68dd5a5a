package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ICMP errors of the data path reach the sockets of pods. */
@NeedsPrivileges
class IcmpErrorIT {
    private static final Duration SOON = Duration.ofSeconds(20);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPodsSocketSeesThem(boolean ipv6) {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","
                        + "\"Backend\":{\"Type\":\"vxlan\"}}")
                .start()) {
            Node node = lab.node(1);
            Pod pod = node.addPod();
            Pod other = lab.node(2).addPod();
            String nowhere = "10.5.255.77";
            String target = other.address();
            if (ipv6) {
                pod.addIpv6ByHand("docker0");
                target = other.addIpv6ByHand("docker0").ipv6Address();
                nowhere = "fd00:5:0:ffff::77";
            }
            double before = errors(node);

            String unleased = nowhere;
            Awaitility.await("the pod hears that no lease covers it")
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(
                                    pod.run("ping", "-c2", "-W2", unleased).output())
                            .contains(ipv6 ? "No route" : "Destination Net Unreachable"));
            assertThat(pod.run("timeout", "5", "bash", "-c", "exec 3<>/dev/tcp/" + nowhere + "/80")
                            .errors())
                    .as("a connection to there ends at once")
                    .contains("Network is unreachable");

            // A device that believes in more than the tunnel takes, until the daemon puts it right.
            String device = ipv6 ? "flannel-v6.1" : "flannel.1";
            int mtu = ipv6 ? 1430 : 1450;
            pod.run("ip", "link", "set", "eth0", "mtu", "1500").orThrow();
            node.run("sh", "-c", "for l in $(ls /sys/class/net | grep veth) docker0; do ip link set $l mtu 1500; done")
                    .orThrow();
            String to = target;
            Awaitility.await("the socket hears EMSGSIZE").atMost(SOON).untilAsserted(() -> {
                node.run("ip", "link", "set", device, "mtu", "1500").orThrow();
                Commands.Result ping = pod.run("ping", "-c2", "-i0.2", "-W2", "-M", "do", "-s", "1440", to);
                assertThat(ping.output() + ping.errors())
                        .containsPattern("mtu[ =:]+" + mtu) // told by the node, or remembered by the pod's kernel
                        .doesNotContain("bytes from");
            });
            assertThat(errors(node) - before).as("errors that were sent").isGreaterThanOrEqualTo(3);
        }
    }

    private static double errors(Node node) {
        return node.metrics()
                .lines()
                .filter(line -> line.startsWith("flannelj_icmp_errors"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}
