package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What happens when things break, and that nothing is left behind. */
@NeedsPrivileges
class FaultsIT {
    private static final String VXLAN = "{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}";
    private static final int STORE_AWAY_SECONDS = Integer.getInteger("flannelj.storeAwaySeconds", 12);

    private Lab lab;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    @Test
    void aKilledDaemonComesBackAsItWas() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(VXLAN).start();
        Node node = lab.node(1);
        Pod here = node.addPod();
        Pod there = lab.node(2).addPod();
        assertThat(here.canPing(there)).isTrue();
        String subnet = node.status().path("subnet").asText();
        String lease = lease(subnet);

        node.kill();
        node.startDaemon();
        awaitPing(
                here,
                there,
                Duration.ofSeconds(30)); // how long it takes is measured, not asserted: docs/performance.md

        node.awaitReady();
        assertThat(node.status().path("subnet").asText()).isEqualTo(subnet);
        assertThat(lease(subnet)).as("address and VTEP MAC in the lease").isEqualTo(lease);
        assertThat(there.canPing(here)).isTrue();
    }

    private String lease(String subnet) {
        String key = Lab.PREFIX + "/subnets/" + subnet.replace('/', '-');
        return lab.etcd().list(key).get(0).value();
    }

    @Test
    void anEtcdThatIsNotThereYetIsWaitedFor() {
        lab = Lab.open(1, Lab.Underlay.ON).configure(VXLAN);
        lab.etcd().kill();
        Node node = lab.node(1);
        node.startDaemon();
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> node.log().contains("not reachable"));

        assertThat(node.readyz()).startsWith("HTTP/1.1 503").contains("not reachable");
        assertThat(node.operator("status").exitStatus()).isEqualTo(1);
        Awaitility.await()
                .during(Duration.ofSeconds(2))
                .atMost(Duration.ofSeconds(4))
                .until(() -> node.isRunning());
        lab.etcd().restart();
        node.awaitReady();

        assertThat(node.log().lines().filter(line -> line.contains("not reachable")))
                .as("said once")
                .hasSize(1);
        assertThat(node.log()).contains("answers again");
    }

    @Test
    void trafficGoesOnWhileEtcdIsAway() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(VXLAN).start();
        Pod here = lab.node(1).addPod();
        Pod there = lab.node(2).addPod();

        lab.etcd().kill();
        int count = STORE_AWAY_SECONDS * 10;
        Commands.Result ping = here.run("ping", "-i0.1", "-c", String.valueOf(count), there.address());

        Pings.Outcome outcome = Pings.outcome(ping.output());
        assertThat(outcome.sent()).isEqualTo(count);
        assertThat(outcome.lost()).as("pings without an answer").isZero();
        assertThat(lab.node(1).log().lines().count()).as("log lines").isLessThan(20);
        lab.etcd().restart();
        Node late = lab.addNode();
        late.start();
        lab.node(1).awaitPeers(2);
        assertThat(late.addPod().canPing(here)).isTrue();
    }

    @Test
    void aDeletedLeaseIsClaimedAgain() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(VXLAN).start();
        Node node = lab.node(1);
        String subnet = node.status().path("subnet").asText();
        String key = Lab.PREFIX + "/subnets/" + subnet.replace('/', '-');

        lab.etcd().delete(key);

        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .until(() -> !lab.etcd().list(key).isEmpty());
        assertThat(node.status().path("subnet").asText()).isEqualTo(subnet);
        lab.node(2).awaitPeers(1);
    }

    @Test
    void upAndDownLeavesTheNodeAsItWas() {
        lab = Lab.open(2, Lab.Underlay.ON);
        for (String backend : new String[] {"vxlan", "udp", "host-gw"}) {
            boolean nftables = backend.equals("udp");
            Node node = lab.node(1);
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"EnableNFTables\":" + nftables + ",\"Backend\":{\"Type\":\""
                    + backend + "\"}}");
            // iptables makes its own tables and chains at the first rule and never removes them.
            for (String action : new String[] {"-A", "-D"}) {
                node.run("iptables", "-t", "nat", action, "POSTROUTING", "-j", "RETURN")
                        .orThrow();
                node.run("iptables", action, "FORWARD", "-j", "RETURN").orThrow();
                for (String chain : new String[] {"PREROUTING", "OUTPUT"}) {
                    node.run("iptables", "-t", "raw", action, chain, "-j", "RETURN")
                            .orThrow();
                }
                for (String chain : new String[] {"INPUT", "FORWARD", "POSTROUTING"}) {
                    node.run("iptables", "-t", "mangle", action, chain, "-j", "RETURN")
                            .orThrow();
                }
            }
            String before = node.snapshot();
            lab.start();
            Pod pod = node.addPod();
            assertThat(pod.canPing(lab.node(2).addPod()))
                    .as("%s, nftables %s", backend, nftables)
                    .isTrue();
            assertThat(node.snapshot()).isNotEqualTo(before);

            pod.remove();
            lab.node(2).pods().forEach(Pod::remove);
            assertThat(node.stop()).isZero();
            assertThat(lab.node(2).stop()).isZero();
            // The bridge is the plugin's and stays, as with every CNI plugin, for Docker may use it too.
            node.run("ip", "link", "delete", "docker0").orThrow();
            lab.node(2).run("ip", "link", "delete", "docker0").orThrow();

            assertThat(node.snapshot()).as("%s, nftables %s", backend, nftables).isEqualTo(before);
        }
    }

    @Test
    void rulesThatSomebodyRemovesComeBack() {
        lab = Lab.open(1, Lab.Underlay.ON).configure(VXLAN);
        Node node = lab.node(1);
        node.start("--iptables-resync", "1");
        String before = node.run("iptables-save", "-t", "nat").output();
        assertThat(before).contains("FLANNEL-POSTRTG");

        node.run("iptables", "-t", "nat", "-F", "FLANNEL-POSTRTG").orThrow();

        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .until(() -> node.run("iptables-save", "-t", "nat").output().contains("MASQUERADE"));
        assertThat(node.metrics()).containsPattern("flannelj_repairs_total\\{kind=\"firewall\"} [1-9]");
    }

    @Test
    void aTunDeviceThatSomebodyTouchesIsPutRight() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(VXLAN).start();
        Node node = lab.node(1);
        Pod here = node.addPod();
        Pod there = lab.node(2).addPod();
        assertThat(here.canPing(there)).isTrue();

        node.run("ip", "link", "set", "flannel.1", "down").orThrow(); // its route goes with it
        awaitPing(here, there, Duration.ofSeconds(15));
        node.run("ip", "link", "delete", "flannel.1").orThrow();
        awaitPing(here, there, Duration.ofSeconds(15));

        assertThat(node.log()).contains("flannel.1 was deleted");
        node.awaitReady(); // packets flow a little earlier
        assertThat(node.metrics())
                .as("counters of the new device")
                .containsPattern("flannelj_packets_total\\{direction=\"out\",stage=\"delivered\"} [1-9]");
    }

    private static void awaitPing(Pod from, Pod to, Duration atMost) {
        Awaitility.await()
                .atMost(atMost)
                .pollInterval(Duration.ofMillis(100))
                .until(() -> from.run("ping", "-c1", "-W1", to.address()).succeeded());
    }
}
