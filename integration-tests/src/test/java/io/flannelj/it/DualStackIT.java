package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Capture;
import io.flannelj.lab.Commands;
import io.flannelj.lab.EtcdServer;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import io.flannelj.lab.Wait;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** IPv4 and IPv6 in one network: three nodes, real daemons, pods with an address of each family. */
@NeedsPrivileges
class DualStackIT {
    /** The third node leaves the work to the kernel, so that it is also a peer of another make. */
    @Nested
    class OverVxlan extends Contract {
        OverVxlan() {
            super("vxlan", 1430);
        }

        @Override
        void startDaemons(Lab lab) {
            lab.node(1).startDaemon();
            lab.node(2).startDaemon();
            lab.node(3).startDaemon("--vxlan-datapath", "kernel");
        }

        @Test
        void theKernelsDeviceAndOursHaveTheMtuOfTheirFamily() {
            for (Node node : lab.nodes()) {
                assertThat(node.run("ip", "link", "show", "flannel.1").output()).contains("mtu 1450");
                assertThat(node.run("ip", "link", "show", "flannel-v6.1").output())
                        .contains("mtu 1430");
            }
        }

        @Test
        void bugADeletedIpv6DeviceIsNotMissed() {
            Node node = lab.node(3);
            node.run("ip", "link", "del", "flannel-v6.1").orThrow();
            Wait.until("flannel-v6.1 is there again", Duration.ofSeconds(20), () -> third.canPing(there.ipv6Address()));
            assertThat(there.canPing(third.ipv6Address())).isTrue();
            assertThat(node.run("ip", "link", "show", "flannel-v6.1").output()).contains("mtu 1430");
        }

        @Test
        void aDissectorReadsOurVxlanOverIpv6(@TempDir Path directory) {
            Path file = directory.resolve("wire.pcap");
            Node node = lab.node(1);
            try (Capture capture =
                    Capture.start(node, "ip6 and udp port 8472 and src host " + node.ipv6Address(), file)) {
                assertThat(here.canPing(there.ipv6Address())).isTrue();
                assertThat(Transfer.tcp(here, there, there.ipv6Address(), 1)).isTrue();
                assertThat(Transfer.udp(here, there, there.ipv6Address(), 5000)).isTrue();
                capture.await(200);
            }
            assertThat(tshark(file, "vxlan && icmpv6.type == 128").lines().count())
                    .as("pings inside")
                    .isGreaterThanOrEqualTo(3);
            assertThat(tshark(file, "tcp.flags.syn==1").lines().count())
                    .as("TCP inside")
                    .isPositive();
            assertThat(tshark(
                            file,
                            "_ws.malformed || _ws.short || udp.checksum.status==0 || tcp.checksum.status==0"
                                    + " || icmpv6.checksum.status==0"))
                    .as("complaints")
                    .isEmpty();
        }

        private static String tshark(Path file, String filter) {
            return Commands.require(
                    "tshark",
                    "-n",
                    "-r",
                    file.toString(),
                    "-d",
                    "udp.port==8472,vxlan",
                    "-o",
                    "udp.check_checksum:TRUE",
                    "-o",
                    "tcp.check_checksum:TRUE",
                    "-Y",
                    filter);
        }

        @Test
        void packetsInAreDeliveredOrCountedAsDropped() {
            here.canPing(there.ipv6Address());
            for (Node node : List.of(lab.node(1), lab.node(2))) {
                JsonNode traffic = node.status().path("traffic");
                for (String way : List.of("out", "in")) {
                    long rest = traffic.path(way + "Packets").asLong()
                            - traffic.path(way + "Delivered").asLong();
                    for (var drop : traffic.path("drops").properties()) {
                        if (drop.getKey().startsWith(way + ".")) {
                            rest -= drop.getValue().asLong();
                        }
                    }
                    assertThat(rest)
                            .as("%s of %s: %s", way, node.name(), traffic)
                            .isZero();
                }
            }
        }
    }

    @Nested
    class OverHostGw extends Contract {
        OverHostGw() {
            super("host-gw", 1500);
        }
    }

    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class Contract {
        private final String backend;
        private final int podMtu;
        Lab lab;
        Pod here;
        Pod there;
        Pod third;

        Contract(String backend, int podMtu) {
            this.backend = backend;
            this.podMtu = podMtu;
        }

        void startDaemons(Lab lab) {
            lab.nodes().forEach(Node::startDaemon);
        }

        @BeforeAll
        void build() {
            lab = Lab.open(3, Lab.Underlay.WIRE)
                    .configure("{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","
                            + "\"Backend\":{\"Type\":\"" + backend + "\"}}");
            startDaemons(lab);
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(2));
            here = lab.node(1).addPod().addIpv6ByHand("docker0");
            there = lab.node(2).addPod().addIpv6ByHand("docker0");
            third = lab.node(3).addPod().addIpv6ByHand("docker0");
        }

        @AfterAll
        void tearDown() {
            if (lab != null) {
                lab.close();
            }
        }

