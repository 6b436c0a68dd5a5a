package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Mistakes of operators: one clear answer that names the thing and the remedy, and the right exit status. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputIT {
    private static final String GOOD = "{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}";

    private Lab lab;

    @BeforeAll
    void build() {
        lab = Lab.open(2, Lab.Underlay.ON);
    }

    @AfterAll
    void tearDown() {
        lab.close();
    }

    @Test
    void fiveMistakesInTheConfigAreToldAtOnce() {
        lab.configure(
                "{\"Network\":\"10.5.0.0/16\",\"SubnetLen\":31,\"EnableIPv6\":true,\"IPv6Network\":7,\"EnableNFTables\":\"no\",\"Backend\":{\"Type\":\"vxlan\",\"VNI\":-1,\"Port\":70000}}");
        Node node = lab.addNode();
        node.startDaemon();

        assertThat(node.awaitExit()).isEqualTo(2);
        assertThat(node.log())
                .contains(
                        "5 problems", "SubnetLen:", "Backend.Port:", "IPv6Network:", "EnableNFTables:", "Backend.VNI:")
                .doesNotContain("Exception");
    }

    @Test
    void ipv6AloneIsRefusedForEtcdByName() {
        lab.configure(
                "{\"EnableIPv4\":false,\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\",\"Backend\":{\"Type\":\"vxlan\"}}");
        Node node = lab.addNode();
        node.startDaemon();

        assertThat(node.awaitExit()).isEqualTo(2);
        assertThat(node.log()).contains("EnableIPv4: must be true in etcd", "--kube-subnet-mgr");
    }

    @Test
    void anUnknownBackendIsNamed() {
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"carrier-pigeon\"}}");
        Node node = lab.addNode();
        node.startDaemon();

        assertThat(node.awaitExit()).isEqualTo(2);
        assertThat(node.log())
                .contains(
                        "Backend.Type: \"carrier-pigeon\"",
                        "available: alloc, extension, geneve, host-gw, ipip, udp, vxlan");
    }

    @Test
    void aTunnelThatTheKernelLacksIsNamed() {
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"ipip\",\"Datapath\":\"kernel\"}}");
        Node node = lab.addNode();
        assumeFalse(
                node.run("ip", "link", "add", "probe", "type", "ipip", "local", node.address())
                        .succeeded(),
                "this kernel has IP in IP tunnels");
        node.startDaemon();

        assertThat(node.awaitExit()).isEqualTo(1);
        assertThat(node.log())
                .contains("this kernel has no IP in IP tunnel", "modprobe ipip")
                .doesNotContain("Exception");
    }

    @Test
    void wrongFlagsAreToldAtOnce() {
        Node node = lab.addNode();
        node.startDaemon("--healthz-port", "99999", "--public-ip", "me", "--iptables-resync=0");

        assertThat(node.awaitExit()).isEqualTo(2);
        assertThat(node.log()).contains("3 problems", "--healthz-port", "--public-ip", "--iptables-resync");
        Node other = lab.addNode();
        other.startDaemon("--ifase", "eth0");
        assertThat(other.awaitExit()).isEqualTo(2);
        assertThat(other.log()).contains("--ifase; did you mean --iface?");
        Node kube = lab.addNode();
        kube.startDaemon("--kube-subnet-mgr");
        assertThat(kube.awaitExit()).isEqualTo(2);
        assertThat(kube.log()).contains("--kube-subnet-mgr: needs to know its node", "NODE_NAME");
    }

    @Test
    void withoutATunDriverTheRemedyIsNamed() {
        lab.configure(GOOD);
        Node node = lab.addNode();
        node.startDaemon("--tun-device", "/dev/net/none");

        assertThat(node.awaitExit()).isEqualTo(1);
        assertThat(node.log())
                .contains("open /dev/net/none: ENOENT", "modprobe tun")
                .doesNotContain("Exception");
        assertThat(node.run("ip", "route").output()).doesNotContain("10.5.");
    }

    @Test
    void aTakenPortIsNamed() {
        lab.configure(GOOD);
        Node node = lab.addNode();
        node.run("ip", "link", "add", "flannel.9", "type", "vxlan", "id", "9", "dstport", "8472", "dev", "eth0")
                .orThrow();
        node.run("ip", "link", "set", "flannel.9", "up").orThrow();
        node.startDaemon();

        assertThat(node.awaitExit()).isEqualTo(1);
        assertThat(node.log()).contains("bind UDP " + node.address() + ":8472: EADDRINUSE");
        assertThat(node.run("ip", "-br", "link").output()).contains("flannel.9").doesNotContain("flannel.1");
    }

    @Test
    void aLinkThatFlannelLeftIsNamedAndLeftAlone() {
        lab.configure(GOOD);
        Node node = lab.addNode();
        node.run("ip", "link", "add", "flannel.1", "type", "bridge").orThrow();
        node.startDaemon();

        assertThat(node.awaitExit()).isEqualTo(1);
        assertThat(node.log()).contains("make TUN device flannel.1", "delete it if flannel left it");
        assertThat(node.run("ip", "link", "show", "flannel.1").succeeded()).isTrue();
    }

    @Test
    void withoutPrivilegesTheyAreAskedFor() {
        Node node = lab.addNode();
        String output = node.run(
                        "setpriv",
                        "--bounding-set=-net_admin",
                        "--inh-caps=-net_admin",
                        System.getProperty("flannelj.launcher", "../deploy/target/flanneld-j/bin/flanneld-j"),
                        "--control-socket",
                        node.controlSocketFile().toString())
                .errors();
        assertThat(output).contains("needs CAP_NET_ADMIN", "--cap-add NET_ADMIN");
    }

    @Test
    void twoDaemonsDoNotShareAControlSocket() {
        lab.configure(GOOD);
        Node node = lab.addNode();
        node.start();
        String output = node.operatorAsDaemon().errors();
        assertThat(output).contains("another flanneld-j answers at " + node.controlSocketFile());
        assertThat(node.status().path("ready").asBoolean()).isTrue();
    }

    @Test
    void aPoolWithOneFreeSubnetServesOneOfTwo() {
        lab.configure(
                "{\"Network\":\"10.9.0.0/26\",\"SubnetLen\":28,\"SubnetMin\":\"10.9.0.16\",\"SubnetMax\":\"10.9.0.16\",\"Backend\":{\"Type\":\"host-gw\"}}");
        List<Node> both = List.of(lab.node(1), lab.node(2));
        both.forEach(Node::startDaemon);

        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> both.stream()
                                .filter(node -> node.readyz().startsWith("HTTP/1.1 200"))
                                .count()
                        == 1);
        Node winner = both.stream()
                .filter(node -> node.readyz().startsWith("HTTP/1.1 200"))
                .findFirst()
                .orElseThrow();
        Node loser = both.stream().filter(node -> node != winner).findFirst().orElseThrow();
        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .until(() -> loser.log().contains("out of subnets"));
        assertThat(loser.readyz()).startsWith("HTTP/1.1 503").contains("out of subnets");
        assertThat(loser.isRunning()).isTrue();

        winner.stop();
        lab.etcd().delete(Lab.PREFIX + "/subnets/10.9.0.16-28");
        loser.awaitReady();
        assertThat(loser.log().lines().filter(line -> line.contains("out of subnets")))
                .as("said once")
                .hasSize(1);
    }
}
