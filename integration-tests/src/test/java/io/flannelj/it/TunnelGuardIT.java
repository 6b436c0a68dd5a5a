package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.it.AttackedCluster.Attack;
import io.flannelj.it.AttackedCluster.Carrier;
import io.flannelj.lab.Forgery;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Pods, strangers and peers that make up packets of other nodes, over each backend. Meanwhile pods ping each other, and lose
 * nothing. What is not held is shown as well.
 */
@NeedsPrivileges
class TunnelGuardIT {
    @Nested
    class OverVxlan extends UdpContract {
        OverVxlan() {
            super(Carrier.VXLAN, "vxlan");
        }
    }

    @Nested
    class OverVxlanWithNftables extends OverVxlan {
        OverVxlanWithNftables() {
            moreConfig = "\"EnableNFTables\":true,";
        }
    }

    @Nested
    @LongRun
    class OverKernelVxlan extends OverVxlan {
        OverKernelVxlan() {
            flags = List.of("--vxlan-datapath", "kernel");
        }
    }

    @Nested
    @LongRun
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
            byte[] packet = wrap(
                    cluster.attackersNode(),
                    Forgery.inner(cluster.neighbour.ipv6Address(), cluster.there.ipv6Address()));
            String node = cluster.remoteNode().ipv6Address();

