package io.flannelj.lease.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.flannelj.cli.LeaseRegister;
import io.flannelj.cli.RefusedException;
import io.flannelj.config.AnnotationPrefix;
import io.flannelj.config.ConfigException;
import io.flannelj.config.KubeOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.UnassignedException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KubeSubnetManagerTest {
    private static final String PREFIX = "flannel.alpha.coreos.com/";
    private static final Duration DAY = Duration.ofDays(1);
    private static final PodSubnets OURS = PodSubnets.of(Cidr.parse("10.244.1.0/24"));
    private static final JsonNode VTEP =
            JsonNodeFactory.instance.objectNode().put("VNI", 1).put("VtepMAC", "c6:d2:32:6f:8f:44");
    private static final LeaseAttributes ATTRIBUTES =
            LeaseAttributes.ofIpv4(IpAddress.parse("192.168.64.3"), "vxlan", VTEP);

    @TempDir
    private Path directory;

    private final List<String> seen = new CopyOnWriteArrayList<>();
    private MockApiserver apiserver;
    private KubeSubnetManager store;

    @BeforeEach
    void start() throws Exception {
        apiserver = new MockApiserver();
        apiserver.addNode("n1", Map.of(), "10.244.1.0/24");
        store = store("n1", "");
    }

    @AfterEach
    void stop() {
        store.close();
        apiserver.close();
    }

    private KubeSubnetManager store(String nodeName, String podName) throws ConfigException {
        return KubeSubnetManager.open(
                new KubeOptions(
                        apiserver.url(),
                        null,
                        AnnotationPrefix.parse("flannel.alpha.coreos.com"),
                        directory.resolve("net-conf.json"),
                        true,
                        nodeName,
                        podName,
                        podName.isEmpty() ? "" : "kube-flannel"),
                Map.of(),
                Clock.systemUTC());
    }

    private static NetworkConfig config() throws ConfigException {
        return NetworkConfig.parse("{\"Network\":\"10.244.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
    }

    /** Lists, and follows from there. */
    private SubnetManager.Watch follow() throws StoreException {
        SubnetManager.Listing listing = store.list();
        listing.leases().forEach(lease -> seen.add("=" + lease.subnets()));
        return store.watch(listing.revision() + 1, event -> seen.add(describe(event)), end -> seen.add("end: " + end));
    }

    private static String describe(LeaseEvent event) {
        if (event instanceof LeaseEvent.ConfigWritten written) {
            return "config " + written.document();
        }
        if (event instanceof LeaseEvent.Progress) {
            return "progress";
        }
        return event instanceof LeaseEvent.Added added
                ? "+" + added.lease().subnets() + " "
                        + added.lease().attributes().publicAddress()
                : "-" + ((LeaseEvent.Removed) event).subnets();
    }

    private void awaitSeen(String... events) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(seen).containsExactly(events));
    }

    private static Map<String, String> peer(String publicIp) {
        return Map.of(
                PREFIX + "kube-subnet-manager", "true",
                PREFIX + "backend-type", "vxlan",
                PREFIX + "backend-data", "{\"VNI\":1,\"VtepMAC\":\"aa:d2:32:6f:8f:44\"}",
                PREFIX + "public-ip", publicIp);
    }

    @Test
    void theConfigIsAFileThatMayComeLate() throws Exception {
        assertThat(store.fetchNetworkConfig()).isEmpty();

        Files.writeString(directory.resolve("net-conf.json"), "{}");

        assertThat(store.fetchNetworkConfig()).hasValue("{}");
        assertThat(store.configLocation()).endsWith("net-conf.json");
    }

    @Test
    void thePodCidrIsTheLeaseAndAnnotationsSayTheRest() throws Exception {
        assertThat(store.assigned(config())).hasValue(OURS);

        StoredLease lease = store.create(OURS, ATTRIBUTES, DAY).orElseThrow();

        assertThat(lease.lease().expiresAt()).as("lives as long as its node").isNull();
        assertThat(apiserver.node("n1").getMetadata().getAnnotations())
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        PREFIX + "kube-subnet-manager", "true",
                        PREFIX + "backend-type", "vxlan",
                        PREFIX + "backend-data", "{\"VNI\":1,\"VtepMAC\":\"c6:d2:32:6f:8f:44\"}",
                        PREFIX + "public-ip", "192.168.64.3"));
        assertThat(apiserver.patches())
                .hasSize(1)
                .first()
                .asString()
                .startsWith("application/strategic-merge-patch+json");
        store.create(OURS, ATTRIBUTES, DAY);
        assertThat(apiserver.patches()).as("nothing new, nothing sent").hasSize(1);
        assertThat(store.list().leases())
                .singleElement()
                .satisfies(listed -> assertThat(listed.lease().attributes()).isEqualTo(ATTRIBUTES));
    }

    @Test
    void anOverwriteOnTheNodeCountsMoreThanOurAddress() throws Exception {
        apiserver.annotate("n1", Map.of(PREFIX + "public-ip-overwrite", "203.0.113.9"));

        StoredLease lease = store.create(OURS, ATTRIBUTES, DAY).orElseThrow();

        assertThat(lease.lease().attributes().publicIps()).hasToString("203.0.113.9");
        assertThat(apiserver.node("n1").getMetadata().getAnnotations())
                .containsEntry(PREFIX + "public-ip", "203.0.113.9");
    }

    @Test
    void anOverwriteThatComesLaterMakesOurLeaseStale() throws Exception {
        store.create(OURS, ATTRIBUTES, DAY);
        SubnetManager.Watch watch = follow();

        apiserver.annotate("n1", Map.of(PREFIX + "public-ip-overwrite", "203.0.113.9"));

        awaitSeen("=10.244.1.0/24", "-10.244.1.0/24");
        store.create(OURS, ATTRIBUTES, DAY);
        awaitSeen("=10.244.1.0/24", "-10.244.1.0/24", "+10.244.1.0/24 203.0.113.9");
        watch.close();
    }

    @Test
    void peersComeChangeAndGo() throws Exception {
        apiserver.addNode("n2", peer("192.168.64.4"), "10.244.2.0/24");
        SubnetManager.Watch watch = follow();

        apiserver.addNode("n3", peer("192.168.64.5"), "10.244.3.0/24");
        apiserver.annotate("n3", Map.of("somebody.example.com/heartbeat", "1")); // nothing of ours
        apiserver.annotate("n2", Map.of(PREFIX + "public-ip", "192.168.64.44"));
        apiserver.addNode("n4", Map.of(), "10.244.4.0/24"); // not in the overlay
        apiserver.removeAnnotation("n3", PREFIX + "kube-subnet-manager");
        apiserver.operator().nodes().withName("n2").delete();

        awaitSeen(
                "=10.244.2.0/24",
                "+10.244.3.0/24 192.168.64.5",
                "+10.244.2.0/24 192.168.64.44",
                "-10.244.3.0/24",
                "-10.244.2.0/24");
        watch.close();
    }

    /** Without changes the age of the store counts from the last of them. */
    @Test
    void aBookmarkIsASignOfLife() throws Exception {
        apiserver.sendToWatches("{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Node\",\"apiVersion\":\"v1\","
                + "\"metadata\":{\"resourceVersion\":\"1000\"}}}");
        SubnetManager.Watch watch = follow();

        awaitSeen("progress");
        watch.close();
    }

    /** flannel drops the event when either family is unchanged. */
    @Test
    void bugDualStackChangeOfOneFamilyIsDropped() throws Exception {
        apiserver.addNode(
                "n2",
                Map.of(
                        PREFIX + "kube-subnet-manager", "true",
                        PREFIX + "backend-type", "host-gw",
                        PREFIX + "public-ip", "192.168.64.4",
                        PREFIX + "public-ipv6", "fd00::4"),
                "10.244.2.0/24",
                "fd00:10:244:2::/64");
        SubnetManager.Watch watch = follow();

        apiserver.annotate("n2", Map.of(PREFIX + "public-ip", "192.168.64.44"));

        awaitSeen("=10.244.2.0/24,fd00:10:244:2::/64", "+10.244.2.0/24,fd00:10:244:2::/64 192.168.64.44");
        watch.close();
    }

    @Test
    void bugChangedPodCidrOfAPeerIsNeverNoticed() throws Exception {
        apiserver.addNode("n2", peer("192.168.64.4"), "10.244.2.0/24");
        SubnetManager.Watch watch = follow();

        apiserver.setPodCidrs("n2", "10.244.22.0/24");

        awaitSeen("=10.244.2.0/24", "-10.244.2.0/24", "+10.244.22.0/24 192.168.64.4");
        watch.close();
    }

    @Test
    void bugOwnAnnotationsTakenAwayAreNotRestored() throws Exception {
        store.create(OURS, ATTRIBUTES, DAY);
        SubnetManager.Watch watch = follow();

        apiserver.removeAnnotation("n1", PREFIX + "backend-data");

        awaitSeen("=10.244.1.0/24", "-10.244.1.0/24");
        assertThat(store.list().leases()).as("counts as gone").isEmpty();
        store.create(OURS, ATTRIBUTES, DAY);
        awaitSeen("=10.244.1.0/24", "-10.244.1.0/24", "+10.244.1.0/24 192.168.64.3");
        watch.close();
    }

    @Test
    void bugChangedPodCidrOfOurOwnIsNeverNoticed() throws Exception {
        store.create(OURS, ATTRIBUTES, DAY);
        SubnetManager.Watch watch = follow();

        apiserver.setPodCidrs("n1", "10.244.7.0/24");

        awaitSeen("=10.244.1.0/24", "-10.244.1.0/24");
        assertThat(store.assigned(config())).hasValue(PodSubnets.of(Cidr.parse("10.244.7.0/24")));
        watch.close();
    }

    /** Its pod CIDR may be the next node's; the lease machine stops sending then. */
    @Test
    void whenOurNodeIsDeletedOurLeaseIsGoneAndNothingIsAssigned() throws Exception {
        store.create(OURS, ATTRIBUTES, DAY);
        SubnetManager.Watch watch = follow();

        apiserver.operator().nodes().withName("n1").delete();

        awaitSeen("=10.244.1.0/24", "-10.244.1.0/24");
        assertThatThrownBy(() -> store.assigned(config()))
                .isInstanceOf(UnassignedException.class)
                .hasMessageContaining("there is no node n1");
        watch.close();
    }

    @Test
    void aNodeWithoutPodCidrIsToldTheRemedy() throws Exception {
        apiserver.setPodCidrs("n1");
        assertThatThrownBy(() -> store.assigned(config()))
                .isInstanceOf(UnassignedException.class)
                .hasMessageContaining("node n1 has no podCIDR")
                .hasMessageContaining("--cluster-cidr=10.244.0.0/16");

        apiserver.setPodCidrs("n1", "10.5.1.0/24");
        assertThatThrownBy(() -> store.assigned(config()))
                .isInstanceOf(UnassignedException.class)
                .hasMessageContaining("10.5.1.0/24")
                .hasMessageContaining("10.244.0.0/16")
                .hasMessageContaining("net-conf.json");
    }

    @Test
    void theNodeIsFoundByItsPod() throws Exception {
        KubeSubnetManager byPod = store("", "flannel-x");
        assertThatThrownBy(byPod::notes)
                .isInstanceOf(UnassignedException.class)
                .hasMessageContaining("kube-flannel/flannel-x");

        apiserver
                .operator()
                .pods()
                .inNamespace("kube-flannel")
                .resource(new PodBuilder()
                        .withNewMetadata()
                        .withName("flannel-x")
                        .endMetadata()
                        .withNewSpec()
                        .withNodeName("n1")
                        .endSpec()
                        .build())
                .create();

        assertThat(byPod.assigned(config())).hasValue(OURS);
        byPod.close();
    }

    @Test
    void whatIsForbiddenIsNamedWithTheRemedy() {
        apiserver.refuseWith(403);
        assertThatThrownBy(store::list)
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("forbids us to list nodes (403)")
                .hasMessageContaining("cluster role");
        assertThatThrownBy(() -> store.watch(1, event -> {}, end -> {}))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("watch nodes");

        apiserver.refuseWith(401);
        assertThatThrownBy(store::notes).hasMessageContaining("credentials (401)");
        apiserver.refuseWith(500);
        assertThatThrownBy(store::notes).hasMessageContaining("(500)");
        apiserver.refuseWith(0);
        assertThatThrownBy(() -> store("nobody", "").notes()).hasMessageContaining("no node nobody");
    }

    @Test
    void anApiserverThatGoesEndsTheWatchAndIsNamed() throws Exception {
        SubnetManager.Watch watch = follow();

        apiserver.stop();

        Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> !seen.isEmpty());
        assertThat(seen).singleElement().asString().startsWith("end: ");
        assertThatThrownBy(store::list)
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("apiserver at " + apiserver.url() + " is not reachable");
        watch.close();
    }

    @Test
    void readinessIsToldEvenWhenItIsRefusedAtFirst() {
        apiserver.refuseWith(403);
        store.onReady();
        apiserver.refuseWith(0);

        Awaitility.await()
                .atMost(Duration.ofSeconds(15))
                .until(() -> !apiserver.patches().isEmpty());
        assertThat(apiserver.patches().get(0))
                .contains("\"type\":\"NetworkUnavailable\",\"status\":\"False\"")
                .contains("\"reason\":\"FlannelIsUp\",\"message\":\"Flannel is running on this node\"");
    }

    @Test
    void aNodeGivenUpLeavesTheOverlay() throws Exception {
        StoredLease lease = store.create(OURS, ATTRIBUTES, DAY).orElseThrow();

        assertThat(store.delete(lease)).isTrue();

        assertThat(store.list().leases()).isEmpty();
    }

    @Test
    void outsideOfAPodItMustBeSaidWhereKubernetesIs() {
        KubeOptions nowhere =
                new KubeOptions("", null, AnnotationPrefix.parse("a.b"), directory.resolve("x"), true, "n1", "", "");
        assertThatThrownBy(() -> KubeSubnetManager.open(nowhere, Map.of(), Clock.systemUTC()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("--kubeconfig-file or --kube-api-url");
        KubeOptions badFile = new KubeOptions(
                "", directory.resolve("none"), AnnotationPrefix.parse("a.b"), directory, true, "n1", "", "");
        assertThatThrownBy(() -> KubeSubnetManager.open(badFile, Map.of(), Clock.systemUTC()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("cannot read");
    }

    @Test
    void aChangedConfigFileIsToldSoon() throws Exception {
        Path file = directory.resolve("net-conf.json");
        Files.writeString(file, "one");
        store.fetchNetworkConfig();
        SubnetManager.Watch watch = follow();
        Files.writeString(file, "two");
        awaitSeen("config two");
        Files.delete(file); // while the kubelet exchanges it
        Files.writeString(file, "three");
        awaitSeen("config two", "config three");
        watch.close();
    }

    @Test
    void theRegisterShowsBothFamiliesAndLetsNobodyBeReleased() throws Exception {
        apiserver.addNode("n2", peer("192.168.64.4"), "10.244.2.0/24", "fd00:2::/64");
        store.create(OURS, ATTRIBUTES, DAY);
        Files.writeString(directory.resolve("net-conf.json"), "{\"Network\":\"10.244.0.0/16\"}");
        LeaseRegister register = new LeaseRegister(store);

        LeaseRegister.Contents contents = register.read();
        assertThat(contents.entries())
                .extracting(entry -> entry.lease().subnets().toString())
                .containsExactly("10.244.1.0/24", "10.244.2.0/24,fd00:2::/64");
        assertThat(contents.usage()).isNull();

        PodSubnets other = PodSubnets.of(Cidr.parse("10.244.2.0/24"), Cidr.parse("fd00:2::/64"));
        assertThatThrownBy(() -> register.release(other))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("gives each node its subnets")
                .hasMessageContaining("kube-subnet-manager");
        assertThatThrownBy(() -> register.reserve(OURS, PerFamily.of(IpFamily.IPV4, IpAddress.parse("192.168.64.3"))))
                .isInstanceOf(RefusedException.class);
        assertThat(register.read().entries()).hasSize(2);
    }

    @Test
    void aNodeOfIpv6AloneSaysNothingOfIpv4() throws Exception {
        apiserver.addNode("n6", Map.of(), "fd00:10:244:6::/64");
        NetworkConfig ipv6Alone = NetworkConfig.parse("{\"EnableIPv4\":false,\"EnableIPv6\":true,"
                + "\"IPv6Network\":\"fd00:10:244::/56\",\"Backend\":{\"Type\":\"vxlan\"}}");
        PodSubnets subnets = PodSubnets.of(Cidr.parse("fd00:10:244:6::/64"));
        LeaseAttributes attributes = new LeaseAttributes(
                PerFamily.of(IpFamily.IPV6, IpAddress.parse("fd00:64::6")), "vxlan", PerFamily.of(IpFamily.IPV6, VTEP));
        try (KubeSubnetManager own = store("n6", "")) {
            assertThat(own.assigned(ipv6Alone)).contains(subnets);
            own.create(subnets, attributes, DAY);
            assertThat(apiserver.node("n6").getMetadata().getAnnotations())
                    .containsEntry(PREFIX + "public-ipv6", "fd00:64::6")
                    .containsKey(PREFIX + "backend-v6-data")
                    .doesNotContainKey(PREFIX + "public-ip");
            assertThat(own.list().leases()).extracting(StoredLease::subnets).containsExactly(subnets);

            apiserver.annotate("n6", Map.of(PREFIX + "public-ipv6-overwrite", "2001:db8::6"));
            own.create(subnets, attributes, DAY);
            assertThat(apiserver.node("n6").getMetadata().getAnnotations())
                    .containsEntry(PREFIX + "public-ipv6", "2001:db8::6");
        }
    }
}
