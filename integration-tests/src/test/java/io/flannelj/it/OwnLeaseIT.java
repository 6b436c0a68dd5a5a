package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.EtcdServer;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of a node whose own lease is in question, by real daemons and a real etcd. */
@NeedsPrivileges
class OwnLeaseIT {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final Duration LATE = Duration.ofSeconds(60);
    private static final String CONFIG = "{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}";

    private Lab lab;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    /** Nobody else may get the subnet while we still send from it, so we stop when it has provably ended. */
    @Test
    void bugAnExpiredLeaseIsNotUsedAndTheNodeGoesOnWhenEtcdIsBack() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(CONFIG);
        lab.nodes().forEach(node -> node.startDaemon("--subnet-lease-ttl", "15"));
        lab.nodes().forEach(Node::awaitReady);
        lab.nodes().forEach(node -> node.awaitPeers(1));
        Node node = lab.node(1);
        Pod here = node.addPod();
        Pod there = lab.node(2).addPod();
        assertThat(here.canPing(there)).isTrue();

        lab.etcd().freeze();
        Wait.until(node::log, LATE, () -> node.log().contains("sending nothing from it until it is"));
        assertThat(here.canPing(there)).as("with an ended lease").isFalse();
        assertThat(node.readyz()).startsWith("HTTP/1.1 503");
        assertThat(node.isRunning()).isTrue();

        lab.etcd().thaw();
        lab.nodes().forEach(Node::awaitReady);
        lab.nodes().forEach(one -> one.awaitPeers(1));
        Wait.until(node::log, SOON, () -> here.canPing(there));
        assertThat(lab.leases()).hasSize(2);
    }

    @Test
    void aRestartWithoutEtcdServesWhatWasWrittenDown() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(CONFIG).start();
        Node node = lab.node(1);
        Pod here = node.addPod();
        Pod there = lab.node(2).addPod();
        String subnet = node.status().path("subnet").asText();
        EtcdServer etcd = lab.etcd();
        Wait.until(node::log, SOON, () -> node.hasWrittenDown(1));

        etcd.kill();
        node.kill();
        node.start();
        assertThat(node.status().path("subnet").asText()).isEqualTo(subnet);
        Wait.until(node::log, SOON, () -> here.canPing(there));

        etcd.restart();
        String other = lab.node(2).status().path("subnet").asText();
        lab.node(2).kill();
        etcd.delete(Lab.PREFIX + "/subnets/" + other.replace('/', '-'));
        node.awaitPeers(0);
    }

    /** The clock of a machine that was off tells how much of the lease is left only where it is kept right. */
    @Test
    void anotherBootWithoutEtcdAndWithoutASynchronisedClockServesNothing() throws Exception {
        lab = Lab.open(1, Lab.Underlay.ON).configure(CONFIG).start();
        Node node = lab.node(1);
        Wait.until(node::log, SOON, () -> node.hasWrittenDown(0));
        lab.etcd().kill();
        node.kill();
        Path file = node.directory().resolve("state/leases.json");
        Files.writeString(
                file,
                Files.readString(file)
                        .replaceFirst("\"boot\":\"[^\"]+\"", "\"boot\":\"another\"")
                        .replaceFirst("\"synchronised\":[a-z]+", "\"synchronised\":false"));

        node.startDaemon();
        Wait.until(node::log, SOON, () -> node.log().contains("cannot stand for the store"));
        assertThat(node.log()).doesNotContain("as written down at");

        lab.etcd().restart();
        node.awaitReady();
    }

    /** The versions of the keys are others than a node wrote last; what they say is the same. */
    @Test
    void bugALeaseOfARestoredEtcdIsTakenForAnotherNodesIsFixed() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(CONFIG);
        lab.nodes().forEach(node -> node.startDaemon("--subnet-lease-ttl", "20"));
        lab.nodes().forEach(Node::awaitReady);
        lab.nodes().forEach(node -> node.awaitPeers(1));
        Pod here = lab.node(1).addPod();
        Pod there = lab.node(2).addPod();
        EtcdServer etcd = lab.etcd();
        Path snapshot = etcd.snapshot();
        long before = etcd.revision();
        Wait.until("both leases are renewed", LATE, () -> etcd.revision() >= before + 2);

        etcd.kill();
        etcd.restore(snapshot);
        Wait.until("both leases are renewed again", LATE, () -> etcd.revision() >= before + 2);
        lab.nodes().forEach(Node::awaitReady);
        Wait.until(lab.node(1)::log, SOON, () -> here.canPing(there));
        assertThat(lab.leases()).hasSize(2);
        assertThat(lab.node(1).log() + lab.node(2).log()).doesNotContain("another node", "is over");
    }

    /** As it had promised when it saw the config: "going on with the one before". */
    @Test
    void aBrokenConfigDoesNotEndANodeThatMakesItsDeviceAnew() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(CONFIG).start();
        Node node = lab.node(1);
        Pod here = node.addPod();
        Pod there = lab.node(2).addPod();
        lab.etcd().put(Lab.PREFIX + "/config", "{\"Network\":\"nonsense\"}");
        Wait.until(node::log, SOON, () -> node.log().contains("going on with the one before"));

        node.run("ip", "link", "delete", "flannel.1").orThrow();
        Wait.until(node::log, SOON, () -> node.log().contains("making it anew"));
        Wait.until(node::log, LATE, () -> here.canPing(there));
        assertThat(node.isRunning()).isTrue();
    }

    @Test
    void twoNodesWithOnePublicAddressAreNamed() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(CONFIG);
        Node first = lab.node(1).start();
        Node second = lab.node(2);
        second.startDaemon("--iface", "eth0", "--public-ip", first.address());
        String said = "another node uses our address " + first.address();
        Wait.until(() -> first.log() + second.log(), LATE, () -> (first.log() + second.log()).contains(said));
        assertThat(first.isRunning() && second.isRunning()).isTrue();
        Wait.until(
                () -> first.readyz() + second.readyz(), SOON, () -> (first.readyz() + second.readyz()).contains(said));

        second.stop();
        Wait.until(first::readyz, LATE, () -> first.readyz().startsWith("HTTP/1.1 200"));
        second.start();
        first.awaitPeers(1);
    }

    @Test
    void aFullEtcdIsNamedWithItsRemedy() {
        lab = Lab.open(1, Lab.Underlay.ON);
        EtcdServer etcd = lab.startSmallEtcd();
        lab.configure(CONFIG);
        etcd.fill(Lab.PREFIX + "/other");
        Node node = lab.node(1);
        node.startDaemon();
        Wait.until(node::log, SOON, () -> node.log().contains("alarm disarm"));
        assertThat(node.readyz()).startsWith("HTTP/1.1 503").contains("disk quota is full");

        etcd.makeRoom(Lab.PREFIX + "/other");
        node.awaitReady();
    }
}