            isRefused(new Attack(cluster.there, () -> cluster.attacker().sendUdp(node, 8472, packet)));
        }

        @Test
        void aPodWithRawSocketsForgesAnotherNodeOverIpv6() {
            byte[] packet =
                    wrap(cluster.thirdNode(), Forgery.inner(cluster.third.ipv6Address(), cluster.there.ipv6Address()));
            String node = cluster.remoteNode().ipv6Address();
            byte[] outer = Forgery.datagram(cluster.thirdNode().ipv6Address(), node, 8472, packet);

            isRefused(new Attack(cluster.there, () -> cluster.attacker().sendRaw(node, outer)));
        }

        @Test
        void aPodWithRawSocketsForgesAnIpv6PodOfAThirdNode() {
            String victim = cluster.there.ipv6Address();
            byte[] packet = Forgery.inner(cluster.third.ipv6Address(), victim);

            isRefused(new Attack(cluster.there, () -> cluster.attacker().sendRaw(victim, packet)));
        }

        @Test
        void aStrangerOnTheIpv6UnderlayIsNoPeer() {
            byte[] packet =
                    wrap(cluster.thirdNode(), Forgery.inner(cluster.third.ipv6Address(), cluster.there.ipv6Address()));
            String node = cluster.remoteNode().ipv6Address();

            isRefused(new Attack(cluster.there, () -> cluster.stranger().sendUdp(node, 8472, packet)));
        }

        private byte[] wrap(Node from, byte[] inner) {
            return Forgery.vxlan(1, cluster.ipv6VtepMac(cluster.remoteNode()), cluster.ipv6VtepMac(from), inner);
        }
    }

    @Nested
    @LongRun
    class OverDualStackKernelVxlan extends OverDualStackVxlan {
        OverDualStackKernelVxlan() {
            flags = List.of("--vxlan-datapath", "kernel");
        }
    }

    @Nested
    class OverUdp extends UdpContract {
        OverUdp() {
            super(Carrier.UDP, "udp");
        }
    }

    @Nested
    @LongRun
    class OverGeneve extends UdpContract {
        OverGeneve() {
            super(Carrier.GENEVE, "geneve");
        }
    }

    /** In user space; what the kernel's adds are rules, which FirewallIT tries. */
    @Nested
    class OverIpip extends Contract {
        OverIpip() {
            super(Carrier.IPIP, "ipip\",\"Datapath\":\"userspace");
        }
    }

    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class Contract extends Guarded {
        Contract(Carrier carrier, String backend) {
            super(carrier, backend);
        }

        @Test
        void anUnprivilegedPodForgesAnotherPodOfItsNode() {
            isRefused(cluster.podForgesItsNeighbour());
        }

        @Test
        void anUnprivilegedPodForgesItsNode() {
            isRefused(cluster.podForgesItsNode());
        }

        @Test
        void anUnprivilegedPodSendsToItsOwnNodesTunnel() {
            isRefused(cluster.podSendsToItsOwnNodesTunnel());
        }

        @Test
        void anUnprivilegedPodSendsToARemoteNodeThroughTheTunnel() {
            isRefused(cluster.podSendsThroughTheTunnel());
        }

        @Test
        void aPodWithRawSocketsForgesAnotherNodeTowardsItsOwn() {
            isRefused(cluster.podForgesANodeTowardsItsOwn());
        }

        @Test
        void aPodWithRawSocketsForgesAThirdNode() {
            isRefused(cluster.podForgesANode());
        }

        @Test
        void aStrangerOnTheUnderlayIsNoPeer() {
            isRefused(cluster.strangerSendsToTheTunnel());
        }

        @Test
        void aStrangerWhoWritesAPeersAddressIsNotHeld() {
            assertThat(cluster.reaches(cluster.strangerForgesANode())).isTrue();
        }

        @Test
        void whatTheRulesDropIsCounted() {
            cluster.podForgesItsNeighbour().send().run();
            cluster.podForgesAPod().send().run();

            Awaitility.await("counters of the rules")
                    .atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(cluster.attackersNode().metrics())
                            .containsPattern("flannelj_firewall_dropped_packets\\{reason=\"tunnel\"} [1-9]")
                            .containsPattern("flannelj_firewall_dropped_packets\\{reason=\"source\"} [1-9]"));
            assertThat(cluster.attackersNode().log()).doesNotContain("had been changed by somebody else");
        }

        @Test
        void aStrangersPlainPacketsFromAnotherSubnetAreNotHeld() {
            assertThat(cluster.reaches(cluster.strangerForgesAPodOfNobody())).isTrue();
            assertThat(cluster.reaches(cluster.strangerForgesAPod())).isTrue();
        }

        @Test
        void aPeerForgesAPodOfAnotherNode() {
            isRefused(cluster.peerForgesAPod());
        }
    }

    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class UdpContract extends Contract {
        UdpContract(Carrier carrier, String backend) {
            super(carrier, backend);
        }

        @Test
        void podsMayUseTheTunnelsPortAmongThemselves() {
            long before = AttackedCluster.refusedDatagrams(cluster.there);

            cluster.attacker().sendUdp(cluster.there.address(), cluster.carrier.port, new byte[] {1});

            Awaitility.await("datagrams at " + cluster.there.address())
                    .atMost(Duration.ofSeconds(10)) // those that were joined on the way count once
                    .until(() -> AttackedCluster.refusedDatagrams(cluster.there) > before);
        }
    }

    @Nested
    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OverHostGw extends Guarded {
        OverHostGw() {
            super(Carrier.NONE, "host-gw");
        }

        @Test
        void aStrangerForgesAPodOfASubnetThatNobodyHasLeased() {
            isRefused(cluster.strangerForgesAPodOfNobody());
        }

        @Test
        void aStrangerWhoWritesAPeersPodIsNotHeld() {
            assertThat(cluster.reaches(cluster.strangerForgesAPod())).isTrue();
        }

        @Test
        void aPeerWhoWritesAnotherPeersPodIsNotHeld() {
            assertThat(cluster.reaches(cluster.peerForgesAPod())).isTrue();
        }
    }

    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class Guarded {
        private final Carrier carrier;
        private final String backend;
        String moreConfig = "";
        List<String> flags = List.of();
        AttackedCluster cluster;

        Guarded(Carrier carrier, String backend) {
            this.carrier = carrier;
            this.backend = backend;
        }

        @BeforeAll
        void build() {
            String config =
                    "{\"Network\":\"10.5.0.0/16\"," + moreConfig + "\"Backend\":{\"Type\":\"" + backend + "\"}}";
            cluster = AttackedCluster.open(carrier, config, lab -> {
                lab.nodes().forEach(node -> node.startDaemon(flags.toArray(String[]::new)));
                lab.nodes().forEach(Node::awaitReady);
                lab.nodes().forEach(node -> node.awaitPeers(2));
            });
        }

        @AfterAll
        void tearDown() {
            if (cluster != null) {
                cluster.close();
            }
        }

        @Test
        void aPodWithRawSocketsForgesAPodOfAThirdNode() {
            isRefused(cluster.podForgesAPod());
        }

        @Test
        void aStrangerForgesAPodOfTheVictimsNode() {
            isRefused(cluster.strangerForgesAPodOfTheVictimsNode());
        }

        /** That nothing of an attack reaches the victim, while what is sent after it does, and pods lose nothing. */
        void isRefused(Attack attack) {
            Pings pings = Pings.start(cluster.third, attack.victim());
            long before = AttackedCluster.refusedDatagrams(attack.victim());

            attack.send().run();

            assertThat(cluster.here.canPing(attack.victim()))
                    .as("good traffic goes on")
                    .isTrue();
            assertThat(AttackedCluster.refusedDatagrams(attack.victim()) - before)
                    .as("forged datagrams that reached the victim")
                    .isZero();
            assertThat(pings.stop().lost()).as("pings lost meanwhile").isZero();
        }
    }
}
