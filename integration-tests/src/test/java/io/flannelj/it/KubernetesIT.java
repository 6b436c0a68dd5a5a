package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Commands;
import io.flannelj.lab.KubeApiserver;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * {@code --kube-subnet-mgr} against a real kube-apiserver, whose nodes the test makes. One cluster for all tests; each
 * finds two nodes with a pod that reach each other, whatever the one before has broken.
 */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KubernetesIT {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final Path MANIFEST = Path.of("../deploy/kubernetes/flanneld-j.yml");
    private static final String[] ACCOUNT = {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"};
    private static final String[] POLICY = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"};
    private static final String MAC = "c6:d2:32:6f:8f:44";
    private static final int APISERVER_AWAY_SECONDS = Integer.getInteger("flannelj.storeAwaySeconds", 12);

    private Lab lab;
    private KubeApiserver apiserver;
    private Path networkConfig;
    private Node one;
    private Node two;
    private Pod here;
    private Pod there;

    @BeforeAll
    void build() throws IOException {
        assumeTrue(KubeApiserver.binary().isPresent(), "no kube-apiserver: set KUBE_APISERVER_BIN");
        lab = Lab.open(3, Lab.Underlay.ON);
        apiserver = KubeApiserver.start(lab);
        one = lab.node(1);
        two = lab.node(2);
        networkConfig = Files.writeString(
                apiserver.kubeconfig().resolveSibling("net-conf.json"),
                "{\"Network\": \"10.244.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}}");
        apiserver.grantRole();
        apiserver.addNode("n1", "10.244.1.0/24");
        apiserver.addNode("n2", "10.244.2.0/24");
        startDaemon(one);
        startDaemon(two);
        one.awaitReady();
        two.awaitReady();
        here = one.addPod();
        there = two.addPod();
    }

    @BeforeEach
    void heal() {
        if (!apiserver.isRunning()) {
            apiserver.restart();
        }
        apiserver.grantRole();
        for (Node node : List.of(one, two)) {
            if (!node.isRunning()) {
                startDaemon(node);
            }
        }
        Awaitility.await("two nodes that reach each other").atMost(SOON).until(() -> ping(here, there));
        Awaitility.await().atMost(SOON).until(() -> one.readyz().contains("flanneld is ready"));
    }

    @AfterAll
    void tearDown() {
        if (lab != null) {
            lab.close();
        }
    }

    private void startDaemon(Node node) {
        startDaemon(node, apiserver.kubeconfig());
    }

    private void startDaemon(Node node, Path kubeconfig) {
        node.startDaemonWith(
                Map.of("NODE_NAME", node.name()),
                "--kube-subnet-mgr",
                "--kubeconfig-file",
                kubeconfig.toString(),
                "--net-config-path",
                networkConfig.toString());
    }

    private static void awaitReadyz(Node node, String... texts) {
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(node.readyz()).contains(texts));
    }

    private static long lines(Node node, String text) {
        return node.log().lines().filter(line -> line.contains(text)).count();
    }

    private static boolean ping(Pod from, Pod to) {
        return from.run("ping", "-c1", "-W1", to.address()).succeeded();
    }

    @Test
    void whatIsMissingIsNamedWithTheRemedyUntilItIsThere() throws Exception {
        Node three = lab.node(3);
        Files.deleteIfExists(
                three.directory().resolve("state/leases.json")); // else it goes on with the lease of another test
        List<String> texts = List.of("(403)", "there is no node", "has no podCIDR");
        List<Long> before = texts.stream().map(text -> lines(three, text)).toList();
        apiserver.revokeRole();
        startDaemon(three);
        awaitReadyz(three, "HTTP/1.1 503", "forbids us to get nodes (403)", "cluster role");

        apiserver.grantRole();
        awaitReadyz(three, "HTTP/1.1 503", "there is no node n3 in Kubernetes", "kubelet");

        apiserver.addNode("n3");
        awaitReadyz(three, "HTTP/1.1 503", "node n3 has no podCIDR", "--cluster-cidr=10.244.0.0/16");

        apiserver.patchNode("n3", "{\"spec\":{\"podCIDR\":\"10.244.3.0/24\",\"podCIDRs\":[\"10.244.3.0/24\"]}}");
        three.awaitReady();

        assertThat(texts.stream().map(text -> lines(three, text)))
                .as("each said once; the log:\n%s", three.log())
                .containsExactlyElementsOf(
                        before.stream().map(count -> count + 1).toList());
        assertThat(three.log()).doesNotContain("Exception");
        three.stop();
        apiserver.deleteNode("n3");
    }

    @Test
    void podsOfTwoNodesReachEachOther() throws Exception {
        assertThat(here.canPing(there)).isTrue();
        assertThat(there.canPing(here)).isTrue();
        assertThat(Files.readString(two.subnetFile()))
                .contains("FLANNEL_NETWORK=10.244.0.0/16", "FLANNEL_SUBNET=10.244.2.1/24", "FLANNEL_MTU=1450");
    }

    @Test
    void theNodeSaysWhatFlannelWouldSay() {
        assertThat(apiserver.annotation("n1", "kube-subnet-manager")).isEqualTo("true");
        assertThat(apiserver.annotation("n1", "backend-type")).isEqualTo("vxlan");
        assertThat(apiserver.annotation("n1", "public-ip")).isEqualTo(one.address());
        assertThat(apiserver.annotation("n1", "backend-data"))
                .matches("\\{\"VNI\":1,\"VtepMAC\":\"([0-9a-f]{2}:){5}[0-9a-f]{2}\"}");
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(apiserver
                                .node("n1")
                                .path("status")
                                .path("conditions")
                                .toString())
                        .contains(
                                "\"type\":\"NetworkUnavailable\"",
                                "\"status\":\"False\"",
                                "\"reason\":\"FlannelIsUp\""));
    }

    @Test
    void bugOwnAnnotationsTakenAwayAreNotRestored() {
        String before = apiserver.annotation("n1", "backend-data");

        apiserver.patchNode(
                "n1",
                "{\"metadata\":{\"annotations\":{\"flannel.alpha.coreos.com/backend-data\":null,"
                        + "\"flannel.alpha.coreos.com/kube-subnet-manager\":null}}}");

        Awaitility.await().atMost(SOON).untilAsserted(() -> {
            assertThat(apiserver.annotation("n1", "backend-data")).isEqualTo(before);
            assertThat(apiserver.annotation("n1", "kube-subnet-manager")).isEqualTo("true");
        });
        Awaitility.await().atMost(SOON).until(() -> ping(here, there));
    }

    @Test
    void publicIpOverwriteAnnotationPropagates() {
        apiserver.patchNode(
                "n2",
                "{\"metadata\":{\"annotations\":{\"flannel.alpha.coreos.com/public-ip-overwrite\":\"172.18.9.9\"}}}");

        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() ->
                        assertThat(apiserver.annotation("n2", "public-ip")).isEqualTo("172.18.9.9"));
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(one.peers().toString()).contains("172.18.9.9"));

        apiserver.patchNode(
                "n2",
                "{\"metadata\":{\"annotations\":{\"flannel.alpha.coreos.com/public-ip-overwrite\":null,"
                        + "\"flannel.alpha.coreos.com/public-ip\":null}}}");
        Awaitility.await().atMost(SOON).until(() -> ping(here, there));
        assertThat(apiserver.annotation("n2", "public-ip")).isEqualTo(two.address());
    }

    @Test
    void trafficGoesOnWhileTheApiserverIsAway() {
        long before = one.log().lines().count();
        long said = lines(one, "is not reachable");
        long answered = lines(one, "answers again");
        apiserver.kill();
        Commands.Result ping =
                here.run("ping", "-i0.1", "-c", String.valueOf(APISERVER_AWAY_SECONDS * 10), there.address());

        assertThat(Pings.outcome(ping.output()).lost())
                .as("pings without an answer")
                .isZero();
        awaitReadyz(one, "HTTP/1.1 200", "is not reachable", "serving the last known peers");
        assertThat(lines(one, "is not reachable") - said).as("said once").isEqualTo(1);
        apiserver.restart();
        awaitReadyz(one, "flanneld is ready");
        Awaitility.await().atMost(SOON).until(() -> lines(one, "answers again") > answered);
        assertThat(one.log().lines().count() - before).as("log lines").isLessThan(20);
        assertThat(here.canPing(there)).isTrue();
    }

    @Test
    void aRestartWithoutTheApiserverServesFromDisk() {
        Awaitility.await("the peers are written down")
                .ignoreExceptions()
                .atMost(SOON)
                .until(() -> Files.readString(one.directory().resolve("state/leases.json"))
                        .contains("10.244.2.0/24"));
        apiserver.kill();
        one.kill();
        startDaemon(one);
        one.awaitReady();

        assertThat(one.log()).contains("as written down at");
        assertThat(one.status().path("subnet").asText()).isEqualTo("10.244.1.0/24");
        Awaitility.await().atMost(SOON).until(() -> ping(here, there));
        assertThat(there.canPing(here)).isTrue();

        apiserver.restart();
        awaitReadyz(one, "flanneld is ready");
        assertThat(here.canPing(there)).isTrue();
        assertThat(lines(one, "giving it up")).as("nothing had to be made anew").isZero();
    }

    @Test
    void aRoleTakenAwayIsNamedAndTrafficGoesOn() {
        apiserver.revokeRole();
        apiserver.kill(); // a running watch goes on for minutes before Kubernetes looks at the role again
        apiserver.restart();

        awaitReadyz(one, "HTTP/1.1 503", "forbids us to", "(403)", "cluster role");
        awaitReadyz(two, "HTTP/1.1 503", "forbids us to", "(403)", "cluster role");
        assertThat(here.canPing(there)).isTrue();

        apiserver.grantRole();
        awaitReadyz(one, "flanneld is ready");
        apiserver.patchNode(
                "n1", "{\"metadata\":{\"annotations\":{\"flannel.alpha.coreos.com/kube-subnet-manager\":null}}}");
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(apiserver.annotation("n1", "kube-subnet-manager"))
                        .isEqualTo("true"));
    }

    @Test
    void theMacAddressIsRecoveredFromTheAnnotation() throws IOException {
        String before = apiserver.annotation("n2", "backend-data");
        assertThat(two.stop()).isZero();
        try (Stream<Path> kept = Files.list(two.directory().resolve("state"))) {
            for (Path file : kept.toList()) {
                Files.delete(file);
            }
        }

        startDaemon(two);
        two.awaitReady();

        assertThat(apiserver.annotation("n2", "backend-data")).isEqualTo(before);
        Awaitility.await().atMost(SOON).until(() -> ping(here, there));
    }

    @Test
    void bugChangedPodCidrIsNeverNoticed() {
        Node three = lab.node(3);
        apiserver.addNode("n3", "10.244.30.0/24");
        startDaemon(three);
        three.awaitReady();
        // An apiserver refuses to change a pod CIDR; a node that is registered anew may get another one.
        apiserver.deleteNode("n3");
        apiserver.addNode("n3", "10.244.33.0/24");

        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(
                        () -> assertThat(three.status().path("subnet").asText()).isEqualTo("10.244.33.0/24"));
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(one.peers().toString())
                        .contains("10.244.33.0/24")
                        .doesNotContain("10.244.30.0/24"));
        three.awaitReady();
        Pod moved = three.addPod();
        Awaitility.await().atMost(SOON).until(() -> ping(here, moved));
        moved.remove();
        three.stop();
        apiserver.deleteNode("n3");
    }

    @Test
    void theApiserverTakesTheWholeManifest() {
        apiserver.apply(MANIFEST, ACCOUNT);
        apiserver.apply(MANIFEST, POLICY);
        apiserver.apply(MANIFEST, "ConfigMap", "DaemonSet");
    }

    @Test
    void aPodsTokenWritesToItsOwnNodeAlone() {
        Node three = lab.node(3);
        apiserver.addNode("n3", "10.244.3.0/24");
        apiserver.apply(MANIFEST, ACCOUNT);
        String token = apiserver.podToken("n3");
        apiserver.withdraw(MANIFEST, POLICY);
        Awaitility.await("without the policy it writes to every node")
                .atMost(SOON)
                .until(() -> write(token, "n2", "before").status() == 200);

        apiserver.apply(MANIFEST, POLICY);
        Awaitility.await("the policy is in force")
                .atMost(SOON)
                .until(() -> write(token, "n2", "after").status() == 403);
        String written = writtenBy("n2");

        KubeApiserver.Answer refused = write(token, "n2", "other");
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.body().path("message").asText())
                .contains("flanneld-j writes to the node that it runs on, and to no other");
        assertThat(write(token, "n3", "own").status()).isEqualTo(200);
        assertThat(writtenBy("n3")).isEqualTo("own");
        assertThat(List.of("n1", "n2", "n3"))
                .as("a token that names no node")
                .allSatisfy(node -> assertThat(
                                write(apiserver.freeToken(), node, "free").status())
                        .isEqualTo(403));
        assertThat(apiserver.patchNodeAs(token, "n3", "", annotation("whole")).status())
                .as("more of its node than the status")
                .isEqualTo(403);
        assertThat(writtenBy("n2")).isEqualTo(written);
        assertThat(writtenBy("n3")).isEqualTo("own");

        startDaemon(three, apiserver.kubeconfig("kubeconfig.n3", token));
        three.awaitReady();
        Pod pod = three.addPod();
        Awaitility.await("a daemon with that token carries")
                .atMost(SOON)
                .until(() -> ping(here, pod) && ping(pod, there));
        pod.remove();
        three.stop();
        apiserver.deleteNode("n3");
    }

    private static String annotation(String value) {
        return "{\"metadata\":{\"annotations\":{\"lab/written\":\"" + value + "\"}}}";
    }

    private KubeApiserver.Answer write(String token, String node, String value) {
        return apiserver.patchNodeAs(token, node, "/status", annotation(value));
    }

    private String writtenBy(String node) {
        return apiserver
                .node(node)
                .path("metadata")
                .path("annotations")
                .path("lab/written")
                .asText();
    }

    /** What a node says of itself; JSON merge patch. */
    private static String lease(String publicIp, String mac, int vni) {
        return "{\"metadata\":{\"annotations\":{\"flannel.alpha.coreos.com/kube-subnet-manager\":\"true\","
                + "\"flannel.alpha.coreos.com/backend-type\":\"vxlan\",\"flannel.alpha.coreos.com/public-ip\":\""
                + publicIp + "\",\"flannel.alpha.coreos.com/backend-data\":\"{\\\"VNI\\\":" + vni
                + ",\\\"VtepMAC\\\":\\\"" + mac + "\\\"}\"}}}";
    }

    /** Of a lease that is known by its subnet, or by its node where it cannot be read. */
    private static String problem(Node node, String subnet, String other) {
        for (JsonNode unusable : node.status().path("unusablePeers")) {
            if (List.of(subnet, "node " + other).contains(unusable.path("lease").asText())) {
                return unusable.path("problem").asText();
            }
        }
        return "";
    }

    @Test
    void whatANodeWritesOfItselfPointsNowhereElse() {
        apiserver.addNode("n3", "10.244.3.0/24");
        apiserver.apply(MANIFEST, ACCOUNT);
        apiserver.apply(MANIFEST, POLICY);
        String token = apiserver.podToken("n3");
        String before = Destinations.of(one);
        Pings pings = Pings.start(here, there);
        Map<String, String> attacks = new LinkedHashMap<>();
        attacks.put(lease("127.0.0.1", MAC, 1), "a loopback address");
        attacks.put(lease("224.0.0.5", MAC, 1), "a multicast address");
        attacks.put(lease("255.255.255.255", MAC, 1), "a broadcast address");
        attacks.put(lease("192.168.100.255", MAC, 1), "a broadcast address");
        attacks.put(lease("0.0.0.0", MAC, 1), "is not an address");
        attacks.put(lease("169.254.1.1", MAC, 1), "a link-local address");
        attacks.put(lease("10.244.2.1", MAC, 1), "inside the pod network 10.244.0.0/16");
        attacks.put(lease(one.address(), MAC, 1), "this node's own");
        attacks.put(lease("fe80::1", MAC, 1), "is not an address");
        attacks.put(lease("192.168.100.9", "01:00:5e:00:00:05", 1), "no unicast MAC address");
        attacks.put(lease("192.168.100.9", MAC, 7), "VNI");

        attacks.forEach((document, fault) -> {
            assertThat(apiserver.patchNodeAs(token, "n3", "/status", document).status())
                    .as("the apiserver takes it")
                    .isEqualTo(200);
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(problem(one, "10.244.3.0/24", "n3"))
                            .as(document)
                            .contains(fault));
            assertThat(Destinations.of(one)).isEqualTo(before);
        });
        assertThat(one.status().path("peers").asInt()).isEqualTo(1);

        String others = "{\"spec\":{\"podCIDR\":\"10.244.2.0/24\",\"podCIDRs\":[\"10.244.2.0/24\"]}}";
        assertThat(apiserver.patchNodeAs(token, "n3", "", others).status()).isEqualTo(403);
        apiserver.patchNodeAs(token, "n3", "/status", others);
        assertThat(apiserver.node("n3").path("spec").path("podCIDR").asText())
                .as("pod CIDRs are no part of the status")
                .isEqualTo("10.244.3.0/24");

        assertThat(apiserver
                        .patchNodeAs(token, "n3", "/status", lease("192.168.100.9", MAC, 1))
                        .status())
                .isEqualTo(200);
        one.awaitPeers(2); // the same node with an address that a node can have
        assertThat(pings.stop().lost()).isZero();
        apiserver.deleteNode("n3");
        one.awaitPeers(1);
    }

    /** Who registers nodes gives them their pod CIDRs. */
    @Test
    void noNodesPodCidrPointsWhereNoneMay() {
        String before = Destinations.of(one);
        Pings pings = Pings.start(here, there);
        Map<String, String> attacks = new LinkedHashMap<>();
        attacks.put("0.0.0.0/0", "not inside the network 10.244.0.0/16");
        attacks.put("127.0.0.0/8", "not inside the network");
        attacks.put("8.8.8.0/24", "not inside the network");
        attacks.put("192.168.100.0/24", "not inside the network");
        attacks.put("10.244.0.0/16", "not inside the network");
        attacks.put("10.244.1.0/24", "is that of the older node n1");
        attacks.put("10.244.1.128/25", "overlaps this node's own");
        attacks.put("10.244.2.0/24", "is that of the older node n2");
        attacks.put("10.244.2.128/25", "overlaps the older lease node n2");
        List<String> names = new ArrayList<>();
        attacks.forEach((podCidr, fault) -> {
            String name = "hostile" + names.size();
            names.add(name);
            apiserver.addNode(name, podCidr);
            apiserver.patchNode(name, lease("192.168.100.9", MAC, 1));
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() ->
                            assertThat(problem(one, podCidr, name)).as(podCidr).contains(fault));
        });

        assertThat(Destinations.of(one)).isEqualTo(before);
        assertThat(one.status().path("peers").asInt()).isEqualTo(1);
        assertThat(pings.stop().lost()).isZero();
        names.forEach(apiserver::deleteNode);
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(
                        () -> assertThat(one.status().path("unusablePeers")).isEmpty());
    }

    @Test
    void nothingOfKubernetesIsLoadedWithEtcd() throws IOException {
        Node node = lab.addNode();
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}");
        Path classes = node.directory().resolve("classes.log");
        node.startDaemonWith(Map.of("FLANNELD_JAVA_OPTS", "-Xlog:class+load:file=" + classes));
        node.awaitReady();

        assertThat(Files.readString(classes))
                .contains("io.etcd.jetcd.")
                .doesNotContain("io.fabric8.", "tools.jackson.", "io.flannelj.lease.kube.");
        assertThat(node.stop()).isZero();
    }
}
