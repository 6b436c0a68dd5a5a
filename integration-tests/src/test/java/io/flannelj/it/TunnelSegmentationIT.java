package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/** Large packets that leave uncut, past the host's IP stack: whole, and under what happens to the way they take. */
@NeedsPrivileges
class TunnelSegmentationIT {
    private static final Duration SOON = Duration.ofSeconds(30);

    /** Sends TCP super-packets of 64,000 bytes and segments of one, fifty a second, by a packet socket; prints how many. */
    private static final String SUPER_PACKETS = """
            use Socket; use Time::HiRes;
            my ($index, $from, $to, $mac, $seconds) = @ARGV;
            socket(my $s, 17, 3, 0x0008) or die "socket: $!";
            setsockopt($s, 263, 15, 1) or die "PACKET_VNET_HDR: $!";
            my $link = pack("S n i S C C a8", 17, 0x0800, $index, 1, 0, 6, "");
            bind($s, $link) or die "bind: $!";
            my $ethernet = pack("H12", $mac =~ s/://gr) . pack("H12", "020000000001") . pack("n", 0x0800);
            my $ip = pack("C C n n n C C n", 0x45, 0, 64040, 1, 0x4000, 64, 6, 0) . inet_aton($from) . inet_aton($to);
            my $sum = 0; $sum += $_ for unpack("n*", $ip); $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
            substr($ip, 10, 2) = pack("n", ~$sum & 0xffff);
            my $tcp = pack("n n N N C C n n n", 40000, 9, 1, 1, 0x50, 0x10, 1000, 0, 0) . ("x" x 64000);
            my $virtio = pack("C C v v v v", 1, 1, 54, 1, 34, 16);
            my ($sent, $end) = (0, Time::HiRes::time() + $seconds);
            while (Time::HiRes::time() < $end) {
                send($s, $virtio . $ethernet . $ip . $tcp, 0) and $sent++;
                Time::HiRes::sleep(0.02);
            }
            print "$sent\n";
            """;

    private static final Pattern UNCUT = Pattern.compile("flannelj_syscalls_total\\{call=\"tap_write\"\\} ([0-9.E]+)");

    /** Sends forty datagrams by one call (UDP_SEGMENT) until somebody says that all came. */
    private static final String SENDER = """
            import socket, sys
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(17, 103, 1200)
            s.settimeout(0.3)
            for i in range(60):
                s.sendto(b''.join(bytes([i]) * 1200 for i in range(40)), (sys.argv[1], 20999))
                try:
                    print(s.recv(100).decode())
                    break
                except socket.timeout:
                    pass
            """;

    private static final String RECEIVER = """
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(('', 20999))
            seen = set()
            while len(seen) < 40:
                data, sender = s.recvfrom(65535)
                if data == bytes([data[0]]) * 1200:
                    seen.add(data[0])
            s.sendto(b'all', sender)
            """;

    /** A node that sends uncut, one of ours that does not, and, for vxlan, one whose kernel carries. */
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
    abstract static class Cluster {
        private final Lab.Underlay underlay;
        private final String backend;
        private final String kernelDatapath;
        private Lab lab;
        Node uncut;
        Node cutting;
        Node third;
        Pod onUncut;
        Pod onCutting;
        Pod onThird;

        Cluster(Lab.Underlay underlay, String backend, String kernelDatapath) {
            this.underlay = underlay;
            this.backend = backend;
            this.kernelDatapath = kernelDatapath;
        }

