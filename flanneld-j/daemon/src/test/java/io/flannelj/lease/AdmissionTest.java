package io.flannelj.lease;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Admission.Rules;
import io.flannelj.lease.Admission.Verdict;
import io.flannelj.lease.Refusal.Reason;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AdmissionTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PodSubnets OWN = PodSubnets.of(Cidr.parse("10.5.1.0/24"));
    private static final String GOOD_MAC = "c6:d2:32:6f:8f:44";

    private final Rules rules = rules("10.5.0.0/16", false, "192.168.100.1/24", "10.5.1.1/24", "127.0.0.1/8");
    private long revision;

    @Test
    void aGoodLeaseIsAdmitted() {
        assertThat(reason(vxlan("10.5.2.0/24", "192.168.100.2"))).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.0.0.0/0",
                "127.0.0.0/8",
                "8.8.8.0/24",
                "192.168.100.0/24",
                "192.168.100.254/31",
                "10.5.0.0/16",
                "10.0.0.0/8",
                "10.4.255.0/24",
                "10.6.0.0/24"
            })
    void aSubnetThatIsNotInsideTheNetworkIsRefused(String subnet) {
        assertThat(reason(vxlan(subnet, "192.168.100.2"))).isEqualTo(Reason.OUTSIDE_NETWORK);
    }

    @ParameterizedTest
    @CsvSource({"10.5.2.0/25,SUBNET_LENGTH", "10.5.1.2/31,SUBNET_LENGTH", "10.5.1.0/24,OVERLAPS_OWN"})
    void lengthAndOwnSubnetAreHeld(String subnet, Reason expected) {
        assertThat(reason(vxlan(subnet, "192.168.100.2"))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"10.5.1.2/31,OVERLAPS_OWN", "10.5.2.0/25,", "10.5.0.0/17,OVERLAPS_OWN", "10.5.0.0/16,OUTSIDE_NETWORK"})
    void whereTheStoreCutsSubnetsAnyLengthWithinTheNetworkIsGood(String subnet, @Nullable Reason expected) {
        assertThat(reason(vxlan(subnet, "192.168.100.2"), rules("10.5.0.0/16", true, "192.168.100.1/24")))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.255.255.255",
                "224.0.0.1",
                "239.255.255.255",
                "255.255.255.255",
                "192.168.100.255",
                "192.168.100.1",
                "0.0.0.1",
                "169.254.7.7",
                "10.5.7.7",
                "10.5.1.1"
            })
    void aPublicAddressThatNoOtherNodeCanHaveIsRefused(String publicIp) {
        assertThat(reason(vxlan("10.5.2.0/24", publicIp))).isEqualTo(Reason.PUBLIC_ADDRESS);
    }

    @Test
    void aLeaseWithoutAPublicAddressIsRefused() {
        Lease lease =
                new Lease(PodSubnets.of(Cidr.parse("10.5.2.0/24")), new LeaseAttributes(PerFamily.none(), ""), null);
        assertThat(reason(lease)).isEqualTo(Reason.PUBLIC_ADDRESS);
    }

    @Test
    void linkLocalNodesKnowEachOther() {
        Rules linkLocal = rules("10.5.0.0/16", false, "169.254.1.1/16");
        assertThat(reason(vxlan("10.5.2.0/24", "169.254.7.7"), linkLocal)).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"VNI\":1,\"VtepMAC\":\"01:00:5e:00:00:01\"}",
                "{\"VNI\":1,\"VtepMAC\":\"33:33:00:00:00:01\"}",
                "{\"VNI\":1,\"VtepMAC\":\"ff:ff:ff:ff:ff:ff\"}",
                "{\"VNI\":1,\"VtepMAC\":\"00:00:00:00:00:00\"}",
                "{\"VNI\":1,\"VtepMAC\":\"c6:d2:32\"}",
                "{\"VNI\":1,\"VtepMAC\":7}",
                "{\"VNI\":1}",
                "\"c6:d2:32:6f:8f:44\"",
                "[]"
            })
    void aVtepWithoutAUnicastMacIsRefused(String data) {
        assertThat(reason(lease("10.5.2.0/24", "192.168.100.2", "vxlan", data))).isEqualTo(Reason.MAC);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "16777216", "4294967297", "1e3", "\"1\"", "null", "2"})
    void aVniOutOfRangeOrOfAnotherNetworkIsRefused(String vni) {
        String data = "{\"VNI\":" + vni + ",\"VtepMAC\":\"" + GOOD_MAC + "\"}";
        assertThat(reason(lease("10.5.2.0/24", "192.168.100.2", "vxlan", data))).isEqualTo(Reason.VNI);
    }

    @Test
    void whatALeaseSaysOfOtherEncapsulationsIsJudgedToo() {
        String bad = "{\"Decodes\":{\"udp\":{},\"vxlan\":{\"VNI\":1,\"VtepMAC\":\"01:00:5e:00:00:01\"}}}";
        String good = "{\"Decodes\":{\"udp\":{},\"vxlan\":{\"VNI\":1,\"VtepMAC\":\"" + GOOD_MAC + "\"}}}";
        assertThat(reason(lease("10.5.2.0/24", "192.168.100.2", "", bad))).isEqualTo(Reason.MAC);
        assertThat(reason(lease("10.5.2.0/24", "192.168.100.2", "", good))).isNull();
    }

    @Test
    void aSubnetThatTheHostItselfIsOnIsRefused() {
        Rules withLan = rules("10.0.0.0/8", false, "10.240.0.5/20", "10.5.1.1/24");
        assertThat(reason(vxlan("10.240.1.0/24", "10.240.0.6"), withLan)).isEqualTo(Reason.OVERLAPS_HOST);
        Rules inLarge = rules("10.5.0.0/16", false, "10.0.0.5/8");
        assertThat(reason(vxlan("10.5.2.0/24", "10.0.0.6"), inLarge))
                .as("the host's network is larger than the pods'")
                .isNull();
    }

    @Test
    void aFamilyThatTheNetworkDoesNotHaveIsNotLookedAt() {
        Lease dual = new Lease(
                PodSubnets.of(Cidr.parse("10.5.2.0/24"), Cidr.parse("2001:db8::/32")),
                LeaseAttributes.ofIpv4(IpAddress.parse("192.168.100.2"), "", null),
                null);
        assertThat(reason(dual)).isNull();
    }

    @Test
    void bothFamiliesOfADualStackLeaseMustBeGood() throws ConfigException {
        Rules dual = dualStackRules("host-gw");
        assertThat(reason(dualStack("fd00:5:0:2::/64", "fd00:64::2"), dual)).isNull();
        assertThat(reason(dualStack("fd00:6:0:2::/64", "fd00:64::2"), dual)).isEqualTo(Reason.OUTSIDE_NETWORK);
        assertThat(reason(dualStack("fd00:5:0:1::/64", "fd00:64::2"), dual)).isEqualTo(Reason.OVERLAPS_OWN);
        assertThat(List.of("::1", "ff02::1", "fe80::2", "fd00:64::1", "::ffff:192.168.100.2", "fd00:5:0:9::1"))
                .allSatisfy(address -> assertThat(reason(dualStack("fd00:5:0:2::/64", address), dual))
                        .isEqualTo(Reason.PUBLIC_ADDRESS));
    }

    @Test
    void aRefusalNamesTheFieldsOfItsFamily() throws ConfigException {
        Rules dual = dualStackRules("host-gw", "fd00:5:0:ff::7/120");
        assertThat(problem(dualStack("fd00:5:0:2::/65", "fd00:64::2"), dual))
                .isEqualTo("its subnet fd00:5:0:2::/65 is no /64, which IPv6SubnetLen asks for;"
                        + " restart the daemon of that node, or delete it");
        assertThat(problem(dualStack("fd00:5:0:ff::/64", "fd00:64::2"), dual))
                .endsWith("keep such networks out of IPv6SubnetMin to IPv6SubnetMax");
        assertThat(problem(vxlan("10.5.2.0/25", "192.168.100.2"), rules)).contains(", which SubnetLen asks for;");
    }

    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "geneve"})
    void theDataOfBothFamiliesIsJudgedAlike(String type) throws ConfigException {
        String field = type.equals("vxlan") ? "VtepMAC" : "MAC";
        String good = "{\"VNI\":1,\"" + field + "\":\"" + GOOD_MAC + "\"}";
        Rules dual = dualStackRules("vxlan");
        assertThat(reason(dualStackData(type, good, good), dual)).isNull();
        for (String mac : List.of(
                "\"01:00:5e:00:00:01\"",
                "\"33:33:00:00:00:01\"",
                "\"ff:ff:ff:ff:ff:ff\"",
                "\"00:00:00:00:00:00\"",
                "\"c6:d2:32\"",
                "7",
                "null",
                "{}",
                "[\"" + GOOD_MAC + "\"]")) {
            String bad = "{\"VNI\":1,\"" + field + "\":" + mac + "}";
            assertThat(reason(dualStackData(type, good, bad), dual)).as(bad).isEqualTo(Reason.MAC);
            assertThat(reason(dualStackData(type, bad, good), dual)).as(bad).isEqualTo(Reason.MAC);
            assertThat(problem(dualStackData(type, good, bad), dual)).startsWith("its BackendV6Data." + field + " is ");
        }
        for (String vni : List.of("-1", "16777216", "4294967297", "1e3", "\"1\"", "null", "true", "[1]", "{}")) {
            String bad = "{\"VNI\":" + vni + ",\"" + field + "\":\"" + GOOD_MAC + "\"}";
            assertThat(reason(dualStackData(type, good, bad), dual)).as(bad).isEqualTo(Reason.VNI);
            assertThat(reason(dualStackData(type, bad, good), dual)).as(bad).isEqualTo(Reason.VNI);
            assertThat(problem(dualStackData(type, good, bad), dual)).startsWith("its BackendV6Data.VNI is ");
        }
    }

    @Test
    void whatALeaseSaysOfOtherEncapsulationsIsJudgedInBothFamilies() throws ConfigException {
        String good = "{\"VNI\":1,\"VtepMAC\":\"" + GOOD_MAC + "\"}";
        String bad = "{\"VNI\":1,\"VtepMAC\":\"" + GOOD_MAC + "\",\"Decodes\":"
                + "{\"geneve\":{\"VNI\":1,\"MAC\":\"01:00:5e:00:00:01\"}}}";
        assertThat(problem(dualStackData("vxlan", good, bad), dualStackRules("vxlan")))
                .startsWith("its BackendV6Data.Decodes.geneve.MAC is ");
    }

    @Test
    void theOlderOfTwoStaysAndTheOtherIsAdmittedWhenItEnds() {
        Rules cut = rules("10.5.0.0/16", true, "192.168.100.1/24");
        Lease older = vxlan("10.5.4.0/24", "192.168.100.2");
        Lease longer = vxlan("10.5.4.128/25", "192.168.100.3");
        Lease shorter = vxlan("10.5.4.0/23", "192.168.100.4");
        Verdict all = Admission.judge(List.of(shorter, longer, older), cut);
        assertThat(all.admitted()).containsExactly(older);
        assertThat(all.refused())
                .extracting(Refusal::reason)
                .containsExactly(Reason.OVERLAPS_OLDER, Reason.OVERLAPS_OLDER);
        assertThat(Admission.judge(List.of(shorter, longer), cut).admitted()).containsExactly(longer);
        assertThat(Admission.judge(List.of(shorter), cut).admitted()).containsExactly(shorter);
    }

    @Test
    void whateverLiesInTheStoreTheVerdictHoldsItsPromises() {
        Random random = new Random(11);
        for (int round = 0; round < 500; round++) {
            Rules now = rules("10.5.0.0/16", random.nextBoolean(), "192.168.100.1/24", "10.5.3.5/28");
            List<Lease> leases = Stream.generate(() -> anyLease(random))
                    .limit(random.nextInt(60))
                    .toList();
            Verdict verdict = Admission.judge(leases, now);

            List<Lease> answered = new ArrayList<>(verdict.admitted());
            verdict.refused().forEach(refusal -> answered.add(refusal.lease()));
            assertThat(answered).containsExactlyInAnyOrderElementsOf(leases);
            for (Lease lease : verdict.admitted()) {
                Cidr subnet = lease.subnets().byFamily().require(IpFamily.IPV4);
                assertThat(Cidr.parse("10.5.0.0/16").contains(subnet)).isTrue();
                assertThat(lease.subnets().overlaps(OWN)).isFalse();
                assertThat(subnet.overlaps(Cidr.parse("10.5.3.0/28"))).isFalse();
                assertThat(verdict.admitted())
                        .filteredOn(
                                other -> !other.equals(lease) && other.subnets().overlaps(lease.subnets()))
                        .isEmpty();
            }
            for (Refusal refusal : verdict.refused()) {
                if (refusal.reason() == Reason.OVERLAPS_OLDER) {
                    assertThat(verdict.admitted())
                            .anyMatch(older -> older.subnets()
                                            .overlaps(refusal.lease().subnets())
                                    && older.origin().compareTo(refusal.lease().origin()) < 0);
                }
            }
            List<Lease> shuffled = new ArrayList<>(leases);
            Collections.shuffle(shuffled, random);
            assertThat(Admission.judge(shuffled, now)).as("in another order").isEqualTo(verdict);
            assertThat(Admission.judge(verdict.admitted(), now).admitted())
                    .as("without those that were refused")
                    .isEqualTo(verdict.admitted());
        }
    }

    @Test
    void refusesAnAddressOfThisHostsOwnContainers() throws Exception {
        Rules by = new Rules(
                rules.config(),
                false,
                OWN,
                rules.host(),
                List.of(Cidr.parse("172.17.0.1/16"), Cidr.parse("fd17::1/64")));

        assertThat(reason(vxlan("10.5.9.0/24", "172.17.0.5"), by)).isEqualTo(Reason.PUBLIC_ADDRESS);
        assertThat(Admission.judge(List.of(vxlan("10.5.9.0/24", "172.17.0.5")), by)
                        .refused()
                        .get(0)
                        .problem())
                .contains("172.17.0.0/16, a network of containers of this host");
        assertThat(reason(vxlan("10.5.9.0/24", "172.18.0.5"), by)).isNull();
    }

    private Lease anyLease(Random random) {
        int bits = random.nextInt(8) == 0
                ? random.nextInt()
                : 0x0a05_0000 | random.nextInt(random.nextBoolean() ? 0x10000 : 0x800);
        int length = random.nextInt(4) == 0 ? random.nextInt(33) : 22 + random.nextInt(4);
        String address = random.nextInt(8) == 0
                ? IpAddress.ofIpv4(random.nextInt()).toString()
                : "192.168.100." + random.nextInt(256);
        return vxlan(new Cidr(IpAddress.ofIpv4(bits), length).network().toString(), address);
    }

    private static @Nullable Reason reason(Lease lease, Rules by) {
        Verdict verdict = Admission.judge(List.of(lease), by);
        assertThat(verdict.admitted().size() + verdict.refused().size()).isEqualTo(1);
        return verdict.refused().isEmpty() ? null : verdict.refused().get(0).reason();
    }

    private static String problem(Lease lease, Rules by) {
        return Admission.judge(List.of(lease), by).refused().get(0).problem();
    }

    private @Nullable Reason reason(Lease lease) {
        return reason(lease, rules);
    }

    private static Rules rules(String network, boolean anyLength, String... host) {
        try {
            return new Rules(
                    NetworkConfig.parse(
                            "{\"Network\":\"" + network + "\",\"SubnetLen\":24,\"Backend\":{\"Type\":\"vxlan\"}}"),
                    anyLength,
                    OWN,
                    Stream.of(host).map(Cidr::parse).toList());
        } catch (ConfigException e) {
            throw new AssertionError(e);
        }
    }

    private Lease vxlan(String subnet, String publicIp) {
        return lease(subnet, publicIp, "vxlan", "{\"VNI\":1,\"VtepMAC\":\"" + GOOD_MAC + "\"}");
    }

    private Lease lease(String subnet, String publicIp, String type, String data) {
        return new Lease(
                PodSubnets.of(Cidr.parse(subnet).network()),
                LeaseAttributes.ofIpv4(IpAddress.parse(publicIp), type, json(data)),
                null,
                new Lease.Origin("subnets/" + subnet, ++revision));
    }

    private static Rules dualStackRules(String type, String... host) throws ConfigException {
        return new Rules(
                NetworkConfig.parse("{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","
                        + "\"Backend\":{\"Type\":\"" + type + "\"}}"),
                false,
                PodSubnets.of(Cidr.parse("10.5.1.0/24"), Cidr.parse("fd00:5:0:1::/64")),
                Stream.concat(Stream.of("192.168.100.1/24", "fd00:64::1/64"), Stream.of(host))
                        .map(Cidr::parse)
                        .toList());
    }

    private static Lease dualStackData(String type, String data, String ipv6Data) {
        LeaseAttributes good = dualStack("fd00:5:0:2::/64", "fd00:64::2").attributes();
        return new Lease(
                PodSubnets.of(Cidr.parse("10.5.2.0/24"), Cidr.parse("fd00:5:0:2::/64")),
                new LeaseAttributes(
                        good.publicIps(),
                        type,
                        PerFamily.of(family -> Optional.of(json(family == IpFamily.IPV4 ? data : ipv6Data)))),
                null);
    }

    private static Lease dualStack(String ipv6Subnet, String ipv6Address) {
        return new Lease(
                PodSubnets.of(Cidr.parse("10.5.2.0/24"), Cidr.parse(ipv6Subnet)),
                new LeaseAttributes(
                        PerFamily.by(
                                IpAddress::family,
                                List.of(IpAddress.parse("192.168.100.2"), IpAddress.parse(ipv6Address))),
                        "host-gw"),
                null);
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }
}
