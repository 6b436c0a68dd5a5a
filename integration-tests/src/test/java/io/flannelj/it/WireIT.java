package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Capture;
import io.flannelj.lab.Commands;
import io.flannelj.lab.EtcdServer;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.net.SubnetEnv;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What we say on the wire is what others say: the kernel's VXLAN as flannel configures it, and a dissector's opinion. */
@NeedsPrivileges
class WireIT {
    private static final String KERNEL_MAC = "02:aa:bb:cc:dd:02";

    private Lab lab;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    @Test
    void aKernelVxlanNodeIsAPeerLikeAnyOther() throws Exception {
        lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        Node ours = lab.node(1);
        Node kernel = lab.node(2);
        lab.etcd()
                .put(
                        Lab.PREFIX + "/subnets/10.5.200.0-24",
                        "{\"PublicIP\":\"" + kernel.address()
                                + "\",\"PublicIPv6\":null,\"BackendType\":\"vxlan\",\"BackendData\":{\"VNI\":1,\"VtepMAC\":\""
                                + KERNEL_MAC + "\"}}");
        ours.start();
        ours.awaitPeers(1);
        configureLikeFlannel(kernel, ours);
        // No daemon runs there, so the plugin wires the pod by itself, from subnet.env.
        new SubnetEnv(
                        PerFamily.of(IpFamily.IPV4, Cidr.parse("10.5.0.0/16")),
                        PerFamily.of(IpFamily.IPV4, Cidr.parse("10.5.200.0/24")),
                        1450,
                        true)
                .write(kernel.subnetFile());
        Pod theirs = kernel.addPod();
        Pod mine = ours.addPod();

        assertThat(mine.canPing(theirs)).isTrue();
        assertThat(theirs.canPing(mine)).isTrue();
        assertThat(mine.canPing(theirs, "-M", "do", "-s", "1422")).isTrue();
        assertThat(Transfer.tcp(mine, theirs, 100)).as("TCP both ways").isTrue();
        assertThat(Transfer.udp(mine, theirs, 20_000)).as("fragments").isTrue();
        assertThat(Transfer.udp(theirs, mine, 20_000)).as("fragments back").isTrue();
        assertThat(kernel.canPing(mine.address())).as("the kernel node itself").isTrue();
        assertThat(ours.status()
                        .path("traffic")
                        .path("drops")
                        .path("in.bad_inner_checksum")
                        .asLong())
                .isZero();
    }

    private void configureLikeFlannel(Node kernel, Node ours) {
        EtcdServer.Entry lease = lab.etcd().list(Lab.PREFIX + "/subnets/").stream()
                .filter(entry -> entry.value().contains("\"" + ours.address() + "\""))
                .findFirst()
                .orElseThrow();
        String subnet = lease.key().replaceAll(".*/", "").replace('-', '/');
        String gateway = subnet.replace("/24", "");
        String mac = lease.value().replaceAll(".*\"VtepMAC\":\"([^\"]+)\".*", "$1");
        kernel.run("sysctl", "-w", "net.ipv4.ip_forward=1");
        kernel.run(
                        "ip",
                        "link",
                        "add",
                        "flannel.1",
                        "address",
                        KERNEL_MAC,
                        "mtu",
                        "1450",
                        "type",
                        "vxlan",
                        "id",
                        "1",
                        "dev",
                        "eth0",
                        "local",
                        kernel.address(),
                        "dstport",
                        "8472",
                        "nolearning")
                .orThrow();
        kernel.run("ip", "addr", "add", "10.5.200.0/32", "dev", "flannel.1").orThrow();
        kernel.run("ip", "link", "set", "flannel.1", "up").orThrow();
        kernel.run("ip", "neigh", "replace", gateway, "lladdr", mac, "dev", "flannel.1", "nud", "permanent")
                .orThrow();
        kernel.run("bridge", "fdb", "replace", mac, "dev", "flannel.1", "dst", ours.address(), "self", "permanent")
                .orThrow();
        kernel.run("ip", "route", "replace", subnet, "via", gateway, "dev", "flannel.1", "onlink")
                .orThrow();
    }

    @Test
    void aDissectorReadsOurVxlan(@TempDir Path directory) {
        dissect("vxlan", "udp port 8472", directory, "-d", "udp.port==8472,vxlan");
    }

    @Test
    void aDissectorReadsOurGeneve(@TempDir Path directory) {
        dissect("geneve", "udp port 6081", directory, "-d", "udp.port==6081,geneve");
    }

    @Test
    void aDissectorReadsOurUdp(@TempDir Path directory) {
        dissect("udp", "udp port 8285", directory, "-d", "udp.port==8285,ip");
    }

    @Test
    void aDissectorReadsOurIpip(@TempDir Path directory) {
        dissect("ipip", "ip proto 4", directory);
    }

    private void dissect(String backend, String traffic, Path directory, String... decodeAs) {
        lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}")
                .start();
        Pod here = lab.node(1).addPod();
        Pod there = lab.node(2).addPod();
        Path file = directory.resolve("wire.pcap");
        // Only what leaves: what arrives may have been joined by the kernel before it is captured.
        try (Capture capture = Capture.start(
                lab.node(1), traffic + " and src host " + lab.node(1).address(), file)) {
            assertThat(here.canPing(there)).isTrue();
            assertThat(Transfer.tcp(here, there, 1)).isTrue();
            assertThat(Transfer.udp(here, there, 5000)).isTrue();
            capture.await(200);
        }
        assertThat(tshark(file, decodeAs, "ip").lines().count())
                .as("frames read")
                .isGreaterThanOrEqualTo(200);
        assertThat(tshark(file, decodeAs, "icmp").lines().count())
                .as("pings inside")
                .isGreaterThanOrEqualTo(3);
        assertThat(tshark(file, decodeAs, "tcp.flags.syn==1").lines().count())
                .as("TCP inside")
                .isPositive();
        assertThat(tshark(
                        file,
                        decodeAs,
                        "_ws.malformed || _ws.short || ip.checksum.status==0 || udp.checksum.status==0"
                                + " || tcp.checksum.status==0"))
                .as("complaints")
                .isEmpty();
    }

    private static String tshark(Path file, String[] decodeAs, String filter) {
        List<String> command = new ArrayList<>(List.of("tshark", "-n", "-r", file.toString()));
        command.addAll(List.of(decodeAs));
        command.addAll(List.of(
                "-o",
                "ip.check_checksum:TRUE",
                "-o",
                "udp.check_checksum:TRUE",
                "-o",
                "tcp.check_checksum:TRUE",
                "-Y",
                filter));
        return Commands.require(command.toArray(String[]::new));
    }
}