        @BeforeAll
        void build() {
            lab = Lab.open(3, underlay).configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{" + backend + "}}");
            uncut = lab.node(1);
            cutting = lab.node(2);
            third = lab.node(3);
            uncut.startDaemon();
            cutting.startDaemon("--tunnel-segmentation=false");
            third.startDaemon(kernelDatapath.isEmpty() ? new String[0] : new String[] {"--vxlan-datapath", "kernel"});
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(2));
            assumeTrue(hasDevice(uncut), () -> "this kernel takes no super-packets in tunnels: " + uncut.log());
            onUncut = uncut.addPod();
            onCutting = cutting.addPod();
            onThird = third.addPod();
        }

        @AfterAll
        void tearDown() {
            if (lab != null) {
                lab.close();
            }
        }

        @Test
        @Order(1)
        void dataOfEveryPairArrivesWhole() {
            awaitUncutTo(cutting);
            awaitUncutTo(third);
            for (Pod peer : new Pod[] {onCutting, onThird}) {
                long before = uncutWrites();
                assertThat(Transfer.tcp(onUncut, peer, 50)).as("TCP both ways").isTrue();
                assertThat(uncutWrites() - before).as("super-packets").isGreaterThan(100);
                assertThat(Transfer.udp(onUncut, peer, 20_000)).as("fragments").isTrue();
                assertThat(onUncut.canPing(peer)).isTrue();
            }
            assertThat(Transfer.tcp(onCutting, onThird, 20)).isTrue();
            assertThat(writes(cutting)).as("of the node with the flag").isZero();
            assertThat(hasDevice(cutting)).isFalse();
            assertThat(dropped(uncut)).as("dropped for a checksum").isZero();
            assertThat(dropped(cutting)).isZero();
        }

        @Test
        @Order(1)
        void datagramsThatAreSentTogetherArriveEach() {
            awaitUncutTo(cutting);
            awaitUncutTo(third);
            for (Pod peer : new Pod[] {onCutting, onThird}) {
                long before = uncutWrites();
                sendTogether(onUncut, peer);
                assertThat(uncutWrites() - before).as("super-packets").isPositive();
                sendTogether(peer, onUncut);
            }
        }

        private static void sendTogether(Pod from, Pod to) {
            Process receiver = to.node().startIn(to, "python3", "-c", RECEIVER);

            String said = from.run("python3", "-c", SENDER, to.address()).output();

            receiver.destroy();
            assertThat(said)
                    .as(
                            "all forty, from %s to %s",
                            from.node().name(), to.node().name())
                    .contains("all");
        }

        private long dropped(Node node) {
            return node.status()
                    .path("traffic")
                    .path("drops")
                    .path("in.bad_inner_checksum")
                    .asLong();
        }

        boolean hasDevice(Node node) {
            return node.run("ip", "link", "show", "flannel-gso0").succeeded();
        }

        long uncutWrites() {
            return writes(uncut);
        }

        void awaitUncutTo(Node peer) {
            awaitSuperPackets(peer, "uncut");
        }

        void awaitSuperPackets(Node peer, String how) {
            Awaitility.await("super-packets to " + peer.name() + " " + how)
                    .atMost(SOON)
                    .until(() -> superPackets(peer).equals(how));
        }

        private String superPackets(Node peer) {
            for (JsonNode one : uncut.peers()) {
                if (one.path("publicIp").asText().equals(peer.address())) {
                    return one.path("superPackets").asText();
                }
            }
            return "no such peer";
        }
    }

    private static long writes(Node node) {
        Matcher matcher = UNCUT.matcher(node.metrics());
        return matcher.find() ? (long) Double.parseDouble(matcher.group(1)) : 0;
    }

    @Nested
    class OverVxlanOnAWire extends Cluster {
        OverVxlanOnAWire() {
            super(Lab.Underlay.WIRE, "\"Type\":\"vxlan\"", "kernel");
        }

        /** Packets of one size that wait together are long as well where the filter sees them: the socket's, from output on. */
        @Test
        @Order(2)
        void theHostsPacketFilterSeesNoneOfThem() {
            awaitUncutTo(cutting);
            for (String rule : new String[] {
                "add table ip seen",
                "add chain ip seen pre { type filter hook prerouting priority -500 ; }",
                "add chain ip seen forw { type filter hook forward priority -500 ; }",
                "add chain ip seen out { type filter hook output priority -500 ; }",
                "add chain ip seen post { type filter hook postrouting priority 500 ; }",
                "add rule ip seen pre udp dport 8472 ip saddr " + uncut.address() + " counter",
                "add rule ip seen forw udp dport 8472 counter",
                "add rule ip seen out udp dport 8472 ip length > 2000 meta mark set 0x77",
                "add rule ip seen post udp dport 8472 ip length > 2000 meta mark != 0x77 counter"
            }) {
                uncut.run("nft", rule).orThrow();
            }
            long before = uncutWrites();

            assertThat(Transfer.tcp(onUncut, onCutting, 20)).isTrue();

            assertThat(uncutWrites() - before).isGreaterThan(50);
            assertThat(uncut.run("nft", "list", "table", "ip", "seen").output())
                    .contains("counter packets 0 bytes 0")
                    .doesNotContainPattern("counter packets [1-9]");
            uncut.run("nft", "delete", "table", "ip", "seen").orThrow();
        }

        @Test
        @Order(3)
        void theNextHopsAddressMayChange() {
            CompletableFuture<Boolean> transfer =
                    CompletableFuture.supplyAsync(() -> Transfer.tcp(onUncut, onCutting, 300));
            for (int i = 1; i <= 3; i++) {
                String mac = "02:00:00:00:77:0" + i;
                cutting.run("ip", "link", "set", "eth0", "address", mac).orThrow();
                uncut.run("ip", "neigh", "replace", cutting.address(), "lladdr", mac, "dev", "eth0", "nud", "reachable")
                        .orThrow();
            }

            assertThat(transfer.join()).isTrue();
            awaitUncutTo(cutting);
            long before = uncutWrites();
            assertThat(Transfer.tcp(onUncut, onCutting, 20)).isTrue();
            assertThat(uncutWrites() - before).isGreaterThan(50);
        }

        @Test
        @Order(4)
        void withoutTheNeighbourTheSocketFindsItAgain() {
            CompletableFuture<Boolean> transfer =
                    CompletableFuture.supplyAsync(() -> Transfer.tcp(onUncut, onCutting, 300));
            for (int i = 0; i < 5; i++) {
                uncut.run("ip", "neigh", "flush", "dev", "eth0").orThrow();
            }

            assertThat(transfer.join()).isTrue();
            awaitUncutTo(cutting);
        }

        @Test
        @Order(5)
        void aDeletedDeviceIsMadeAgainAndNothingIsLost() {
            CompletableFuture<Boolean> transfer =
                    CompletableFuture.supplyAsync(() -> Transfer.tcp(onUncut, onCutting, 300));

            uncut.run("ip", "link", "delete", "flannel-gso0").orThrow();

            Awaitility.await("the device").atMost(SOON).until(() -> hasDevice(uncut));
            assertThat(transfer.join()).isTrue();
            assertThat(uncut.log()).contains("flannel-gso0 was deleted; it was made again");
        }

        @Test
        @Order(6)
        void aRedirectionThatWasRemovedComesBack() {
            uncut.run("tc", "qdisc", "delete", "dev", "flannel-gso0", "clsact").orThrow();

            Awaitility.await("the filter")
                    .atMost(SOON)
                    .until(() -> uncut.run("tc", "filter", "show", "dev", "flannel-gso0", "ingress")
                            .output()
                            .contains("Redirect to device eth0"));
            awaitUncutTo(third);
            long before = uncutWrites();
            assertThat(Transfer.tcp(onUncut, onThird, 20)).isTrue();
            assertThat(uncutWrites() - before).isGreaterThan(50);
        }

        @Test
        @Order(7)
        void aPeerThatIsRoutedByAnotherLinkGoesByTheSocket() {
            uncut.run("ip", "link", "add", "other", "type", "veth", "peer", "name", "another")
                    .orThrow();
            uncut.run("ip", "link", "set", "other", "up").orThrow();
            uncut.run("ip", "route", "add", third.address() + "/32", "dev", "other")
                    .orThrow();
            awaitSuperPackets(third, "segmented");

            uncut.run("ip", "link", "delete", "other").orThrow();

            awaitUncutTo(third);
        }

        /** What a pod with a packet socket writes: each would be cut into 65,000 packets. */
        @Test
        @Order(8)
        void aSuperPacketOfBytesDoesNotKeepOthersFromTheirs() {
            Pod other = uncut.addPod();
            assertThat(onUncut.canPing(onCutting)).isTrue();
            String link =
                    onUncut.run("cat", "/sys/class/net/eth0/ifindex").orThrow().strip();
            long before = malformed();

            CompletableFuture<Commands.Result> flood = CompletableFuture.supplyAsync(() -> onUncut.run(
                    "perl", "-e", SUPER_PACKETS, link, onUncut.address(), onCutting.address(), gatewayMac(), "4"));
            Commands.Result pings = other.run("ping", "-q", "-i", "0.1", "-w", "3", onCutting.address());

            int sent = Integer.parseInt(flood.join().orThrow().strip());
            assertThat(sent).isGreaterThan(50);
            Awaitility.await("all are dropped").atMost(SOON).until(() -> malformed() - before == sent);
            assertThat(pings.output()).doesNotContain(" 100% packet loss");
            assertThat(other.canPing(onCutting)).isTrue();
        }

        private String gatewayMac() {
            return uncut.run("cat", "/sys/class/net/docker0/address").orThrow().strip();
        }

        private long malformed() {
            return uncut.status()
                    .path("traffic")
                    .path("drops")
                    .path("out.malformed")
                    .asLong();
        }

        @Test
        @Order(8)
        void whereIpsecPoliciesAreNothingLeavesPastThem() {
            String[] policy = {"src", "198.51.100.1/32", "dst", "198.51.100.2/32", "dir", "out"};
            xfrm("add", policy);
            awaitSuperPackets(third, "segmented");
            assertThat(uncut.operator("status").output()).contains("cut here: this host has IPsec policies");
            long before = uncutWrites();
            assertThat(Transfer.tcp(onUncut, onThird, 5)).isTrue();
            assertThat(uncutWrites()).isEqualTo(before);

            xfrm("delete", policy);

            awaitUncutTo(third);
            assertThat(uncut.operator("status").output()).contains("flannel.1: uncut by flannel-gso0");
        }

        private void xfrm(String operation, String... policy) {
            List<String> command = new ArrayList<>(List.of("ip", "xfrm", "policy", operation));
            command.addAll(List.of(policy));
            uncut.run(command.toArray(String[]::new)).orThrow();
        }

        @Test
        @Order(9)
        void aRuleThatForbidsTheTunnelStopsIt() {
            assertThat(onUncut.canPing(onCutting)).isTrue();
            long carried = bytesOut(cutting);
            CompletableFuture<Boolean> transfer = CompletableFuture.supplyAsync(() -> tcpOrFailed(onUncut, onCutting));
            Awaitility.await("a stream").atMost(SOON).until(() -> bytesOut(cutting) - carried > 10_000_000);

            uncut.run("iptables", "-A", "OUTPUT", "-p", "udp", "--dport", "8472", "-d", cutting.address(), "-j", "DROP")
                    .orThrow();

            awaitSuperPackets(cutting, "segmented");
            long writes = uncutWrites();
            assertThat(onUncut.canPing(onCutting)).as("by a forbidden tunnel").isFalse();
            assertThat(uncutWrites()).as("past the rule").isEqualTo(writes);
            uncut.run("iptables", "-D", "OUTPUT", "-p", "udp", "--dport", "8472", "-d", cutting.address(), "-j", "DROP")
                    .orThrow();
            transfer.join();
        }

        private boolean tcpOrFailed(Pod from, Pod to) {
            try {
                return Transfer.tcp(from, to, 400);
            } catch (RuntimeException e) {
                return false;
            }
        }

        private long bytesOut(Node peer) {
            for (JsonNode one : uncut.peers()) {
                if (one.path("publicIp").asText().equals(peer.address())) {
                    return one.path("bytesOut").asLong();
                }
            }
            return 0;
        }

        @Test
        @Order(10)
        void afterAStopNothingIsLeft() {
            assertThat(uncut.stop()).isZero();

            assertThat(uncut.run("ip", "-o", "-br", "link").output()).doesNotContain("flannel");
        }
    }

    /** The cable carries packets uncut: so they arrive. */
    @Nested
    class OverVxlanOnVeth extends Cluster {
        OverVxlanOnVeth() {
            super(Lab.Underlay.ON, "\"Type\":\"vxlan\"", "kernel");
        }
    }

    @Nested
    class OverGeneve extends Cluster {
        OverGeneve() {
            super(Lab.Underlay.WIRE, "\"Type\":\"geneve\"", "");
        }
    }

    @Nested
    class OverUdp extends Cluster {
        OverUdp() {
            super(Lab.Underlay.WIRE, "\"Type\":\"udp\"", "");
        }
    }

    @Nested
    class OverTwoFamilies {
        @Test
        void bothLeaveUncut() {
            try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                    .configure("{\"EnableIPv6\":true,\"Network\":\"10.5.0.0/16\",\"IPv6Network\":\"fd00:5::/48\","
                            + "\"Backend\":{\"Type\":\"vxlan\"}}")) {
                lab.start();
                Node node = lab.node(1);
                assumeTrue(
                        node.run("ip", "link", "show", "flannel-gso1").succeeded(),
                        "this kernel takes no super-packets in tunnels");
                Pod here = node.addPod().addIpv6ByHand("docker0");
                Pod there = lab.node(2).addPod().addIpv6ByHand("docker0");
                Awaitility.await()
                        .atMost(SOON)
                        .until(() -> node.peers()
                                .path(0)
                                .path("superPackets")
                                .asText()
                                .equals("uncut"));
                for (String address : new String[] {there.address(), there.ipv6Address()}) {
                    Awaitility.await(address).atMost(SOON).until(() -> here.canPing(address));
                    long before = writes(node);
                    assertThat(Transfer.tcp(here, there, address, 50))
                            .as(address)
                            .isTrue();
                    assertThat(writes(node) - before).as(address).isGreaterThan(100);
                }
                assertThat(Commands.inNamespace(node.namespace(), "ip", "-6", "addr", "show", "dev", "flannel-gso0")
                                .output())
                        .as("addresses of the device")
                        .isBlank();
            }
        }
    }
}