        @Test
        void leasesAndFileNameBothFamilies() throws IOException {
            List<EtcdServer.Entry> leases = lab.etcd().list(Lab.PREFIX + "/subnets/");
            assertThat(leases)
                    .hasSize(3)
                    .allSatisfy(lease ->
                            assertThat(lease.key()).matches(".*/10\\.5\\.\\d+\\.0-24&fd00:5:0:[0-9a-f]+::-64"));
            assertThat(leases)
                    .extracting(EtcdServer.Entry::value)
                    .allSatisfy(value -> assertThat(value).contains("\"PublicIPv6\":\"fd00:64::"));
            assertThat(Files.readString(lab.node(1).subnetFile()))
                    .contains("FLANNEL_IPV6_NETWORK=fd00:5::/48\n", "FLANNEL_IPV6_SUBNET=fd00:5:0:")
                    .contains("FLANNEL_MTU=" + podMtu + "\n");
        }

        @Test
        void podsOfDifferentNodesMeetOverBothFamilies() {
            for (Pod from : List.of(here, there, third)) {
                for (Pod to : List.of(here, there, third)) {
                    assertThat(from.canPing(to)).as("IPv4 to %s", to.address()).isTrue();
                    assertThat(from.canPing(to.ipv6Address()))
                            .as("%s to %s", from.ipv6Address(), to.ipv6Address())
                            .isTrue();
                }
            }
        }

        @Test
        void nodesReachRemotePodsAndPodsRemoteNodes() {
            for (Node node : lab.nodes()) {
                assertThat(node.canPing(there.ipv6Address())).as(node.name()).isTrue();
            }
            assertThat(here.canPing(lab.node(2).ipv6Address())).isTrue();
            assertThat(there.canPing(lab.node(3).ipv6Address())).isTrue();
        }

        @Test
        void everySizeUpToTheMtuArrives() {
            int largest = podMtu - 48;
            for (Pod target : List.of(there, third)) {
                String failed = here.run(
                                "sh",
                                "-c",
                                "s=0; while [ $s -le " + largest + " ]; do ping -6 -c1 -W1 -M do -q -s $s "
                                        + target.ipv6Address() + " >/dev/null || echo $s; s=$((s < " + (largest - 20)
                                        + " ? s+13 : s+1)); done")
                        .orThrow();
                assertThat(failed)
                        .as("sizes that did not arrive at %s", target.ipv6Address())
                        .isEmpty();
            }
        }

        @Test
        void oneBeyondIsAnsweredWithTheMtu() {
            if (backend.equals("host-gw")) {
                return; // pods have the underlay's MTU: nothing larger can leave them
            }
            Node node = lab.node(2);
            Pod large = node.addPod().addIpv6ByHand("docker0");
            large.run("ip", "link", "set", "eth0", "mtu", "1500").orThrow();
            node.run(
                            "sh",
                            "-c",
                            "for l in $(ls /sys/class/net | grep veth); do ip link set $l mtu 1500; done; ip link set docker0 mtu 1500")
                    .orThrow();

            assertThat(large.run("ping", "-6", "-c2", "-W1", "-M", "do", "-s", "1383", here.ipv6Address())
                            .output())
                    .containsIgnoringCase("mtu")
                    .contains("1430");
            assertThat(Transfer.tcp(large, here, here.ipv6Address(), 5))
                    .as("TCP that learns it")
                    .isTrue();
        }

        @Test
        void muchTcpArrivesUndamagedBothWays() {
            assertThat(Transfer.tcp(here, there, there.ipv6Address(), 100)).isTrue();
            assertThat(Transfer.tcp(here, third, third.ipv6Address(), 50)).isTrue();
            assertThat(Transfer.tcp(here, there, 20)).as("IPv4 beside it").isTrue();
        }

        @Test
        void datagramsLargerThanTheMtuArriveWhole() {
            for (int bytes : new int[] {podMtu - 48, podMtu - 47, 20_000, 60_000}) {
                assertThat(Transfer.udp(here, there, there.ipv6Address(), bytes))
                        .as("%d bytes", bytes)
                        .isTrue();
                assertThat(Transfer.udp(third, here, here.ipv6Address(), bytes))
                        .as("%d bytes from the third", bytes)
                        .isTrue();
            }
        }

        @Test
        void rulesStandForBothFamilies() {
            String subnet = ipv6Subnet(here);
            assertThat(lab.node(1).run("ip6tables-save", "-t", "nat").output())
                    .contains("-A FLANNEL-POSTRTG -s fd00:5::/48 -d " + subnet, "! -d ff00::/8");
            assertThat(lab.node(1).run("iptables-save", "-t", "nat").output())
                    .contains("-A FLANNEL-POSTRTG -s 10.5.0.0/16");
        }

        private static String ipv6Subnet(Pod pod) {
            return new Cidr(IpAddress.parse(pod.ipv6Address()), 64).network().toString();
        }

        @Test
        void operatorsSeeBothFamilies() {
            assertThat(lab.node(1).operator("status").output())
                    .contains("10.5.0.0/16,fd00:5::/48", "192.168.100.1,fd00:64::1");
            assertThat(lab.node(1).operator("peers").output()).contains("fd00:64::2", ipv6Subnet(there));
        }
    }
}
