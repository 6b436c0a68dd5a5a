package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import io.flannelj.net.IpFamily;
import io.flannelj.net.SubnetEnv;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * Another program may write the store: leases that point where no lease may point. None changes a route, a neighbour or an FDB
 * entry, each is named once with its remedy, and traffic goes on.
 */
@NeedsPrivileges
class HostileStoreIT {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final Duration LATE = Duration.ofMinutes(2);
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The broadcast address of a node's network, that node's own address, and one in a network of its containers. */
    private static final int WRONG_FOR_ONE_NODE = 3;

    private static final String MAC = "c6:d2:32:6f:8f:44";
    private static final int LEASES_OF_A_FULL_NETWORK = 33_000;
    private static final int LEASES_OF_MANY_PARTS = 1040; // of 4 KiB: more than 4 MiB

    @Nested
    class OverVxlan extends Attacks {
        OverVxlan() {
            super("vxlan", "", "VtepMAC");
        }
    }

    @Nested
    @LongRun
    class OverVxlanInTheKernel extends Attacks {
        OverVxlanInTheKernel() {
            super("vxlan", ",\"Datapath\":\"kernel\"", "VtepMAC");
        }
    }

    @Nested
    @LongRun
    class OverUdp extends Attacks {
        OverUdp() {
            super("udp", "", "");
        }
    }

    @Nested
    class OverHostGw extends Attacks {
        OverHostGw() {
            super("host-gw", "", "");
        }
    }

    @Nested
    @LongRun
    class OverGeneve extends Attacks {
        OverGeneve() {
            super("geneve", "", "MAC");
        }
    }

