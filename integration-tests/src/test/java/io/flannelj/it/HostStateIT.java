package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.time.Duration;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the daemon finds on a host, keeps on it, and takes away again. */
@NeedsPrivileges
class HostStateIT {
    private static final Duration SOON = Duration.ofSeconds(15);
    private static final Duration LATE = Duration.ofSeconds(60);
    /** The regular repair comes every ten seconds. */
    private static final Duration REPAIRED = Duration.ofSeconds(13);

    private static final String VXLAN = "{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}";

    private static final String IPV6_FORWARDING = "net.ipv6.conf.all.forwarding";

    private Lab lab;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    @Test
    void theOwnSubnetEndsInABlackholeAndPodsDoNot() {
        lab = Lab.open(1, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}");
        Node node = lab.node(1).start("--ip-blackhole-route", "--iptables-resync", "1");
        String subnet = lab.leases().get(0).replace('-', '/');
        assertThat(node.run("ip", "route").output()).contains("blackhole " + subnet);

        node.run("ip", "route", "del", "blackhole", subnet).orThrow();
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(
                        () -> assertThat(node.run("ip", "route").output()).contains("blackhole " + subnet));
        Pod one = node.addPod();
        Pod two = node.addPod();
        assertThat(one.canPing(two)).isTrue();

        assertThat(node.stop()).isZero();
        assertThat(node.run("ip", "route").output()).doesNotContain("blackhole");
    }

    /** As after a changed pod CIDR, or when the lease of a node that was killed has gone to another one. */
    @Test
    void theBlackholeOfAFormerSubnetSwallowsNobody() {
        lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}");
        Node one = lab.node(1).start("--ip-blackhole-route");
        String former = lab.leases().get(0);
        one.kill();
        lab.etcd()
                .put(
                        Lab.PREFIX + "/subnets/" + former,
                        "{\"PublicIP\":\"" + lab.node(2).address() + "\"}");
        Node two = lab.node(2).start();
        assertThat(two.status().path("subnet").asText()).isEqualTo(former.replace('-', '/'));

        one.start("--ip-blackhole-route");

