package io.flannelj.lease.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.flannelj.config.AnnotationPrefix;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.Moment;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.kube.NodeCodec.NoLeaseException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NodeCodecTest {
    private static final String PREFIX = "flannel.alpha.coreos.com/";
    private static final Set<IpFamily> IPV4 = Set.of(IpFamily.IPV4);
    private static final Set<IpFamily> IPV6 = Set.of(IpFamily.IPV6);
    private static final Set<IpFamily> DUAL = EnumSet.allOf(IpFamily.class);
    private static final IpAddress ADDRESS = IpAddress.parse("192.168.64.3");
    private static final IpAddress ADDRESS6 = IpAddress.parse("fd00::3");
    private static final PerFamily<IpAddress> BOTH = perFamily(ADDRESS, ADDRESS6);
    private static final PerFamily<IpAddress> ONLY6 = PerFamily.of(IpFamily.IPV6, ADDRESS6);

    private static <T> PerFamily<T> perFamily(T ipv4, T ipv6) {
        return new PerFamily<>(Map.of(IpFamily.IPV4, ipv4, IpFamily.IPV6, ipv6));
    }

    private final NodeCodec codec = new NodeCodec(AnnotationPrefix.parse("flannel.alpha.coreos.com"));

    private static JsonNode vtep(String mac) {
        return JsonNodeFactory.instance.objectNode().put("VNI", 1).put("VtepMAC", mac);
    }

    static Node node(String name, List<String> podCidrs, Map<String, String> annotations) {
        return new NodeBuilder()
                .withNewMetadata()
                .withName(name)
                .withAnnotations(annotations)
                .endMetadata()
                .withNewSpec()
                .withPodCIDRs(podCidrs)
                .endSpec()
                .build();
    }

    @Test
    void vxlanWritesFlannelsBytes() {
        assertThat(codec.annotations(LeaseAttributes.ofIpv4(ADDRESS, "vxlan", vtep("c6:d2:32:6f:8f:44"))))
                .isEqualTo(Map.of(
                        PREFIX + "kube-subnet-manager", "true",
                        PREFIX + "backend-type", "vxlan",
                        PREFIX + "backend-data", "{\"VNI\":1,\"VtepMAC\":\"c6:d2:32:6f:8f:44\"}",
                        PREFIX + "public-ip", "192.168.64.3"));
    }

    /** One node's annotation must not keep other nodes from reading what they wrote down of all. */
    @ParameterizedTest
    @ValueSource(ints = {90, 98, 99, 100, 900, 990, 999})
    void whatIsReadOfANodeCanBeWrittenDownAndReadAgain(int depth, @TempDir Path directory) throws Exception {
        Node node = node(
                "node",
                List.of("10.5.7.0/24"),
                Map.of(
                        PREFIX + "kube-subnet-manager",
                        "true",
                        PREFIX + "backend-type",
                        "vxlan",
                        PREFIX + "backend-data",
                        "{\"VNI\":1,\"VtepMAC\":\"c6:d2:32:6f:8f:44\",\"x\":" + "[".repeat(depth) + "]".repeat(depth)
                                + "}",
                        PREFIX + "public-ip",
                        "192.168.64.3"));
        List<Lease> peers = new ArrayList<>();
        try {
            peers.add(codec.lease(node, IPV4));
        } catch (NoLeaseException e) {
            assertThat(depth).isGreaterThan(90);
            assertThat(e).hasMessageContaining(PREFIX + "backend-data");
        }
        Lease own = new Lease(
                PodSubnets.of(Cidr.parse("10.5.1.0/24")), LeaseAttributes.ofIpv4(ADDRESS, "vxlan", null), null);
        Moment now = new Moment(Instant.EPOCH, "boot", Duration.ZERO, Instant.EPOCH, true);
        LeaseCache saved = new LeaseCache("kube", Instant.EPOCH, "{}", new StoredLease(own, 1, 0), peers, 7);
        Path file = directory.resolve("leases.json");

        saved.write(file, now);

        assertThat(LeaseCache.read(file, "kube", now).orElseThrow().peers())
                .extracting(Lease::attributes)
                .isEqualTo(peers.stream().map(Lease::attributes).toList());
    }

    @Test
    void udpWritesAnEmptyTypeAndNull() {
        assertThat(codec.annotations(LeaseAttributes.ofIpv4(ADDRESS, "", null)))
                .isEqualTo(Map.of(
                        PREFIX + "kube-subnet-manager", "true",
                        PREFIX + "backend-type", "",
                        PREFIX + "backend-data", "null",
                        PREFIX + "public-ip", "192.168.64.3"));
    }

    @Test
    void dualStackVxlanWritesBothFamilies() {
        LeaseAttributes both =
                new LeaseAttributes(BOTH, "vxlan", perFamily(vtep("c6:d2:32:6f:8f:44"), vtep("aa:d2:32:6f:8f:44")));

        assertThat(codec.annotations(both))
                .containsEntry(PREFIX + "backend-v6-data", "{\"VNI\":1,\"VtepMAC\":\"aa:d2:32:6f:8f:44\"}")
                .containsEntry(PREFIX + "public-ipv6", "fd00::3")
                .containsEntry(PREFIX + "public-ip", "192.168.64.3")
                .hasSize(6);
    }

    @Test
    void whatAFamilyAloneLeavesOutDependsOnTheBackend() {
        assertThat(codec.annotations(
                        new LeaseAttributes(ONLY6, "vxlan", PerFamily.of(IpFamily.IPV6, vtep("aa:d2:32:6f:8f:44")))))
                .as("IPv6 alone, vxlan")
                .doesNotContainKeys(PREFIX + "public-ip", PREFIX + "backend-data")
                .containsKeys(PREFIX + "public-ipv6", PREFIX + "backend-v6-data");
        assertThat(codec.annotations(new LeaseAttributes(ONLY6, "host-gw")))
                .as("IPv6 alone, host-gw")
                .containsEntry(PREFIX + "public-ip", "0.0.0.0")
                .containsEntry(PREFIX + "backend-v6-data", "null")
                .containsEntry(PREFIX + "public-ipv6", "fd00::3");
        assertThat(codec.annotations(new LeaseAttributes(BOTH, "ipip")))
                .as("no IPv6 in ipip")
                .doesNotContainKey(PREFIX + "public-ipv6");
    }

    @ParameterizedTest
    @CsvSource({
        "10.244.0.0/16, 10.244.0.0/16, true",
        "10.244.0.0/16, 10.244.0.0/24, true",
        "10.244.0.0/16, 10.244.255.0/24, true",
        "10.244.0.0/16, 10.244.0.0/15, false",
        "10.244.0.0/16, 192.168.0.0/24, false",
        "2001:0db8:1234::/48, 2001:0db8:1234::/48, true",
        "2001:0db8:1234::/48, 2001:0db8:1234::/64, true",
        "2001:0db8:1234::/48, 2001:0db8:1234:ffff::/64, true",
        "2001:0db8:1234::/48, 2001:0db8:1234::/47, false",
        "2001:0db8:1234::/48, fe02::/32, false"
    })
    void aNetworkContainsPodCidrsAsFlannelSays(String network, String podCidr, boolean contained) {
        assertThat(Cidr.parse(network).network().contains(Cidr.parse(podCidr))).isEqualTo(contained);
    }

    @Test
    void readsWhatItWrites() throws Exception {
        LeaseAttributes both =
                new LeaseAttributes(BOTH, "vxlan", perFamily(vtep("c6:d2:32:6f:8f:44"), vtep("aa:d2:32:6f:8f:44")));
        Node node = node("n1", List.of("10.244.3.0/24", "fd00:10:244:3::/64"), codec.annotations(both));

        assertThat(codec.isManaged(node)).isTrue();
        Lease lease = codec.lease(node, DUAL);
        assertThat(lease.attributes()).isEqualTo(both);
        assertThat(lease.subnets()).hasToString("10.244.3.0/24,fd00:10:244:3::/64");
        assertThat(codec.lease(node, IPV4).subnets()).hasToString("10.244.3.0/24");
        assertThat(codec.lease(node, IPV6).subnets()).hasToString("fd00:10:244:3::/64");
    }

    @Test
    void thePodCidrOfOldApisDoesToo() throws Exception {
        Node node = new NodeBuilder()
                .withNewSpec()
                .withPodCIDR("10.244.9.0/24")
                .endSpec()
                .build();

        assertThat(NodeCodec.podSubnets(node, IPV4))
                .hasValueSatisfying(subnets -> assertThat(subnets).hasToString("10.244.9.0/24"));
        assertThat(NodeCodec.podSubnets(new NodeBuilder().build(), IPV4)).isEmpty();
    }

    @Test
    void aNodeThatCannotBeReadSaysWhy() {
        Map<String, String> noAddress = Map.of(PREFIX + "kube-subnet-manager", "true", PREFIX + "public-ip", "here");

        assertThatThrownBy(() -> codec.lease(node("n1", List.of("10.244.3.0/24"), noAddress), IPV4))
                .hasMessageContaining(PREFIX + "public-ip");
        assertThatThrownBy(() -> codec.lease(node("n1", List.of(), noAddress), IPV4))
                .hasMessageContaining("no pod CIDR");
        assertThatThrownBy(() -> codec.lease(node("n1", List.of("10.244.0.0"), noAddress), IPV4))
                .hasMessageContaining("10.244.0.0");
        assertThatThrownBy(() -> codec.lease(node("n1", List.of("10.1.0.0/24", "10.2.0.0/24"), noAddress), IPV4))
                .hasMessageContaining("several");
    }

    /** flannel looks for {@code <prefix>/backend-data} whatever the prefix is, and forgets its MAC under any other. */
    @Test
    void bugMacIsNotRecoveredUnderAnotherPrefix() {
        NodeCodec other = new NodeCodec(AnnotationPrefix.parse("org.com/mine"));
        LeaseAttributes said = LeaseAttributes.ofIpv4(ADDRESS, "vxlan", vtep("c6:d2:32:6f:8f:44"));
        Node node = node("n1", List.of(), other.annotations(said));

        assertThat(other.notes(node).earlier()).isEqualTo(said);
        assertThat(codec.notes(node).earlier()).as("under the usual prefix").isNull();
    }

    @Test
    void anOperatorsAddressesAreRead() {
        Node node = node(
                "n1",
                List.of(),
                Map.of(
                        PREFIX + "node-public-ip", "203.0.113.7",
                        PREFIX + "public-ip-overwrite", "203.0.113.8"));

        assertThat(codec.notes(node).publicIps()).hasToString("203.0.113.7");
        assertThat(codec.notes(node).overwrites()).hasToString("203.0.113.8");
        assertThat(codec.overwritten(LeaseAttributes.ofIpv4(ADDRESS, "udp", null), node)
                        .publicIps())
                .hasToString("203.0.113.8");
    }

    /** flannel's FuzzNodeToLease: nothing but the named exception comes of any node. */
    @Test
    void nothingInANodeBreaksTheReader() {
        Random random = new Random(5);
        String[] words = {
            "",
            "192.168.0.1",
            "fc00::1",
            "10.244.1.0/24",
            "fc00::/64",
            "not-an-ip",
            "::1",
            "10.0.0.0/33",
            "vxlan",
            "{",
            "null",
            "{\"VNI\":1}",
            "[1]",
            "{\"Decodes\":7}",
            "0.0.0.0"
        };
        for (int i = 0; i < 5_000; i++) {
            Node node = node(
                    "n1",
                    random.ints(random.nextInt(3), 0, words.length)
                            .mapToObj(word -> words[word])
                            .toList(),
                    Map.of(
                            PREFIX + "public-ip", words[random.nextInt(words.length)],
                            PREFIX + "public-ipv6", words[random.nextInt(words.length)],
                            PREFIX + "backend-type", words[random.nextInt(words.length)],
                            PREFIX + "backend-data", words[random.nextInt(words.length)]));
            try {
                assertThat(codec.lease(node, List.of(IPV4, IPV6, DUAL).get(random.nextInt(3))))
                        .isNotNull();
            } catch (NoLeaseException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }
}
