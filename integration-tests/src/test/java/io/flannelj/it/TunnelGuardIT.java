package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Attacker;
import io.flannelj.lab.Forgery;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import io.flannelj.net.SubnetEnv;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Pods and strangers that make up packets of other nodes, over each backend. Whether one got through is asked of the kernel:
 * the victim counts datagrams to a closed port. Meanwhile pods ping each other, and lose nothing.
 */
@NeedsPrivileges
class TunnelGuardIT {
    @Nested
    class OverVxlan extends Contract {
        OverVxlan() {
            super("vxlan", 8472, "");
        }

        @Override
        byte[] wrap(byte[] inner, Node from, Node to) {
            return Forgery.vxlan(1, vtepMac(to), vtepMac(from), inner);
        }
    }

    @Nested
    class OverVxlanWithNftables extends OverVxlan {
        OverVxlanWithNftables() {
            moreConfig = "\"EnableNFTables\":true,";
        }
    }

    /** The kernel knows a peer by its VTEP's MAC address, not by its underlay address. */
    @Nested
    class OverKernelVxlan extends OverVxlan {
        OverKernelVxlan() {
            flags = List.of("--vxlan-datapath", "kernel");
        }

        @Override
        byte[] ofAStranger(byte[] inner) {
            return Forgery.vxlan(1, vtepMac(remoteNode()), "02:00:00:00:00:99", inner);
        }
    }

    @Nested
    class OverKernelVxlanWithNftables extends OverKernelVxlan {
        OverKernelVxlanWithNftables() {
            moreConfig = "\"EnableNFTables\":true,";
        }
    }

    @Nested
    class OverDualStackVxlan extends OverVxlan {
        OverDualStackVxlan() {
            moreConfig = "\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\",";
        }

        @Test
        void anUnprivilegedPodForgesAnIpv6PodOfItsNode() {
            byte[] packet = Forgery.vxlan(
                    1,
                    ipv6VtepMac(remoteNode()),
                    ipv6VtepMac(attackersNode()),
                    Forgery.inner(neighbour.ipv6Address(), there.ipv6Address()));

            isRefused(there, () -> attacker().sendUdp(remoteNode().ipv6Address(), 8472, packet));
        }

        @Test
        void aPodWithRawSocketsForgesAnotherNodeOverIpv6() {
            byte[] packet = Forgery.vxlan(
                    1,
                    ipv6VtepMac(remoteNode()),
                    ipv6VtepMac(thirdNode()),
                    Forgery.inner(third.ipv6Address(), there.ipv6Address()));
            byte[] outer =
                    Forgery.datagram(thirdNode().ipv6Address(), remoteNode().ipv6Address(), 8472, packet);

            isRefused(there, () -> attacker().sendRaw(remoteNode().ipv6Address(), outer));
        }

        @Test
        void aPodWithRawSocketsForgesAnIpv6PodOfAThirdNode() {
            byte[] packet = Forgery.inner(third.ipv6Address(), there.ipv6Address());

            isRefused(there, () -> attacker().sendRaw(there.ipv6Address(), packet));
        }
    }

    @Nested
    class OverDualStackKernelVxlan extends OverDualStackVxlan {
        OverDualStackKernelVxlan() {
            flags = List.of("--vxlan-datapath", "kernel");
        }

        @Override
        byte[] ofAStranger(byte[] inner) {
            return Forgery.vxlan(1, vtepMac(remoteNode()), "02:00:00:00:00:99", inner);
        }
    }

    @Nested
    class OverUdp extends Contract {
        OverUdp() {
            super("udp", 8285, "");
        }

        @Override
        byte[] wrap(byte[] inner, Node from, Node to) {
            return inner;
        }
    }

    @Nested
    class OverGeneve extends Contract {
        OverGeneve() {
            super("geneve", 6081, "");
        }

