package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.it.AttackedCluster.Attack;
import io.flannelj.it.AttackedCluster.Carrier;
import io.flannelj.lab.Attacker;
import io.flannelj.lab.Forgery;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
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

        @Test
        void aPeerForgesAPodOfAnotherNodeAndItsVtep() {
            isRefused(cluster.peerForgesAPodAndItsVtep());
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

    /** Where nobody tracks connections, which would put fragments together first. */
    @Nested
    @LongRun
    class OverKernelVxlanWithoutMasquerade extends Guarded {
        OverKernelVxlanWithoutMasquerade() {
            super(Carrier.VXLAN, "vxlan");
            flags = List.of("--vxlan-datapath", "kernel", "--ip-masq=false");
        }

        @Test
        void aStrangersFragmentsSayNeitherTunnelNorSender() {
            isRefused(cluster.strangerSendsFragments());
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

            isRefusedBut(
                    toTheTunnel(cluster.attacker(), packet),
                    "of their node",
                    toTheTunnel(Attacker.in(cluster.attackersNode()), packet));
        }

        @Test
        void aPodWithRawSocketsForgesAnotherNodeOverIpv6() {
            byte[] packet = ofThirdNode();
            String node = cluster.remoteNode().ipv6Address();
            byte[] outer = Forgery.datagram(cluster.thirdNode().ipv6Address(), node, 8472, packet);

            isRefusedBut(
                    new Attack(cluster.there, () -> cluster.attacker().sendRaw(node, outer)),
                    "of that node",
                    new Attack(
                            cluster.there,
                            () -> Attacker.in(cluster.thirdNode()).sendRaw(node, outer)));
        }

        @Test
        void aPodWithRawSocketsForgesAnIpv6PodOfAThirdNode() {
            String victim = cluster.there.ipv6Address();
            byte[] packet = Forgery.inner(cluster.third.ipv6Address(), victim);

            isRefusedBut(
                    new Attack(cluster.there, () -> cluster.attacker().sendRaw(victim, packet)),
                    "of that pod",
                    new Attack(cluster.there, () -> Attacker.in(cluster.third).sendRaw(victim, packet)));
        }

        @Test
        void aStrangerOnTheIpv6UnderlayIsNoPeer() {
            byte[] packet = ofThirdNode();

            isRefusedBut(
                    toTheTunnel(cluster.stranger(), packet),
                    "of the peer",
                    toTheTunnel(Attacker.in(cluster.thirdNode()), packet));
        }

        @Test
        void aPeerForgesAnIpv6PodOfAnotherNode() {
            byte[] forged = wrap(
                    cluster.thirdNode(), Forgery.inner(cluster.neighbour.ipv6Address(), cluster.there.ipv6Address()));
            Attacker peer = Attacker.in(cluster.thirdNode());

            isRefusedBut(toTheTunnel(peer, forged), "with a pod of its own", toTheTunnel(peer, ofThirdNode()));
        }

        /** From a pod of the third node, in its tunnel. */
        private byte[] ofThirdNode() {
            return wrap(cluster.thirdNode(), Forgery.inner(cluster.third.ipv6Address(), cluster.there.ipv6Address()));
        }

        private Attack toTheTunnel(Attacker by, byte[] packet) {
            String node = cluster.remoteNode().ipv6Address();
            return new Attack(cluster.there, () -> by.sendUdp(node, 8472, packet));
        }

        /** The same packet of somebody who may send it shows that nothing else keeps it from the victim. */
        private void isRefusedBut(Attack attack, String whose, Attack allowed) {
            assertThat(cluster.reaches(allowed)).as("the same packet " + whose).isTrue();
            isRefused(attack);
        }

        @Test
        void aPeerForgesAPodInTheTunnelOfTheOtherFamily() {
            byte[] ipv4 =
                    wrap(cluster.thirdNode(), Forgery.inner(cluster.neighbour.address(), cluster.there.address()));
            byte[] ipv6 = cluster.carrier.wrap(
                    Forgery.inner(cluster.neighbour.ipv6Address(), cluster.there.ipv6Address()),
                    cluster.vtepMac(cluster.thirdNode()),
                    cluster.vtepMac(cluster.remoteNode()));
            Attacker peer = Attacker.in(cluster.thirdNode());

            isRefusedBut(
                    new Attack(cluster.there, () -> {
                        peer.sendUdp(cluster.remoteNode().ipv6Address(), 8472, ipv4);
                        peer.sendUdp(cluster.remoteNode().address(), 8472, ipv6);
                    }),
                    "with a pod of its own",
                    toTheTunnel(peer, ofThirdNode()));
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
        void aPodWithRawSocketsForgesAnotherNodeByTheBroadcastOfItsBridge() {
            isRefused(cluster.podForgesANodeByBroadcast());
        }

        @Test
        void aPodWithRawSocketsSendsNoPlainPacketsAsANode() {
            Node victim = cluster.thirdNode();
            byte[] packet = Forgery.inner(cluster.remoteNode().address(), victim.address());
            long before = AttackedCluster.refusedDatagrams(victim);

            cluster.attacker().sendRaw(victim.address(), packet);

            assertThat(cluster.here.canPing(victim.address()))
                    .as("good traffic goes on")
                    .isTrue();
            assertThat(AttackedCluster.refusedDatagrams(victim)).isEqualTo(before);
        }

        @Test
        void aStrangerOnASecondCardForgesAPodOfTheVictimsNode() {
            isRefused(cluster.strangerOnASecondCardForgesAPodOfTheVictimsNode());
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
            assertThat(cluster.attackersNode().log()).doesNotContain("had been changed by another program");
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

        /** Of the ports that could be chosen, one in nine would be below the range. */
        @Test
        void noFlowOfAPodTakesATunnelsPort() {
            cluster.here
                    .run(
                            "perl",
                            "-MIO::Socket::INET",
                            "-e",
                            "IO::Socket::INET->new(Proto => 'udp', PeerAddr => $ARGV[0], PeerPort => 45679)->send('x') for 1 .. 200",
                            cluster.remoteNode().address())
                    .orThrow();

            List<Integer> ports = Pattern.compile("sport=45679 dport=(\\d+)")
                    .matcher(cluster.attackersNode()
                            .run("conntrack", "-L", "-p", "udp")
                            .orThrow())
                    .results()
                    .map(found -> Integer.parseInt(found.group(1)))
                    .toList();
            assertThat(ports).hasSizeGreaterThan(100).allMatch(port -> port > cluster.carrier.port);
        }

        /** Docker keeps the source port of a flow that it masquerades, where it can. */
        @Test
        void noFlowOfAContainerOfAnotherNetworkTakesATunnelsPort() {
            Node node = cluster.attackersNode();
            Pod container = node.addUnwiredPod();
            for (String command : List.of(
                    "ip link add br-others type bridge",
                    "ip link set br-others up",
                    "ip address add 172.30.0.1/24 dev br-others",
                    "ip link add others0 type veth peer name eth0 netns " + container.namespace(),
                    "ip link set others0 master br-others up",
                    "iptables -t nat -A POSTROUTING -s 172.30.0.0/24 ! -o br-others -j MASQUERADE")) {
                node.run(command.split(" ")).orThrow();
            }
            for (String command : List.of(
                    "ip address add 172.30.0.2/24 dev eth0",
                    "ip link set eth0 up",
                    "ip route add default via 172.30.0.1")) {
                container.run(command.split(" ")).orThrow();
            }
            Awaitility.await("rules for the new bridge")
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> node.run("nft", "list", "ruleset")
                            .output()
                            .matches("(?s).*iifname (\\{[^}]*)?\"br-others\".*"));
            int port = cluster.carrier.port;

            container
                    .run(
                            "perl",
                            "-MIO::Socket::INET",
                            "-e",
                            "IO::Socket::INET->new(Proto => 'udp', LocalPort => $_, PeerAddr => $ARGV[0], PeerPort => 45680)->send('x')"
                                    + " for 5000, $ARGV[1]",
                            cluster.remoteNode().address(),
                            String.valueOf(port))
                    .orThrow();

            assertThat(node.run("conntrack", "-L", "-p", "udp").orThrow())
                    .contains("sport=45680 dport=5000")
                    .doesNotContain("sport=45680 dport=" + port);
        }

        @Test
        void noServiceLeadsToATunnel() {
            isRefused(cluster.podSendsToAServiceThatLeadsToTheTunnel());
        }

        @Test
        void aUserOfANodeWithoutRootForgesItsPod() {
            isRefused(cluster.userOfANodeForgesAPod());
        }

        @Test
        void aUserOfANodeForgesBehindAnotherPacketOfASuperPacket() {
            isRefused(cluster.userOfANodeForgesBehindAnotherPacket());
        }

        @Test
        void aUserOfANodeSendsToAServiceThatLeadsToATunnel() {
            isRefused(cluster.userOfANodeSendsToAServiceThatLeadsToATunnel());
        }

        /** The port of explain, which tells of pods, is for root. */
        @Test
        void aUserOfANodeNeitherAsksOtherNodesNorAnswersThem() {
            String subnet = cluster.remoteNode().status().path("subnet").asText();
            String tunnelAddress = subnet.substring(0, subnet.indexOf('/'));
            String ask = "use Socket; alarm 3; socket(my $s, AF_INET, SOCK_STREAM, 0) or die;"
                    + " setsockopt($s, 0, 2, pack('i', 255)) or die;" // the time to live of a query
                    + " connect($s, pack_sockaddr_in(8470, inet_aton('" + tunnelAddress + "'))) or exit 1;";

            assertThat(cluster.attackersNode().run("perl", "-e", ask).succeeded())
                    .as("root is answered")
                    .isTrue();
            assertThat(cluster.attackersNode()
                            .run("setpriv", "--reuid", "65534", "--clear-groups", "perl", "-e", ask)
                            .succeeded())
                    .isFalse();
        }

        @Test
        void aUserOfANodeReachesPodsOfOthers() {
            assertThat(cluster.attackersNode()
                            .run(
                                    "setpriv",
                                    "--reuid",
                                    "65534",
                                    "--clear-groups",
                                    "ping",
                                    "-c3",
                                    "-i0.2",
                                    "-W2",
                                    cluster.there.address())
                            .orThrow())
                    .contains(" 0% packet loss");
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
            if (!attack.victim().ipv6Address().isEmpty()) {
                assertThat(cluster.here.canPing(attack.victim().ipv6Address()))
                        .as("good traffic goes on by IPv6")
                        .isTrue();
            }
            assertThat(AttackedCluster.refusedDatagrams(attack.victim()) - before)
                    .as("forged datagrams that reached the victim")
                    .isZero();
            assertThat(pings.stop().lost()).as("pings lost meanwhile").isZero();
        }
    }
}
