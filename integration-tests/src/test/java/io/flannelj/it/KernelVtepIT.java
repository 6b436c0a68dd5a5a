package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The kernel's VXLAN device, which takes what comes: who is let in, and from when on. */
@NeedsPrivileges
class KernelVtepIT {
    private Lab lab;
    private Node node;

    @BeforeEach
    void setUp() {
        lab = Lab.open(2, Lab.Underlay.ON);
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"SubnetMax\":\"10.5.179.0\",\"Backend\":"
                + "{\"Type\":\"vxlan\",\"Datapath\":\"kernel\"}}");
        node = lab.node(1);
    }

    @AfterEach
    void tearDown() {
        lab.close();
    }

    @Test
    void anotherNodesMacTakesNoneOfItsTraffic() {
        lab.nodes().forEach(Node::start);
        node.awaitPeers(1);
        Pod here = node.addPod();
        Pod there = lab.node(2).addPod();
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> here.canPing(there));
        String theirs = mac(lab.node(2));
        for (int i = 200; i < 208; i++) {
            lease(i, theirs);
        }
        lease(208, mac(node));

        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> assertThat(
                                node.operator("peers").output().lines().filter(line -> line.contains("VTEP MAC")))
                        .hasSize(9));
        assertThat(node.run("bridge", "fdb", "show", "dev", "flannel.1")
                        .output()
                        .lines()
                        .filter(line -> line.contains(theirs)))
                .allSatisfy(
                        line -> assertThat(line).contains("dst " + lab.node(2).address()))
                .hasSize(1);
        assertThat(here.canPing(there)).isTrue();
    }

    private static String mac(Node of) {
        return of.run("cat", "/sys/class/net/flannel.1/address").output().strip();
    }

    private void lease(int subnet, String mac) {
        lab.etcd()
                .put(
                        Lab.PREFIX + "/subnets/10.5." + subnet + ".0-24",
                        "{\"PublicIP\":\"192.168.100.77\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VNI\":1,\"VtepMAC\":\""
                                + mac + "\"}}");
    }

    @Test
    void theDeviceIsUpOnlyOnceTheRulesAreInForce() throws IOException {
        Path programs = Files.createDirectories(node.directory().resolve("programs"));
        Path log = node.directory().resolve("nft.log");
        Path nft = Files.writeString(
                programs.resolve("nft"),
                "#!/bin/sh\nup=$(ip -o link show up dev flannel.1 2>/dev/null | wc -l)\n" + "echo \"up=$up $*\" >> "
                        + log + "\nexec /usr/sbin/nft \"$@\"\n");
        Files.setPosixFilePermissions(nft, PosixFilePermissions.fromString("rwxr-xr-x"));

        node.startDaemonWith(Map.of("PATH", programs + ":" + System.getenv("PATH") + ":/usr/sbin:/sbin"));
        node.awaitReady();

        List<String> calls = Files.readAllLines(log);
        int written = 0;
        while (!calls.get(written).contains(" -f")) {
            written++;
        }
        assertThat(calls.subList(0, written + 1))
                .allSatisfy(call -> assertThat(call).startsWith("up=0"));
        Commands.Result link = node.run("ip", "-o", "link", "show", "up", "dev", "flannel.1");
        assertThat(link.output()).contains("flannel.1");
    }
}
