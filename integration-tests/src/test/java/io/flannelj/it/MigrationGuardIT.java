package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.it.AttackedCluster.Attack;
import io.flannelj.it.AttackedCluster.Carrier;
import io.flannelj.lab.Attacker;
import io.flannelj.lab.Forgery;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Wait;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pods of a node that knows the new encapsulation alone, while others keep the tunnel of the earlier one. */
@NeedsPrivileges
class MigrationGuardIT {
    private static final String UDP_PORT = ":8285 ";
    private static final int NEW_PORT = 4789;

    @Test
    void anEarlierTunnelTakesNothingFromNodesThatDoNotKnowIt() {
        try (AttackedCluster cluster = AttackedCluster.open(Carrier.UDP, config("udp"), MigrationGuardIT::migrate)) {
            Node victim = cluster.remoteNode();
            assertThat(victim.run("ss", "-Hulnp").output()).contains(UDP_PORT);
            assertThat(cluster.attackersNode().run("ss", "-Hulnp").output()).doesNotContain(UDP_PORT);

            for (String source : new String[] {
                cluster.neighbour.address(), cluster.attackersNode().address()
            }) {
                byte[] inner = Forgery.inner(source, cluster.there.address());
                Attack attack =
                        new Attack(cluster.there, () -> cluster.attacker().sendUdp(victim.address(), 8285, inner));
                assertThat(cluster.reaches(attack))
                        .as("a packet from " + source)
                        .isFalse();
            }
            assertThat(cluster.here.canPing(cluster.there)).isTrue();
        }
    }

    /** Another port takes a restart; the node of the attacker's pod has not restarted, and the victim's has. */
    @ParameterizedTest
    @ValueSource(strings = {"userspace", "kernel"})
    void aNodeThatHasNotRestartedKeepsItsPodsFromTheNewPort(String datapath) {
        try (AttackedCluster cluster =
                AttackedCluster.open(Carrier.VXLAN, vxlan(datapath, 8472), lab -> changePort(lab, datapath))) {
            Node victim = cluster.remoteNode();
            byte[] packet = Forgery.vxlan(
                    1,
                    cluster.vtepMac(victim),
                    cluster.vtepMac(cluster.attackersNode()),
                    Forgery.inner(cluster.neighbour.address(), cluster.there.address()));
            Attack byPod =
                    new Attack(cluster.there, () -> cluster.attacker().sendUdp(victim.address(), NEW_PORT, packet));
            Attack byNode = new Attack(
                    cluster.there,
                    () -> Attacker.in(cluster.attackersNode()).sendUdp(victim.address(), NEW_PORT, packet));

            assertThat(cluster.reaches(byNode))
                    .as("the same packet of its node")
                    .isTrue();
            assertThat(cluster.reaches(byPod)).as("a packet of the pod").isFalse();
        }
    }

    private static void changePort(Lab lab, String datapath) {
        lab.start();
        lab.configure(vxlan(datapath, NEW_PORT));
        Wait.until(
                "node 1 has read the new config",
                Duration.ofSeconds(30),
                () -> lab.node(1).status().path("reasons").toString().contains("at the next start only"));
        lab.node(2).stop();
        lab.node(2).start();
        lab.node(2).awaitPeers(2);
    }

    private static String vxlan(String datapath, int port) {
        return "{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\",\"Datapath\":\"" + datapath
                + "\",\"Port\":" + port + "}}";
    }

    /** Two nodes change from udp to vxlan with a peer that does not, and a third one starts after the change. */
    private static void migrate(Lab lab) {
        lab.node(2).start();
        lab.node(3).start();
        lab.etcd().put(Lab.PREFIX + "/subnets/10.5.200.0-24", "{\"PublicIP\":\"192.168.100.77\"}");
        lab.node(2).awaitPeers(2);
        lab.configure(config("vxlan"));
        Wait.until(
                "node 2 migrates",
                Duration.ofSeconds(30),
                () -> lab.node(2).status().path("device").asText().contains("flannel.1"));
        lab.node(1).start();
        lab.nodes().forEach(node -> node.awaitPeers(3));
    }

    private static String config(String type) {
        return "{\"Network\":\"10.5.0.0/16\",\"SubnetMax\":\"10.5.179.0\",\"Backend\":{\"Type\":\"" + type + "\"}}";
    }
}