        @Override
        byte[] wrap(byte[] inner, Node from, Node to) {
            return Forgery.geneve(1, vtepMac(to), vtepMac(from), inner);
        }
    }

    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class Contract extends Cluster {
        private final int port;

        Contract(String backend, int port, String moreConfig) {
            super(backend, moreConfig);
            this.port = port;
        }

        /** What the backend carries, in a UDP payload. */
        abstract byte[] wrap(byte[] inner, Node from, Node to);

        /** What a stranger wraps, who knows as much as he can. */
        byte[] ofAStranger(byte[] inner) {
            return wrap(inner, thirdNode(), remoteNode());
        }

        @Test
        void anUnprivilegedPodForgesAnotherPodOfItsNode() {
            byte[] packet = wrap(Forgery.inner(neighbour.address(), there.address()), attackersNode(), remoteNode());

            isRefused(there, () -> attacker().sendUdp(remoteNode().address(), port, packet));
        }

        @Test
        void anUnprivilegedPodForgesItsNode() {
            byte[] packet =
                    wrap(Forgery.inner(attackersNode().address(), there.address()), attackersNode(), remoteNode());

            isRefused(there, () -> attacker().sendUdp(remoteNode().address(), port, packet));
        }

        @Test
        void anUnprivilegedPodSendsToItsOwnNodesTunnel() {
            byte[] packet = wrap(Forgery.inner(there.address(), neighbour.address()), remoteNode(), attackersNode());

            isRefused(neighbour, () -> {
                attacker().sendUdp(attackersNode().address(), port, packet);
                attacker().sendUdp(gateway(attackersNode()), port, packet);
            });
        }

        @Test
        void anUnprivilegedPodSendsToARemoteNodeThroughTheTunnel() {
            byte[] packet = wrap(Forgery.inner(third.address(), there.address()), thirdNode(), remoteNode());

            isRefused(there, () -> attacker().sendUdp(gateway(remoteNode()), port, packet));
        }

        @Test
        void aPodWithRawSocketsForgesAnotherNodeTowardsItsOwn() {
            byte[] packet = wrap(Forgery.inner(there.address(), neighbour.address()), remoteNode(), attackersNode());
            byte[] outer =
                    Forgery.datagram(remoteNode().address(), attackersNode().address(), port, packet);

            isRefused(neighbour, () -> attacker().sendRaw(attackersNode().address(), outer));
        }

        @Test
        void aPodWithRawSocketsForgesAThirdNode() {
            byte[] packet = wrap(Forgery.inner(third.address(), there.address()), thirdNode(), remoteNode());
            byte[] outer = Forgery.datagram(thirdNode().address(), remoteNode().address(), port, packet);

            isRefused(there, () -> attacker().sendRaw(remoteNode().address(), outer));
        }

        @Test
        void aStrangerOnTheUnderlayIsNoPeer() {
            byte[] packet = ofAStranger(Forgery.inner(third.address(), there.address()));

            isRefused(there, () -> Attacker.on(lab).sendUdp(remoteNode().address(), port, packet));
        }

        @Test
        void whatTheRulesDropIsCounted() {
            attacker().sendUdp(remoteNode().address(), port, new byte[] {1});
            attacker().sendRaw(there.address(), Forgery.inner(third.address(), there.address()));

            Awaitility.await("counters of the rules")
                    .atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(attackersNode().metrics())
                            .containsPattern("flannelj_firewall_dropped_packets\\{reason=\"tunnel\"} [1-9]")
                            .containsPattern("flannelj_firewall_dropped_packets\\{reason=\"source\"} [1-9]"));
            assertThat(attackersNode().log()).doesNotContain("had been changed by somebody else");
        }

