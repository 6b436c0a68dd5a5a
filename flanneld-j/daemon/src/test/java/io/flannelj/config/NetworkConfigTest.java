package io.flannelj.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.UdpFeature;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkConfigTest {
    @Test
    void defaultsAreFlannels() throws Exception {
        NetworkConfig config = NetworkConfig.parse("{\"Network\": \"10.3.0.0/16\"}");

        assertThat(config.networks()).hasToString("10.3.0.0/16");
        assertThat(pool(config).subnetLength()).isEqualTo(24);
        assertThat(pool(config).first()).hasToString("10.3.1.0");
        assertThat(pool(config).last()).hasToString("10.3.255.0");
        assertThat(pool(config).size()).isEqualTo(255);
        assertThat(config.enableNftables()).isFalse();
        assertThat(config.backend()).isEqualTo(new BackendConfig.Udp(8285, UdpFeature.ALL));
    }

    @Test
    void everyKeyIsRead() throws Exception {
        NetworkConfig config = NetworkConfig.parse("""
                {"network": "10.5.7.9/12", "EnableIPv4": true, "enableIPv6": false, "EnableNFTables": true,
                 "SubnetLen": 26, "SubnetMin": "10.0.1.64", "SubnetMax": "10.1.0.0", "Unknown": [],
                 "Backend": {"Type": "VXLAN", "VNI": 7, "Port": 4789, "MTU": 9000, "Datapath": "auto",
                             "DirectRouting": true, "GBP": true, "learning": true}}
                """);

        assertThat(config.networks()).hasToString("10.0.0.0/12");
        assertThat(pool(config).subnetLength()).isEqualTo(26);
        assertThat(pool(config).first()).hasToString("10.0.1.64");
        assertThat(pool(config).last()).hasToString("10.1.0.0");
        assertThat(config.enableNftables()).isTrue();
        assertThat(config.backend())
                .isEqualTo(new BackendConfig.Vxlan(7, 4789, 9000, true, true, true, Datapath.AUTO, UdpFeature.ALL));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"Type\":\"ipip\",\"DirectRouting\":true} | Ipip[directRouting=true, datapath=AUTO]",
                "{\"Type\":\"geneve\"} | Geneve[vni=1, port=6081, mtuBytes=0, optionRoomBytes=16, udpFeatures=[SEGMENTATION, CHECKSUM]]",
                "{\"Type\":\"geneve\",\"VNI\":9,\"Port\":7,\"MTU\":9000,\"OptionRoom\":0,\"UDPSegmentation\":false,\"UDPChecksums\":false} | Geneve[vni=9, port=7, mtuBytes=9000, optionRoomBytes=0, udpFeatures=[]]",
                "{\"Type\":\"extension\",\"PreStartupCommand\":\"a\",\"PostStartupCommand\":\"b\",\"SubnetAddCommand\":\"c\",\"SubnetRemoveCommand\":\"d\"} | Extension[preStartup=a, postStartup=b, subnetAdd=c, subnetRemove=d]",
            })
    void everyBackendReadsItsOptions(String backend, String read) throws Exception {
        assertThat(NetworkConfig.parse("{\"Network\":\"10.3.0.0/16\",\"Backend\":" + backend + "}")
                        .backend())
                .hasToString(read);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"Type\":\"udp\",\"Port\":7,\"UDPSegmentation\":false,\"UDPChecksums\":true}",
                "{\"Type\":\"vxlan\",\"VNI\":7,\"Port\":4789,\"MTU\":1400,\"DirectRouting\":true,\"GBP\":true,\"Learning\":true,\"Datapath\":\"auto\",\"UDPSegmentation\":true,\"UDPChecksums\":false}",
                "{\"Type\":\"geneve\",\"VNI\":7,\"Port\":7,\"MTU\":1400,\"OptionRoom\":32,\"UDPSegmentation\":false,\"UDPChecksums\":false}",
                "{\"Type\":\"ipip\",\"DirectRouting\":true,\"Datapath\":\"kernel\"}",
                "{\"Type\":\"host-gw\"}",
                "{\"Type\":\"alloc\"}",
                "{\"Type\":\"extension\",\"PreStartupCommand\":\"a\",\"PostStartupCommand\":\"b\",\"SubnetAddCommand\":\"c\",\"SubnetRemoveCommand\":\"d\"}"
            })
    void aBackendIsWrittenAsItIsRead(String backend) throws Exception {
        assertThat(NetworkConfig.parse("{\"Network\":\"10.5.0.0/16\",\"Backend\":" + backend + "}")
                        .backend()
                        .toJson()
                        .toString())
                .isEqualTo(backend);
    }

    @Test
    void bothFamiliesOrIpv6AloneAreANetwork() throws ConfigException {
        NetworkConfig both = NetworkConfig.parse("""
                {"Network": "10.5.0.0/16", "EnableIPv6": true, "IPv6Network": "fd00:5::/48", "Backend": {"Type": "vxlan"}}
                """);
        NetworkConfig alone = NetworkConfig.parse("""
                {"EnableIPv4": false, "EnableIPv6": true, "IPv6Network": "fd00:5::/56", "IPv6SubnetLen": 80,
                 "IPv6SubnetMin": "fd00:5:0:1::", "Backend": {"Type": "host-gw"}}
                """);

        assertThat(both.networks()).hasToString("10.5.0.0/16,fd00:5::/48");
        assertThat(both.pools().get(IpFamily.IPV6))
                .contains(new SubnetPool(
                        Cidr.parse("fd00:5::/48"),
                        64,
                        IpAddress.parse("fd00:5:0:1::"),
                        IpAddress.parse("fd00:5:0:ffff::")));
        assertThat(alone.networks()).hasToString("fd00:5::/56");
        assertThat(alone.pools().get(IpFamily.IPV6))
                .contains(new SubnetPool(
                        Cidr.parse("fd00:5::/56"),
                        80,
                        IpAddress.parse("fd00:5:0:1::"),
                        IpAddress.parse("fd00:5:0:ff:ffff::")));
    }

    @Test
    void everyProblemIsReportedAtOnce() {
        assertThatThrownBy(() -> NetworkConfig.parse("""
                        {"Network": "10.3.0.0/33", "SubnetLen": "24", "EnableIPv6": true, "EnableNFTables": 1,
                         "Backend": {"Type": "vxlan", "VNI": 16777216, "DirectRouting": 1}}
                        """))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems())
                                .extracting(problem -> problem.substring(0, problem.indexOf(':')))
                                .containsExactlyInAnyOrder(
                                        "Network",
                                        "SubnetLen",
                                        "IPv6Network",
                                        "EnableNFTables",
                                        "Backend.VNI",
                                        "Backend.DirectRouting"));
    }

    /** flannel accepts it, and says "out of subnets" later. */
    @ParameterizedTest
    @ValueSource(strings = {"", "IPv6"})
    void bugAMinimumAboveTheMaximumIsAcceptedIsFixed(String family) {
        String first = family.isEmpty() ? "10.3.9.0" : "fd00:5:0:9::";
        String last = family.isEmpty() ? "10.3.8.0" : "fd00:5:0:8::";
        assertThatThrownBy(() -> NetworkConfig.parse("{\"Network\": \"10.3.0.0/16\", \"EnableIPv6\": true,"
                        + " \"IPv6Network\": \"fd00:5::/48\", \"Backend\": {\"Type\": \"vxlan\"}, \""
                        + family + "SubnetMin\": \"" + first + "\", \"" + family + "SubnetMax\": \"" + last + "\"}"))
                .hasMessageContaining(family + "SubnetMin: " + first + " is above " + family + "SubnetMax " + last);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"SubnetLen\": 24} | Network: is missing",
                "{\"Network\": \"10.3.0.0/16\", \"EnableIPv6\": true, \"IPv6Network\": \"fd00::/48\"} | EnableIPv6: the udp backend carries IPv4 only",
                "{\"Network\": \"10.3.0.0/29\"} | Network: 10.3.0.0/29 is too small",
                "{\"Network\": \"10.3.0.0/16\", \"SubnetLen\": 31} | SubnetLen: must be at most 30, was 31",
                "{\"Network\": \"10.3.0.0/16\", \"SubnetLen\": 17} | SubnetLen: must be at least 18",
                "{\"Network\": \"10.3.0.0/16\", \"SubnetMin\": \"10.4.0.0\"} | SubnetMin: 10.4.0.0 is not in the network",
                "{\"Network\": \"10.3.0.0/16\", \"SubnetMax\": \"10.3.7.1\"} | SubnetMax: 10.3.7.1 is not the beginning of a /24",
                "{\"Network\": \"10.3.0.0/16\", \"SubnetMin\": \"10.3.9.0\", \"SubnetMax\": \"10.3.8.0\"} | is above SubnetMax",
                "{\"Network\": \"10.3.0.0/16\", \"Backend\": {\"Type\": \"wireguard\"}} | \"wireguard\" is not built into this version; available: alloc, extension, geneve, host-gw, ipip, udp, vxlan",
                "{\"Network\": \"10.3.0.0/16\", \"Backend\": {\"Type\": \"warp\"}} | Backend.Type: \"warp\" is not known",
                "{\"Network\": \"10.3.0.0/16\", \"Backend\": {\"Type\": \"vxlan\", \"Datapath\": \"fpga\"}} | Backend.Datapath: must be \"userspace\", \"kernel\" or \"auto\"",
                "{\"Network\": \"10.3.0.0/16\", \"Backend\": {\"Type\": \"udp\", \"Port\": 0}} | Backend.Port: must be 1 to 65535",
                "{\"Network\": \"10.3.0.0/16\", \"Backend\": {\"Type\": \"geneve\", \"OptionRoom\": 10}} | Backend.OptionRoom: must be a multiple of 4",
                "[] | must be a JSON object",
                "{\"Network\": | is not JSON",
                "{\"EnableIPv4\": false} | EnableIPv4: one family at least"
            })
    void aProblemNamesTheKeyAndTheRemedy(String json, String message) {
        assertThatThrownBy(() -> NetworkConfig.parse(json)).hasMessageContaining(message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "null", "\"\"", "7", "{}", "{\"Network\":{}}", "{\"Network\":\"10.0.0.0/8\",\"Backend\":7}"})
    void nonsenseIsRefusedWithoutAStackTrace(String json) {
        assertThatThrownBy(() -> NetworkConfig.parse(json)).isInstanceOf(ConfigException.class);
    }

    @ParameterizedTest
    @CsvSource({"10.0.0.0/22, 24", "10.0.0.0/23, 25", "10.0.0.0/28, 30", "10.0.0.0/8, 24"})
    void theSubnetLengthFollowsTheNetwork(String network, int length) throws Exception {
        NetworkConfig config = NetworkConfig.parse("{\"Network\": \"" + network + "\"}");
        assertThat(pool(config).subnetLength()).isEqualTo(length);
        long size = pool(config).size();
        assertThat(pool(config).subnet(0).address()).isEqualTo(pool(config).first());
        assertThat(pool(config).subnet(size - 1).address())
                .isEqualTo(pool(config).last());
        assertThat(pool(config).offers(pool(config).subnet(size - 1))).isTrue();
    }

    private static SubnetPool pool(NetworkConfig config) {
        return config.pools().require(IpFamily.IPV4);
    }
}
