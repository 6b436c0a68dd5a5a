package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/** One VXLAN network carried by the kernel on one node, in user space on the next, and by stock flannel on a third. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MixedVxlanIT {
    private static final Duration SOON = Duration.ofSeconds(15);
    /** The regular repair comes every ten seconds, and later where the machine is busy. */
    private static final Duration LATE = Duration.ofSeconds(60);

    private Lab lab;
    private Node kernel;
    private Node userspace;
    private Pod onKernel;
    private Pod onUserspace;

    @BeforeAll
    void build() {
        lab = Lab.open(3, Lab.Underlay.WIRE)
                .configure(
                        "{\"Network\":\"10.5.0.0/16\",\"SubnetMax\":\"10.5.199.0\",\"Backend\":{\"Type\":\"vxlan\"}}");
        kernel = lab.node(1);
        userspace = lab.node(2);
        kernel.startDaemon("--vxlan-datapath", "kernel");
        userspace.startDaemon();
        kernel.awaitReady();
        userspace.awaitReady();
        kernel.awaitPeers(1);
        userspace.awaitPeers(1);
        onKernel = kernel.addPod();
        onUserspace = userspace.addPod();
    }

    @AfterAll
    void tearDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    @Order(1)
    void kernelAndUserSpaceAreOneNetwork() {
        assertThat(device(kernel)).contains("vxlan id 1 ", "dstport 8472", "nolearning");
        assertThat(device(userspace)).contains("tun type tun");
        assertThat(onKernel.canPing(onUserspace)).isTrue();
        assertThat(onUserspace.canPing(onKernel)).isTrue();
        assertThat(Transfer.tcp(onKernel, onUserspace, 50)).as("TCP both ways").isTrue();
        assertThat(Transfer.udp(onKernel, onUserspace, 20_000)).as("fragments").isTrue();
        assertThat(onKernel.canPing(onUserspace, "-M", "do", "-s", "1422"))
                .as("the whole MTU")
                .isTrue();
    }

    @Test
    @Order(2)
    void stockFlannelIsAPeerOfBoth() {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: set FLANNELD_BIN");
        Process flannel = StockFlannel.start(lab, lab.node(3));
        kernel.awaitPeers(2);
        userspace.awaitPeers(2);
        Pod theirs = lab.node(3).addPod();
        for (Pod ours : List.of(onKernel, onUserspace)) {
            Awaitility.await(ours.address()).atMost(SOON).until(() -> ours.canPing(theirs));
            assertThat(theirs.canPing(ours)).isTrue();
            assertThat(Transfer.tcp(ours, theirs, 20)).isTrue();
        }
        theirs.remove();
        flannel.destroy();
    }

    @Test
    @Order(3)
    void aDeletedDeviceComesBackWithItsAddressAndItsPeers() {
        String mac = mac(kernel);
        kernel.run("ip", "link", "delete", "flannel.1").orThrow();

        Awaitility.await("traffic again").atMost(SOON).until(() -> onKernel.canPing(onUserspace));
        assertThat(mac(kernel)).isEqualTo(mac);
        assertThat(onUserspace.canPing(onKernel)).isTrue();
    }

    @Test
    @Order(4)
    void whatIsChangedByHandIsPutRight() {
        String gateway = onUserspace.address().replaceAll("\\d+$", "0");
        kernel.run("ip", "neigh", "del", gateway, "dev", "flannel.1").orThrow();
        kernel.run("ip", "route", "del", gateway + "/24").orThrow();
        kernel.run("ip", "link", "set", "flannel.1", "mtu", "1300").orThrow();
        String own = onKernel.address().replaceAll("\\d+$", "0") + "/32";
        kernel.run("ip", "addr", "flush", "dev", "flannel.1").orThrow();
        kernel.run("ip", "addr", "add", "10.5.251.0/32", "dev", "flannel.1").orThrow();
        kernel.run("ip", "neigh", "add", "10.5.250.0", "lladdr", "02:00:00:00:00:99", "dev", "flannel.1")
                .orThrow();
        kernel.run("ip", "route", "add", "10.5.250.0/24", "via", "10.5.250.0", "dev", "flannel.1", "onlink")
                .orThrow();

        Awaitility.await("the regular repair").atMost(LATE).untilAsserted(() -> {
            assertThat(kernel.run("ip", "route").output())
                    .contains(gateway + "/24")
                    .doesNotContain("10.5.250.0");
            assertThat(kernel.run("ip", "neigh", "show", "dev", "flannel.1").output())
                    .contains(gateway + " ")
                    .doesNotContain("10.5.250.0");
            assertThat(device(kernel)).contains("mtu 1450");
            assertThat(kernel.run("ip", "addr", "show", "dev", "flannel.1").output())
                    .contains(own)
                    .doesNotContain("10.5.251.0");
        });
        assertThat(onKernel.canPing(onUserspace)).isTrue();
    }

    @Test
    @Order(5)
    void theKernelGoesOnWhileTheDaemonIsDeadAndTheNextOneTakesOver() {
        String index = kernel.run("cat", "/sys/class/net/flannel.1/ifindex").output();
        kernel.kill();
        assertThat(onKernel.canPing(onUserspace)).as("without a daemon").isTrue();

        kernel.start("--vxlan-datapath", "kernel");

        assertThat(kernel.run("cat", "/sys/class/net/flannel.1/ifindex").output())
                .as("the same device")
                .isEqualTo(index);
        assertThat(onKernel.canPing(onUserspace)).isTrue();
    }

    @Test
    @Order(6)
    void anotherMtuIsApplied() {
        kernel.kill();
        kernel.run("ip", "link", "set", "eth0", "mtu", "1400").orThrow();
        kernel.start("--vxlan-datapath", "kernel");
        assertThat(device(kernel)).contains("mtu 1350");
        kernel.run("ip", "link", "set", "eth0", "mtu", "1500").orThrow();
    }

    @Test
    @Order(7)
    void directRoutingTakesThePlainWayAndCleansUp() {
        kernel.stop();
        userspace.stop();
        assertThat(kernel.run("ip", "link").output()).doesNotContain("flannel.1");
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\",\"DirectRouting\":true}}");
        kernel.start("--vxlan-datapath", "kernel");
        userspace.start();
        int peers = lab.leases().size() - 1; // with stock flannel's, where there was one
        kernel.awaitPeers(peers);
        userspace.awaitPeers(peers);

        for (Node node : List.of(kernel, userspace)) {
            Node other = node == kernel ? userspace : kernel;
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(node.run("ip", "route").output())
                            .contains("via " + other.address() + " dev eth0"));
        }
        assertThat(onKernel.canPing(onUserspace)).isTrue();
        assertThat(userspace.status().path("traffic").path("inPackets").asLong())
                .as("packets by the tunnel")
                .isZero();

        // The lease ends while the node is no longer reached directly: the route that was made must go all the same.
        String gone = onUserspace.address().replaceAll("\\d+$", "0");
        userspace.kill();
        kernel.run("ip", "route", "add", userspace.address() + "/32", "via", "192.168.100.254", "dev", "eth0")
                .orThrow();
        lab.etcd().delete(Lab.PREFIX + "/subnets/" + gone + "-24");
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(
                        () -> assertThat(kernel.run("ip", "route").output()).doesNotContain(gone));
        kernel.stop();
        assertThat(kernel.run("ip", "route").output()).doesNotContain("10.5.0.0/16");
    }

    private static String device(Node node) {
        return node.run("ip", "-d", "link", "show", "flannel.1").output();
    }

    private static String mac(Node node) {
        return Commands.require("ip", "-n", node.namespace(), "-br", "link", "show", "flannel.1")
                .replaceAll("^.*?(([0-9a-f]{2}:){5}[0-9a-f]{2}).*\\s*$", "$1");
    }
}