        String now = one.status().path("subnet").asText();
        assertThat(one.run("ip", "route").output())
                .contains("blackhole " + now)
                .doesNotContain("blackhole " + former.replace('-', '/'));
        one.awaitPeers(1);
        assertThat(one.addPod().canPing(two.addPod())).isTrue();
        one.kill();
        one.start();
        assertThat(one.run("ip", "route").output()).as("no longer wanted").doesNotContain("blackhole");
    }

    @Test
    void whatWorksAgainstUsIsNamedAtTheStart() {
        lab = Lab.open(1, Lab.Underlay.WIRE).configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"udp\"}}");
        Node node = lab.node(1);
        lab.etcd()
                .put(Lab.PREFIX + "/subnets/10.5.77.0-24", "{\"PublicIP\":\"192.168.100.77\",\"BackendType\":\"udp\"}");
        node.run("ip", "link", "add", "flannel.1", "type", "vxlan", "id", "1", "dev", "eth0", "dstport", "8472")
                .orThrow();
        node.run("ip", "link", "set", "flannel.1", "up").orThrow();
        node.run("ip", "route", "add", "10.5.77.0/24", "via", "10.5.77.0", "dev", "flannel.1", "onlink")
                .orThrow();
        node.start();
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(node.log())
                        .contains("the device flannel.1 is of another network", "ip link delete flannel.1")
                        .contains(
                                "the route 10.5.77.0/24 by flannel.1 is more specific",
                                "ip route delete 10.5.77.0/24"));
        assertThat(node.log()).doesNotContain("the route 10.5.0.0/16");
    }

    @Test
    void aHostThatForwardsNothingIsPutRightOrNamed() {
        lab = Lab.open(1, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"EnableNFTables\":true,\"Backend\":{\"Type\":\"host-gw\"}}");
        Node node = lab.node(1);
        node.run("sysctl", "-qw", "net.ipv4.ip_forward=0").orThrow();
        node.start();
        Awaitility.await().atMost(LATE).until(() -> forwards(node));
        assertThat(node.metrics()).contains("flannelj_repairs_total{kind=\"setting\"} 0");

        node.run("sysctl", "-qw", "net.ipv4.ip_forward=0").orThrow();
        node.run("iptables", "-P", "FORWARD", "DROP").orThrow();
        Awaitility.await().atMost(LATE).untilAsserted(() -> {
            assertThat(forwards(node)).isTrue();
            assertThat(node.metrics()).contains("flannelj_repairs_total{kind=\"setting\"} 1");
            assertThat(node.status().path("reasons").toString())
                    .contains("nftables table ip filter drops forwarded packets", "10.5.0.0/16");
        });
        assertThat(node.log()).contains("another program had turned net.ipv4.ip_forward off");

        node.run("iptables", "-A", "FORWARD", "-d", "10.5.0.0/16", "-j", "ACCEPT")
                .orThrow();
        Awaitility.await()
                .atMost(LATE)
                .untilAsserted(() ->
                        assertThat(node.status().path("reasons").toString()).doesNotContain("drops forwarded"));
    }

    @Test
    void whatFirewalldRejectsIsNamed() {
        lab = Lab.open(1, Lab.Underlay.WIRE).configure(VXLAN);
        Node node = lab.node(1);
        node.run("sh", "-c", """
                        nft -f - <<'END'
                        table inet firewalld {
                          chain filter_FORWARD_ZONES {
                            goto filter_FWD_public
                          }
                          chain filter_FWD_public {
                          }
                          chain filter_FORWARD {
                            type filter hook forward priority filter + 10; policy accept;
                            ct state { established, related } accept
                            jump filter_FORWARD_ZONES
                            reject with icmpx admin-prohibited
                          }
                        }
                        END""").orThrow();
        node.start();
        awaitReasons(node, "table inet firewalld drops forwarded packets", "--zone=trusted --add-source=10.5.0.0/16");

        node.run("nft", "insert rule inet firewalld filter_FORWARD_ZONES ip saddr 10.5.0.0/16 accept")
                .orThrow();
        Awaitility.await()
                .atMost(LATE)
                .untilAsserted(() ->
                        assertThat(node.status().path("reasons").toString()).doesNotContain("firewalld"));
    }

    @Test
    void ipv6IsForwardedAndAdvertisedRoutesStay() {
        lab = Lab.open(1, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","
                        + "\"Backend\":{\"Type\":\"vxlan\"}}");
        Node node = lab.node(1);
        node.run("sysctl", "-qw", IPV6_FORWARDING + "=0", "net.ipv6.conf.eth0.accept_ra=1")
                .orThrow();
        node.run("ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0", "proto", "ra")
                .orThrow();
        node.start();
        Awaitility.await()
                .atMost(LATE)
                .until(() -> setting(node, IPV6_FORWARDING).equals("1"));
        assertThat(setting(node, "net.ipv6.conf.eth0.accept_ra")).isEqualTo("2");
        assertThat(node.run("ip", "-6", "route", "show", "default").output()).contains("fe80::1");
        assertThat(node.metrics()).contains("flannelj_repairs_total{kind=\"setting\"} 0");

        node.run("sysctl", "-qw", IPV6_FORWARDING + "=0").orThrow();
        Awaitility.await()
                .atMost(LATE)
                .until(() -> setting(node, IPV6_FORWARDING).equals("1"));
        assertThat(node.metrics()).contains("flannelj_repairs_total{kind=\"setting\"} 1");
        assertThat(node.log()).contains("another program had turned net.ipv6.conf.all.forwarding off");
    }

    @Test
    void bridgedPacketsThatBypassIptablesAreNamedAllAlong() {
        lab = Lab.open(1, Lab.Underlay.WIRE).configure(VXLAN);
        Node node = lab.node(1).start();
        assertThat(node.status().path("reasons").toString()).doesNotContain("bridge-nf");

        node.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0").orThrow();
        awaitReasons(node, "bypass iptables", "sysctl -w net.bridge.bridge-nf-call-iptables=1");
        node.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1").orThrow();
        Awaitility.await()
                .atMost(LATE)
                .untilAsserted(() ->
                        assertThat(node.status().path("reasons").toString()).doesNotContain("bridge-nf"));
    }

    private static void awaitReasons(Node node, String... texts) {
        Awaitility.await()
                .atMost(LATE)
                .untilAsserted(() ->
                        assertThat(node.status().path("reasons").toString()).contains(texts));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ip link set flannel.1 mtu 1300         | link    | the MTU of flannel.1
            ip link set flannel.1 down             | link    | the state of flannel.1
            ip address flush dev flannel.1         | address | the address 10.5.
            ip route delete 10.5.0.0/16            | route   | the route to 10.5.0.0/16 by flannel.1
            """)
    void whatAnotherProgramChangesIsPutRightAndTold(String command, String kind, String told) {
        lab = Lab.open(1, Lab.Underlay.WIRE).configure(VXLAN).start();
        Node node = lab.node(1);
        String count = "flannelj_repairs_total{kind=\"" + kind + "\"} ";
        assertThat(node.metrics()).contains(count + "0");
        // A change is told from the second regular repair on, when it is known how the host was.
        Awaitility.await().pollDelay(REPAIRED).atMost(LATE).untilAsserted(() -> {
            node.run("sh", "-c", command).orThrow();
            Awaitility.await()
                    .atMost(REPAIRED)
                    .untilAsserted(() -> assertThat(node.metrics()).doesNotContain(count + "0"));
        });
        assertThat(node.log()).containsPattern("another program had changed .*" + Pattern.quote(told) + ".*put right");
        assertThat(node.run("ip", "route").output()).contains("10.5.0.0/16 dev flannel.1");
    }

    private static boolean forwards(Node node) {
        return setting(node, "net.ipv4.ip_forward").equals("1");
    }

    private static String setting(Node node, String key) {
        return node.run("sysctl", "-n", key).output().strip();
    }
}
