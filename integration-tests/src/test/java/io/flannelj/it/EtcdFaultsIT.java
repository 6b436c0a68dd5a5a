package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Authority;
import io.flannelj.lab.EtcdCluster;
import io.flannelj.lab.EtcdServer;
import io.flannelj.lab.Lab;
import io.flannelj.lab.LabException;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * What befalls etcd while packets flow between pods of two nodes. Whatever it is: not one is lost, the log stays short, and
 * a change in the store is known everywhere soon after the end. {@code -Dflannelj.faultSeconds=300} makes outages long.
 */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EtcdFaultsIT {
    private static final int FAULT_SECONDS = Integer.getInteger("flannelj.faultSeconds", LongRun.IN_CI ? 8 : 4);
    private static final double CONVERGED_WITHIN_SECONDS = 10;
    private static final int LOG_LINES_A_MINUTE = 20;

    private static final Duration SOON = Duration.ofSeconds(20);
    private static final Duration LATE = Duration.ofSeconds(40);

    private Lab lab;
    private EtcdServer etcd;
    private Path ofBeforeAnyLease;
    private Flow flow;

    @BeforeAll
    void build() {
        lab = configured(Lab.open(2, Lab.Underlay.ON));
        etcd = lab.etcd();
        ofBeforeAnyLease = etcd.snapshot();
        lab.start();
        flow = new Flow(lab, etcd);
    }

    @AfterAll
    void tearDown() {
        if (lab != null) {
            lab.close();
        }
    }

    private static Lab configured(Lab lab) {
        return lab.configure(
                "{\"Network\":\"10.5.0.0/16\",\"SubnetMax\":\"10.5.199.0\",\"Backend\":{\"Type\":\"vxlan\"}}");
    }

    @Test
    void killed() {
        flow.undisturbed("killed", () -> {
            etcd.kill();
            pass();
            etcd.restart();
        });
    }

    @Test
    void frozen() {
        flow.undisturbed("frozen", () -> {
            etcd.freeze();
            pass();
            etcd.thaw();
        });
    }

    /** It answers, but each time late. */
    @Test
    @LongRun
    void slow() {
        flow.undisturbed("slow", () -> {
            for (int i = 0; i < 2 * FAULT_SECONDS; i++) {
                etcd.freeze();
                sleep(Duration.ofMillis(400));
                etcd.thaw();
                sleep(Duration.ofMillis(100));
            }
        });
    }

    @Test
    void compactedWhileItIsWatched() {
        flow.undisturbed("compacted while watched", () -> {
            for (int i = 0; i < 20; i++) {
                for (int j = 0; j < 10; j++) {
                    etcd.put(Lab.PREFIX + "/other", "change " + j);
                }
                etcd.compact(etcd.revision());
            }
        });
    }

    @Test
    void partitionedAndCompactedMeanwhile() {
        Node left = lab.node(1);
        Node right = lab.node(2);
        String gone = "10.5.252.0-24";
        flow.announce(gone);
        flow.awaitPeers(2);
        flow.undisturbed("partitioned, then compacted", () -> !Flow.knows(left, gone), () -> {
            etcd.cutOff(left);
            etcd.delete(key(gone));
            right.awaitPeers(1);
            etcd.put(Lab.PREFIX + "/other", "one more");
            etcd.compact(etcd.revision());
            pass();
            assertThat(Flow.knows(left, gone)).as("as before").isTrue();
            etcd.reconnect(left);
        });
    }

    @Test
    void restoredFromAnOlderSnapshot() {
        flow.undisturbed("restored from an older snapshot", this::bothHaveClaimed, () -> {
            etcd.kill();
            etcd.restore(ofBeforeAnyLease);
        });
    }

    /** Somebody writes so much before the nodes are back that the revision tells nothing any more. */
    @Test
    void restoredAndOvertaken() {
        List<Node> nodes = lab.nodes();
        flow.undisturbed("restored, and overtaken", this::bothHaveClaimed, () -> {
            long before = etcd.revision();
            nodes.forEach(etcd::cutOff);
            etcd.kill();
            etcd.restore(ofBeforeAnyLease);
            while (etcd.revision() < before + 10) {
                etcd.put(Lab.PREFIX + "/other", "of another program");
            }
            nodes.forEach(etcd::reconnect);
        });
    }

    private boolean bothHaveClaimed() {
        return lab.leases().size() == 3; // and there is the one that tells whether changes are seen
    }

    @Test
    @LongRun
    void certificatesEnd() {
        try (Lab own = Lab.open(2, Lab.Underlay.ON)) {
            Authority authority = own.authority();
            Authority.Pair server = authority.issue("etcd", Lab.SWITCH_ADDRESS);
            Authority.Pair client = authority.issue("daemon", own.node(1).address());
            EtcdServer store = own.startTlsEtcd(authority, server, true);
            String[] flags = {
                "--etcd-cafile", authority.certificate().toString(),
                "--etcd-certfile", client.certificate().toString(),
                "--etcd-keyfile", client.key().toString()
            };
            configured(own).nodes().forEach(node -> node.startDaemon(flags));
            new Flow(own, store).undisturbed("certificates end", () -> {
                authority.issue("etcd", Lab.SWITCH_ADDRESS, Duration.ZERO);
                authority.issue("daemon", own.node(1).address(), Duration.ZERO);
                store.kill();
                store.restart();
                pass();
                assertThat(own.node(1).readyz()).contains("not reachable");
                authority.issue("etcd", Lab.SWITCH_ADDRESS);
                authority.issue("daemon", own.node(1).address());
            });
        }
    }

    @Test
    @LongRun
    void theLeaderGoes() {
        try (Lab own = Lab.open(2, Lab.Underlay.ON)) {
            EtcdCluster store = own.startEtcdCluster();
            configured(own).nodes().forEach(Node::startDaemon);
            EtcdServer first = store.leader();
            EtcdServer other = store.members().stream()
                    .filter(member -> member != first)
                    .findFirst()
                    .orElseThrow();
            Flow flow = new Flow(own, other);
            flow.undisturbed("leader killed", () -> {
                first.kill();
                store.leaderInsteadOf(first);
            });
            first.restart();
            EtcdServer second = store.leader();
            flow.undisturbed("leader frozen", () -> {
                second.freeze();
                store.leaderInsteadOf(second);
                pass();
                second.thaw();
            });
            flow.undisturbed("two of three killed", () -> {
                first.kill();
                second.kill();
                pass();
                first.restart();
                second.restart();
            });
        }
    }

    @Test
    void theAuthorityAloneIsHonoured() {
        try (Lab own = Lab.open(1, Lab.Underlay.ON)) {
            Authority authority = own.authority();
            own.startTlsEtcd(authority, authority.issue("etcd", Lab.SWITCH_ADDRESS), false);
            Node node = configured(own).node(1);

            node.startDaemon();
            Wait.until(node::log, SOON, () -> node.log().contains("not reachable"));
            assertThat(node.stop()).isZero();

            node.start("--etcd-cafile", authority.certificate().toString());
            assertThat(own.leases()).hasSize(1);
        }
    }

    @Test
    void aUserWithAPasswordIsLetInAlsoAfterARestartOfEtcd() {
        try (Lab own = Lab.open(2, Lab.Underlay.ON)) {
            configured(own).etcd().demandPasswords("flannel", "geheim", Lab.PREFIX);
            Node first = own.node(1);
            first.startDaemon("--etcd-username", "flannel", "--etcd-password", "wrong");
            Wait.until(first::log, SOON, () -> first.log().contains("--etcd-username"));
            assertThat(first.log()).doesNotContain("wrong");
            assertThat(first.stop()).isZero();

            own.nodes().forEach(node -> node.startDaemon("--etcd-username", "flannel", "--etcd-password", "geheim"));
            new Flow(own, own.etcd()).undisturbed("killed, with passwords", () -> {
                own.etcd().kill();
                own.etcd().restart();
                own.etcd().logInAgain();
            });
            assertThat(first.log()).doesNotContain("geheim");

            own.etcd().revoke("flannel", Lab.PREFIX);
            own.etcd().kill(); // whoever asks anew is told
            own.etcd().restart();
            own.etcd().logInAgain();
            Wait.until(first::readyz, LATE, () -> first.readyz().contains("the user's role"));
            assertThat(first.readyz()).startsWith("HTTP/1.1 503");
            own.etcd().grant("flannel", Lab.PREFIX);
            first.awaitReady();
        }
    }

    /** One endpoint refuses, one does not even answer; the third is etcd. */
    @Test
    void deadEndpointsAreStepsToTheNext() {
        try (Lab own = configured(Lab.open(1, Lab.Underlay.ON))) {
            Node node = own.node(1);
            long begin = System.nanoTime();
            node.start(
                    "--etcd-endpoints",
                    "http://" + node.address() + ":2379,http://192.168.100.250:2379,"
                            + own.etcd().url());
            System.out.printf(Locale.ROOT, "two dead endpoints: ready after %.1f s%n", secondsSince(begin));
            assertThat(own.leases()).hasSize(1);
        }
    }

    private static void pass() {
        sleep(Duration.ofSeconds(FAULT_SECONDS));
    }

    private static void sleep(Duration time) {
        try {
            Thread.sleep(time.toMillis()); // the outage is what is tested
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    private interface Fault {
        void strike();
    }

    /** Pods of two nodes between which packets flow, and the store that is struck. */
    private static final class Flow {
        private final EtcdServer etcd;
        private final Node left;
        private final Node right;
        private final Pod here;
        private final Pod there;
        private int canary;

        Flow(Lab lab, EtcdServer etcd) {
            this.etcd = etcd;
            left = lab.node(1);
            right = lab.node(2);
            for (Node node : List.of(left, right)) {
                node.awaitReady();
                node.awaitPeers(1);
            }
            here = left.addPod();
            there = right.addPod();
            assertThat(here.canPing(there)).isTrue();
        }

        void undisturbed(String what, Fault fault) {
            undisturbed(what, () -> true, fault);
        }

        /** @param settled what must hold soon after, too */
        void undisturbed(String what, BooleanSupplier settled, Fault fault) {
            Pings out = Pings.start(here, there);
            Pings back = Pings.start(there, here);
            long lines = logLines();
            long begin = System.nanoTime();
            fault.strike();
            double lasted = secondsSince(begin);
            long end = System.nanoTime();
            String subnet = "10.5." + (200 + canary++) + ".0-24"; // none that a node takes for itself
            announce(subnet);
            Wait.until(what + ": both know what is new", LATE, () -> knows(left, subnet) && knows(right, subnet));
            Wait.until(what + ": settled", LATE, settled);
            double converged = secondsSince(end);
            etcd.delete(key(subnet));
            awaitPeers(1);
            double minutes = Math.max(1, secondsSince(begin) / 60);
            long said = logLines() - lines;
            Pings.Outcome there = out.stop();
            Pings.Outcome here = back.stop();
            System.out.printf(
                    Locale.ROOT,
                    "%s: for %.1f s, converged %.1f s after its end; %d + %d packets lost of %d; %d log lines%n",
                    what,
                    lasted,
                    converged,
                    there.lost(),
                    here.lost(),
                    there.sent() + here.sent(),
                    said);
            assertThat(there.lost() + here.lost())
                    .as(() -> "packets lost\n" + left.log() + right.log())
                    .isZero();
            assertThat(converged).as("seconds until a change is known").isLessThan(CONVERGED_WITHIN_SECONDS);
            assertThat(said / minutes)
                    .as(() -> "log lines of both nodes\n" + left.log() + right.log())
                    .isLessThan(LOG_LINES_A_MINUTE);
        }

        static boolean knows(Node node, String key) {
            String subnet = key.replace('-', '/');
            for (JsonNode peer : node.peers()) {
                if (peer.path("subnet").asText().equals(subnet)) {
                    return true;
                }
            }
            return false;
        }

        void awaitPeers(int count) {
            left.awaitPeers(count);
            right.awaitPeers(count);
        }

        /** As soon as the store takes it: a cluster that has just lost its leader refuses. */
        void announce(String subnet) {
            Wait.until("the store takes a lease", LATE, () -> {
                try {
                    put(subnet);
                    return true;
                } catch (LabException e) {
                    return false;
                }
            });
        }

        private void put(String subnet) {
            etcd.put(
                    key(subnet),
                    "{\"PublicIP\":\"192.168.100.77\",\"PublicIPv6\":null,\"BackendType\":\"vxlan\","
                            + "\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"02:00:00:00:00:77\"}}");
        }

        private long logLines() {
            return left.log().lines().count() + right.log().lines().count();
        }
    }

    private static String key(String subnet) {
        return Lab.PREFIX + "/subnets/" + subnet;
    }
}