    /** What takes two bytes to write takes a hundred once it is read. */
    @Test
    void leasesThatTakeMuchMoreMemoryThanBytesEndNoDaemon() {
        try (Lab lab = Lab.open(2, Lab.Underlay.ON)) {
            startInAWideNetwork(lab);
            Pod pod = lab.node(1).addPod();
            Pod otherPod = lab.node(2).addPod();
            String parts = "[".repeat(90) + "]".repeat(90) + ",";
            String value =
                    "{\"PublicIP\":\"192.168.100.9\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VNI\":1,\"VtepMAC\":\""
                            + MAC + "\",\"x\":[" + parts.repeat(21) + "0]}}";
            Pings pings = Pings.start(pod, otherPod);

            for (int i = 0; i < LEASES_OF_MANY_PARTS; i++) {
                putLease(lab, i, value);
            }
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(lab.nodes())
                            .allSatisfy(
                                    node -> assertThat(node.operator("peers").output())
                                            .contains("have too many together, and the newest of them are left out")));
            Pings.Outcome outcome = pings.stop();
            Node restarted = lab.node(2);
            restarted.stop();
            restarted.start(); // all of it at once

            assertThat(outcome.sent()).isPositive();
            assertThat(outcome.lost()).isZero();
            assertThat(lab.nodes()).allSatisfy(node -> {
                assertThat(node.isRunning()).isTrue();
                assertThat(node.log()).doesNotContain("OutOfMemory");
                assertThat(node.status().path("peers").asInt()).isBetween(2, LEASES_OF_MANY_PARTS - 1);
            });
            assertThat(pod.canPing(otherPod)).isTrue();
        }
    }

    /** As many as fill the network: a daemon that used 33,000 of them ended for want of memory. */
    @Test
    @LongRun
    void moreLeasesThanAnyClusterHasEndNoDaemon() {
        try (Lab lab = Lab.open(2, Lab.Underlay.ON)) {
            startInAWideNetwork(lab);
            Pod pod = lab.node(1).addPod();
            Pod otherPod = lab.node(2).addPod();
            String value =
                    "{\"PublicIP\":\"192.168.100.9\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VNI\":1,\"VtepMAC\":\""
                            + MAC + "\"}}";

            IntStream.range(0, LEASES_OF_A_FULL_NETWORK).parallel().forEach(i -> putLease(lab, i, value));
            Node restarted = lab.node(2);
            restarted.stop();
            restarted.start();

            Awaitility.await()
                    .during(Duration.ofSeconds(20))
                    .atMost(LATE)
                    .untilAsserted(() -> assertThat(lab.nodes()).allSatisfy(node -> {
                        assertThat(node.isRunning()).isTrue();
                        assertThat(node.operator("peers").output()).contains("the newest are left out");
                    }));
            assertThat(pod.canPing(otherPod)).isTrue();
        }
    }

    /** Nodes lease subnets of 10.0, so that all others are free for a store that lies. */
    private static void startInAWideNetwork(Lab lab) {
        lab.configure(
                "{\"Network\":\"10.0.0.0/8\",\"SubnetLen\":24,\"SubnetMax\":\"10.0.99.0\",\"Backend\":{\"Type\":\"vxlan\"}}");
        lab.start();
    }

    private static void putLease(Lab lab, int number, String value) {
        lab.etcd().put(Lab.PREFIX + "/subnets/10." + (1 + number / 256) + "." + number % 256 + ".0-24", value);
    }

    abstract static class Attacks {
        private final String type;
        private final String options;
        private final String macField;

        /** @param macField of the lease's data; empty where leases have none */
        Attacks(String type, String options, String macField) {
            this.type = type;
            this.options = options;
            this.macField = macField;
        }

        private String lease(String publicIp, String mac, String vni) {
            return "{\"PublicIP\":\"" + publicIp + "\",\"PublicIPv6\":null"
                    + (type.equals("udp") ? "" : ",\"BackendType\":\"" + type + "\"")
                    + (macField.isEmpty()
                            ? ""
                            : ",\"BackendData\":{\"VNI\":" + vni + ",\"" + macField + "\":\"" + mac + "\"}")
                    + "}";
        }

        private String lease(String publicIp) {
            return lease(publicIp, MAC, "1");
        }

        /** By key. */
        private Map<String, String> attacks(Node attacked, Node other) {
            String own = firstThree(attacked);
            String theirs = firstThree(other);
            String stranger = lease("192.168.100.9");
            Map<String, String> attacks = new LinkedHashMap<>();
            for (String key : List.of(
                    "0.0.0.0-0",
                    "127.0.0.0-8",
                    "8.8.8.0-24",
                    "10.5.0.0-16",
                    "192.168.100.0-24",
                    "192.168.100.254-31",
                    own + ".2-31",
                    theirs + ".128-25",
                    theirs + ".7-24",
                    "elsewhere/" + theirs + ".0-24",
                    theirs + ".0-24&fd00:5::-64",
                    "10.5.240.0-24\nforged",
                    "no lease")) {
                attacks.put(key, stranger);
            }
            int subnet = 200;
            for (String publicIp : List.of(
                    "127.0.0.1",
                    "224.0.0.5",
                    "255.255.255.255",
                    "192.168.100.255",
                    "0.0.0.0",
                    "169.254.1.1",
                    "172.30.0.5", // on a bridge of containers
                    own + ".1",
                    "10.5.199.1",
                    attacked.address())) {
                attacks.put("10.5." + subnet++ + ".0-24", lease(publicIp));
            }
            if (!macField.isEmpty()) {
                for (String mac : List.of("01:00:5e:00:00:05", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "c6:d2")) {
                    attacks.put("10.5." + subnet++ + ".0-24", lease("192.168.100.9", mac, "1"));
                }
                for (String vni : List.of("16777216", "-1", "\"1\"", "7")) {
                    attacks.put("10.5." + subnet++ + ".0-24", lease("192.168.100.9", MAC, vni));
                }
            }
            for (String nonsense : List.of("[]", "{\"PublicIP\":7}", "{\"PublicIP\":\"192.168.100.9\"", "")) {
                attacks.put("10.5." + subnet++ + ".0-24", nonsense);
            }
            String padding = stranger.replaceFirst("}$", ",\"x\":\"" + "y".repeat(1_000_000) + "\"}");
            for (int i = 0; i < 5; i++) { // together more than gRPC takes in one answer
                attacks.put("10.5." + subnet++ + ".0-24", padding);
            }
            return attacks;
        }

        private static String firstThree(Node node) {
            String subnet = SubnetEnv.readIfUsable(node.subnetFile())
                    .orElseThrow()
                    .subnets()
                    .require(IpFamily.IPV4)
                    .address()
                    .toString();
            return subnet.substring(0, subnet.lastIndexOf('.'));
        }

        private static List<JsonNode> unusable(Node node) {
            List<JsonNode> unusable = new ArrayList<>();
            node.peers().forEach(peer -> {
                if (peer.hasNonNull("problem")) {
                    unusable.add(peer);
                }
            });
            return unusable;
        }

        private static long refusedByMetric(Node node) {
            return node.metrics()
                    .lines()
                    .filter(line -> line.startsWith("flannelj_leases_refused{"))
                    .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                    .sum();
        }

        @Test
        void noLeasePointsWhereNoneMay() {
            try (Lab lab = Lab.open(2, Lab.Underlay.ON)) {
                lab.configure("{\"Network\":\"10.5.0.0/16\",\"SubnetMax\":\"10.5.179.0\",\"Backend\":{\"Type\":\""
                        + type + "\"" + options + "}}");
                lab.start();
                Node attacked = lab.node(1);
                Node other = lab.node(2);
                attacked.run("ip", "link", "add", "br-others", "type", "bridge").orThrow();
                attacked.run("ip", "link", "set", "br-others", "up").orThrow();
                attacked.run("ip", "address", "add", "172.30.0.1/16", "dev", "br-others")
                        .orThrow();
                Pod pod = attacked.addPod();
                Pod otherPod = other.addPod();
                assertThat(pod.canPing(otherPod)).isTrue();
                String before = Destinations.of(attacked);
                Pings pings = Pings.start(pod, otherPod);

                Map<String, String> attacks = attacks(attacked, other);
                attacks.forEach((key, value) -> lab.etcd().put(path(key), value));
                Awaitility.await()
                        .atMost(SOON)
                        .untilAsserted(() -> assertThat(unusable(attacked)).hasSameSizeAs(attacks.keySet()));
                assertThat(Destinations.of(attacked)).isEqualTo(before);
                assertThat(attacked.status().path("peers").asInt()).isEqualTo(1);
                assertThat(attacked.status().path("unusablePeers").size()).isEqualTo(attacks.size());
                assertThat(refusedByMetric(attacked)).isEqualTo(attacks.size());
                assertThat(attacked.operator("peers").output())
                        .contains(
                                "cannot be used: its subnet 8.8.8.0/24 is not inside the network 10.5.0.0/16; delete it");
                assertThat(attacked.operator("status").output())
                        .containsPattern("peers +1\n")
                        .contains("refused      " + attacks.size() + " leases: see flanneld-j peers");
                assertThat(attacked.status().path("refusedLeases").asInt()).isEqualTo(attacks.size());
                theListInTheStoreNamesThem(attacked, attacks);
                eachIsNamedOnce(attacked);

                theStoreIsListedAgain(lab, attacked, attacks.size());
                assertThat(Destinations.of(attacked)).isEqualTo(before);
                eachIsNamedOnce(attacked);
                Pings.Outcome outcome = pings.stop();
                assertThat(outcome.sent()).isPositive();
                assertThat(outcome.lost()).isZero();

                nobodyIsKeptFromASubnet(lab, attacked);
                whatIsMendedIsAdmitted(lab, attacked, attacks);
            }
        }

        private static String path(String key) {
            return Lab.PREFIX + "/subnets/" + key;
        }

        /** As far as they are wrong for every node: the list is no node's, so it has neither addresses nor a subnet. */
        private static void theListInTheStoreNamesThem(Node node, Map<String, String> attacks) {
            JsonNode list;
            try {
                list = JSON.readTree(
                        node.operatorAtStore("leases", "list", "-o", "json").orThrow());
            } catch (JsonProcessingException e) {
                throw new AssertionError(e);
            }
            int everywhere = attacks.size() - WRONG_FOR_ONE_NODE;
            List<String> refused = new ArrayList<>();
            list.path("leases").forEach(lease -> {
                if (lease.hasNonNull("problem")) {
                    refused.add(lease.path("subnet").asText());
                }
            });
            list.path("unreadable").forEach(key -> refused.add(key.path("key").asText()));
            assertThat(refused).hasSize(everywhere);
            assertThat(list.path("refused").asInt()).isEqualTo(everywhere);
            assertThat(list.path("checked").asBoolean()).isTrue();
            int unreadable = list.path("unreadable").size();
            assertThat(node.operatorAtStore("leases").orThrow())
                    .contains(
                            "no node obeys it: its subnet 8.8.8.0/24 is not inside the network 10.5.0.0/16; delete it")
                    .contains("of which no node obeys " + (everywhere - unreadable) + "; " + unreadable
                            + " keys of no lease; ");
        }

        private static void eachIsNamedOnce(Node node) {
            List<String> lines =
                    node.log().lines().filter(line -> line.contains("refusing")).toList();
            assertThat(new TreeSet<>(lines.stream()
                            .map(line -> line.replaceFirst("^\\S+ ", ""))
                            .toList()))
                    .as("each once")
                    .hasSameSizeAs(lines);
            assertThat(lines).isNotEmpty();
            assertThat(node.log().lines().filter(line -> line.startsWith("forged")))
                    .isEmpty();
        }

        /** All of it is read again after the watch broke off: more than gRPC takes in one answer. */
        private static void theStoreIsListedAgain(Lab lab, Node node, int refused) {
            lab.etcd().kill();
            lab.etcd().restart();
            Awaitility.await()
                    .atMost(SOON)
                    .until(() -> node.status().path("store").path("reachable").asBoolean());
            lab.etcd().put(path("10.5.250.0-24"), "[]");
            // six megabytes, by a client that waits up to five seconds between two tries
            Wait.until(node::log, LATE, () -> unusable(node).size() == refused + 1);
            lab.etcd().delete(path("10.5.250.0-24"));
        }

        /** Not a node that starts again, though somebody wrote into its subnet, nor a new one, though all is "leased". */
        private static void nobodyIsKeptFromASubnet(Lab lab, Node node) {
            String before = node.status().path("subnet").asText();
            node.stop();
            node.start();
            assertThat(node.status().path("subnet").asText()).isEqualTo(before);
            Node joining = lab.addNode().start();
            node.awaitPeers(2);
            joining.stop();
            lab.etcd().delete(path(firstThree(joining) + ".0-24"));
            node.awaitPeers(1);
        }

        private void whatIsMendedIsAdmitted(Lab lab, Node node, Map<String, String> attacks) {
            // A lease that an older one keeps out comes in when that ends.
            lab.etcd().put(path("10.5.180.0-24"), lease("192.168.100.80"));
            node.awaitPeers(2);
            lab.etcd().put(path("10.5.180.0-24&fd00:5:0:1::-64"), lease("192.168.100.81"));
            Awaitility.await().atMost(SOON).until(() -> node.peers().toString().contains("overlaps the older lease"));
            lab.etcd().delete(path("10.5.180.0-24"));
            Awaitility.await()
                    .atMost(SOON)
                    .until(() -> unusable(node).stream()
                            .noneMatch(peer -> peer.path("publicIp").asText().equals("192.168.100.81")));
            assertThat(node.status().path("peers").asInt()).isEqualTo(2);

            lab.etcd().put(path("10.5.200.0-24"), lease("192.168.100.82"));
            node.awaitPeers(3);
            attacks.keySet().forEach(key -> lab.etcd().delete(path(key)));
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(unusable(node)).isEmpty());
            assertThat(refusedByMetric(node)).isZero();
            node.awaitPeers(2);
        }
    }
}
