package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Everything that pods expect of a network, over each backend: three nodes, real daemons, real pods. */
@NeedsPrivileges
class ConnectivityIT {
    /** Between the sizes that are tried; near the MTU each one is. */
    private static final int SIZE_STEP = LongRun.IN_CI ? 1 : 13;

    private static final int TCP_MEGABYTES = LongRun.IN_CI ? 200 : 50;

    @Nested
    class OverVxlan extends Contract {
        OverVxlan() {
            super("vxlan", 1450);
        }
    }

    /** flannel masquerades what a node sends to remote pods there, and so loses it. */
    @Nested
    @LongRun
    class OverVxlanWithNftables extends Contract {
        OverVxlanWithNftables() {
            super("vxlan", 1450, "\"EnableNFTables\":true,");
        }
    }

    @Nested
    class OverUdp extends Contract {
        OverUdp() {
            super("udp", 1472);
        }
    }

    @Nested
    class OverHostGw extends Contract {
        OverHostGw() {
            super("host-gw", 1500);
        }
    }

    @Nested
    @LongRun
    class OverIpip extends Contract {
        OverIpip() {
            super("ipip", 1480);
        }
    }

    @Nested
    @LongRun
    class OverGeneve extends Contract {
        OverGeneve() {
            super("geneve", 1434);
        }
    }

    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class Contract {
        private final String backend;
        private final int podMtu;
        private final String moreConfig;
        private Lab lab;
        private Pod here;
        private Pod neighbour;
        private Pod there;

        Contract(String backend, int podMtu) {
            this(backend, podMtu, "");
        }

        Contract(String backend, int podMtu, String moreConfig) {
            this.backend = backend;
            this.podMtu = podMtu;
            this.moreConfig = moreConfig;
        }

        @BeforeAll
        void build() {
            lab = Lab.open(3, Lab.Underlay.WIRE)
                    .configure("{\"Network\":\"10.5.0.0/16\"," + moreConfig + "\"Backend\":{\"Type\":\"" + backend
                            + "\"}}")
                    .start();
            here = lab.node(1).addPod();
            neighbour = lab.node(1).addPod();
            there = lab.node(2).addPod();
        }

        @AfterAll
        void tearDown() {
            if (lab != null) {
                lab.close();
            }
        }

        @Test
        void everyNodeHasASubnetOfItsOwn() {
            assertThat(lab.leases()).hasSize(3).doesNotHaveDuplicates();
        }

        @Test
        void containersOfOnePodMeetOnTheLoopback() {
            // Two processes that share the pod's namespace, as its containers do.
            Process server = lab.node(1).startIn(here, "iperf3", "-s", "-1", "-B", "127.0.0.1");
            assertThat(here.run(
                                    "sh",
                                    "-c",
                                    "for i in $(seq 50); do iperf3 -c 127.0.0.1 -n 1M && exit; sleep 0.1; done; exit 1")
                            .succeeded())
                    .isTrue();
            server.destroy();
        }

        @Test
        void podsOfOneNodeMeetOnTheBridge() {
            assertThat(here.canPing(neighbour)).isTrue();
            assertThat(neighbour.canPing(here)).isTrue();
        }

        @Test
        void podsOfDifferentNodesMeet() {
            Pod third = lab.node(3).addPod();
            for (Pod from : List.of(here, there, third)) {
                for (Pod to : List.of(here, there, third)) {
                    assertThat(from.canPing(to))
                            .as("%s to %s", from.address(), to.address())
                            .isTrue();
                }
            }
        }

        @Test
        void aPodReachesNodes() {
            Node other = lab.node(2);
            String gateway = there.address().replaceAll("\\d+$", "1");
            assertThat(here.canPing(other.address()))
                    .as("the other node's underlay address")
                    .isTrue();
            assertThat(here.canPing(gateway)).as("the other node's bridge").isTrue();
            assertThat(here.canPing(lab.node(1).address())).as("its own node").isTrue();
        }

        @Test
        void aNodeReachesRemotePods() {
            assertThat(lab.node(1).canPing(there.address())).isTrue();
        }

        @Test
        void everySizeUpToTheMtuArrives() {
            int largest = podMtu - 28;
            String failed = here.run(
                            "sh",
                            "-c",
                            "s=0; while [ $s -le " + largest + " ]; do ping -c1 -W1 -M do -q -s $s " + there.address()
                                    + " >/dev/null || echo $s; s=$((s < " + (largest - 20) + " ? s + " + SIZE_STEP
                                    + " : s + 1)); done")
                    .orThrow();
            assertThat(failed).as("sizes that did not arrive").isEmpty();
            assertThat(here.run("ip", "link", "show", "eth0").output()).contains("mtu " + podMtu);
        }

        @Test
        void oneBeyondIsAnsweredWithTheMtu() {
            if (backend.equals("host-gw")) {
                return; // pods have the underlay's MTU: nothing larger can leave them
            }
            Pod large = lab.node(3).addPod();
            // A pod and a bridge that believe in a larger MTU than the tunnel has.
            large.run("ip", "link", "set", "eth0", "mtu", "1500").orThrow();
            lab.node(3)
                    .run(
                            "sh",
                            "-c",
                            "for l in $(ls /sys/class/net | grep veth); do ip link set $l mtu 1500; done; ip link set docker0 mtu 1500")
                    .orThrow();
            String output = large.run(
                            "ping", "-c2", "-W1", "-M", "do", "-s", String.valueOf(podMtu - 27), here.address())
                    .output();
            assertThat(output).contains("mtu = " + podMtu);
        }

        @Test
        void muchTcpArrivesUndamagedBothWays() {
            assertThat(Transfer.tcp(here, there, TCP_MEGABYTES)).isTrue();
        }

        @Test
        void datagramsLargerThanTheMtuArriveWhole() {
            for (int bytes : new int[] {podMtu - 28, podMtu - 27, 4000, 20_000, 60_000}) {
                assertThat(Transfer.udp(here, there, bytes))
                        .as("%d bytes", bytes)
                        .isTrue();
            }
        }

        @Test
        void packetsInAreDeliveredOrCountedAsDropped() {
            here.canPing(there);
            here.canPing("10.5.255.77"); // most likely nobody's: dropped for lack of a route
            for (Node node : lab.nodes()) {
                JsonNode traffic = node.status().path("traffic");
                if (backend.equals("host-gw")) {
                    assertThat(traffic.isNull()).isTrue();
                    continue;
                }
                assertThat(sum(traffic, "out"))
                        .as("out of %s: %s", node.name(), traffic)
                        .isZero();
                assertThat(sum(traffic, "in"))
                        .as("in to %s: %s", node.name(), traffic)
                        .isZero();
            }
        }

        /** Packets in, less those delivered and those dropped. */
        private static long sum(JsonNode traffic, String direction) {
            long drops = 0;
            for (var drop : traffic.path("drops").properties()) {
                if (drop.getKey().startsWith(direction + ".")) {
                    drops += drop.getValue().asLong();
                }
            }
            return traffic.path(direction + "Packets").asLong()
                    - traffic.path(direction + "Delivered").asLong()
                    - drops;
        }

        @Test
        void operatorsAndScrapersSeeIt() {
            Node node = lab.node(1);
            assertThat(node.operator("status").output()).contains("ready", backend, "10.5.0.0/16");
            assertThat(node.operator("status").exitStatus()).isZero();
            assertThat(node.operator("peers").output())
                    .contains(lab.node(2).address(), lab.node(3).address());
            assertThat(node.operator("peers", "-o", "json").output()).startsWith("[");
            assertThat(node.metrics()).contains("flannelj_ready 1", "flannelj_peers 2");
            assertThat(node.run("curl", "-s", "http://127.0.0.1:8081/healthz").output())
                    .isEqualTo("flanneld is running");
            assertThat(node.run("curl", "-s", "http://127.0.0.1:8081/readyz").output())
                    .isEqualTo("flanneld is ready");
            assertThat(node.run("curl", "-s", "http://127.0.0.1:8081/").output())
                    .contains("<table class=peers>", backend);
        }
    }
}