        @Test
        void podsMayUseTheTunnelsPortAmongThemselves() {
            long before = refusedDatagrams(there);

            attacker().sendUdp(there.address(), port, new byte[] {1});

            Awaitility.await("datagrams at " + there.address())
                    .atMost(Duration.ofSeconds(10))
                    .until(() -> refusedDatagrams(there) > before); // those that were joined on the way count once
        }
    }

    @Nested
    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OverHostGw extends Cluster {
        OverHostGw() {
            super("host-gw", "");
        }

        @Test
        void aStrangerForgesAPodOfTheVictimsNode() {
            remoteNode().run("true");
            byte[] packet = Forgery.inner(gateway(remoteNode()).replaceFirst("\\.1$", ".77"), there.address());
            lab.routeFromSwitch(subnet(remoteNode()), remoteNode());

            isRefused(there, () -> Attacker.on(lab).sendRaw(there.address(), packet));
        }

        @Test
        void aStrangerForgesAPodOfASubnetThatNobodyHasLeased() {
            byte[] packet = Forgery.inner("10.5.255.7", there.address());
            lab.routeFromSwitch(subnet(remoteNode()), remoteNode());

            isRefused(there, () -> Attacker.on(lab).sendRaw(there.address(), packet));
        }
    }

    /** Three nodes, the attacker's pod and its neighbour on the first, and one pod on each of the others. */
    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class Cluster {
        private final String backend;
        String moreConfig;
        List<String> flags = List.of();
        Lab lab;
        Pod here;
        Pod neighbour;
        Pod there;
        Pod third;

        Cluster(String backend, String moreConfig) {
            this.backend = backend;
            this.moreConfig = moreConfig;
        }

        @BeforeAll
        void build() {
            lab = Lab.open(3, Lab.Underlay.WIRE)
                    .configure("{\"Network\":\"10.5.0.0/16\"," + moreConfig + "\"Backend\":{\"Type\":\"" + backend
                            + "\"}}");
            lab.nodes().forEach(node -> node.startDaemon(flags.toArray(String[]::new)));
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(2));
            here = lab.node(1).addPod();
            neighbour = lab.node(1).addPod();
            there = lab.node(2).addPod();
            third = lab.node(3).addPod();
        }

        @AfterAll
        void tearDown() {
            if (lab != null) {
                lab.close();
            }
        }

        @Test
        void aPodWithRawSocketsForgesAPodOfAThirdNode() {
            byte[] packet = Forgery.inner(third.address(), there.address());

            isRefused(there, () -> attacker().sendRaw(there.address(), packet));
        }

        Attacker attacker() {
            return Attacker.in(here);
        }

        Node attackersNode() {
            return lab.node(1);
        }

        Node remoteNode() {
            return lab.node(2);
        }

        Node thirdNode() {
            return lab.node(3);
        }

        /** That nothing of an attack reaches the victim, while what is sent after it does, and pods lose nothing. */
        void isRefused(Pod victim, Runnable attack) {
            Pings pings = Pings.start(third, victim);
            long before = refusedDatagrams(victim);

            attack.run();

            assertThat(here.canPing(victim)).as("good traffic goes on").isTrue();
            assertThat(refusedDatagrams(victim) - before)
                    .as("forged datagrams that reached the victim")
                    .isZero();
            assertThat(pings.stop().lost()).as("pings lost meanwhile").isZero();
        }

        /** UDP datagrams to closed ports of a pod, of both families. */
        static long refusedDatagrams(Pod pod) {
            return pod.run("nstat", "-asz", "UdpNoPorts", "Udp6NoPorts")
                    .orThrow()
                    .lines()
                    .filter(line -> line.startsWith("Udp"))
                    .mapToLong(line -> Long.parseLong(line.split("\\s+", -1)[1]))
                    .sum();
        }

        static String subnet(Node node) {
            return Objects.requireNonNull(SubnetEnv.readIfUsable(node.subnetFile())
                            .orElseThrow()
                            .subnet())
                    .network()
                    .toString();
        }

        /** The node's address towards its pods. */
        static String gateway(Node node) {
            return subnet(node).replaceFirst("\\.0/\\d+$", ".1");
        }

        String vtepMac(Node node) {
            return vtepMac(node, "BackendData");
        }

        String ipv6VtepMac(Node node) {
            return vtepMac(node, "BackendV6Data");
        }

        /** As its lease says. */
        private String vtepMac(Node node, String field) {
            try {
                for (var entry : lab.etcd().list(Lab.PREFIX + "/subnets/")) {
                    JsonNode lease = new ObjectMapper().readTree(entry.value());
                    if (lease.path("PublicIP").asText().equals(node.address())) {
                        JsonNode data = lease.path(field);
                        return data.path("VtepMAC").asText(data.path("MAC").asText());
                    }
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
            throw new IllegalStateException("no lease of " + node.name());
        }
    }
}
