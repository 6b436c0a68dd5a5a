package io.flannelj.cni.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.net.PerFamily;
import io.flannelj.net.SubnetEnv;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NetConfTest {
    private static final SubnetEnv NODE =
            new SubnetEnv(cidrs("10.5.0.0/16", "fc00::/48"), cidrs("10.5.1.0/24", "fc00:0:0:1::/64"), 1450, false);

    private static PerFamily<Cidr> cidrs(String ipv4, String ipv6) {
        return PerFamily.by(Cidr::family, List.of(Cidr.parse(ipv4), Cidr.parse(ipv6)));
    }

    private static ObjectNode render(String json) throws CniException {
        return DelegateConf.render(NetConf.parse(json.replace('\'', '"')), NODE);
    }

    private static BridgeConf parse(String json, String arguments) throws CniException {
        return BridgeConf.parse(render(json), arguments);
    }

    private static BridgeConf parse(String json) throws CniException {
        return parse(json, "");
    }

    @Test
    void defaults() throws Exception {
        NetConf outer = NetConf.parse("{\"cniVersion\":\"1.0.0\",\"name\":\"podnet\",\"type\":\"flannel-j\"}");
        BridgeConf conf = parse("{'cniVersion':'1.0.0','name':'podnet','type':'flannel-j'}");

        assertThat(outer.subnetFile()).isEqualTo(Path.of("/run/flannel/subnet.env"));
        assertThat(outer.stateDirectory()).isEqualTo(Path.of("/var/lib/cni/flannel"));
        assertThat(conf.bridge()).isEqualTo("docker0");
        assertThat(conf.isGateway()).isTrue();
        assertThat(conf.isDefaultGateway()).isTrue();
        assertThat(conf.hairpinMode()).isFalse();
        assertThat(conf.ipMasq()).as("flanneld does not, so we do").isTrue();
        assertThat(conf.mtuBytes()).isEqualTo(1450);
        assertThat(conf.requested()).isEmpty();
        assertThat(conf.mac()).isNull();
    }

    @Test
    void calledFlannelItRendersWhatFlannelRenders() throws Exception {
        ObjectNode rendered = render("{'cniVersion':'0.3.1','name':'cbr0','type':'flannel',"
                + "'delegate':{'hairpinMode':true,'isDefaultGateway':true}}");

        assertThat(rendered)
                .isEqualTo(Json.object(
                        ("{'hairpinMode':true,'isDefaultGateway':true,'cniVersion':'0.3.1','name':'cbr0','type':'bridge',"
                                        + "'isGateway':true,'bridge':'cni0','ipMasq':true,'mtu':1450,'ipam':{'type':'host-local',"
                                        + "'ranges':[[{'subnet':'10.5.1.0/24'}],[{'subnet':'fc00:0:0:1::/64'}]],"
                                        + "'routes':[{'dst':'10.5.0.0/16'},{'dst':'fc00::/48'}]}}")
                                .replace('\'', '"'),
                        "expected"));
    }

    @Test
    void rangesStayWithinTheNodesSubnet() throws Exception {
        ObjectNode rendered = render("{'cniVersion':'1.0.0','name':'n','shareWithDocker':true,"
                + "'ipam':{'rangeEnd':'10.5.1.200','routes':[{'dst':'192.168.0.0/16'}]}}");

        assertThat(rendered.path("ipam").path("ranges").path(0).path(0).toString())
                .isEqualTo("{\"subnet\":\"10.5.1.0/24\",\"rangeStart\":\"10.5.1.128\",\"rangeEnd\":\"10.5.1.200\"}");
        assertThat(rendered.path("ipam").path("routes").path(0).path("dst").asText())
                .isEqualTo("192.168.0.0/16");
    }

    @Test
    void onDocker0PodsLeaveTheLowerHalfToDockerd() throws Exception {
        String upper = "\"rangeStart\":\"10.5.1.128\"";
        assertThat(ranges("")).contains(upper);
        assertThat(ranges(",'delegate':{'bridge':'docker0'}")).contains(upper);
        assertThat(ranges(",'bridge':'cni0'")).doesNotContain("rangeStart");
        assertThat(ranges(",'shareWithDocker':false")).doesNotContain("rangeStart");
        assertThat(ranges(",'ipam':{'rangeStart':'10.5.1.7'}"))
                .contains("10.5.1.7")
                .doesNotContain("10.5.1.128");
    }

    private String ranges(String fields) throws Exception {
        return render("{'cniVersion':'1.0.0','name':'n'" + fields + "}")
                .path("ipam")
                .path("ranges")
                .toString();
    }

    @Test
    void everyBridgeFieldIsRead() throws Exception {
        BridgeConf conf = parse("{'cniVersion':'1.0.0','name':'n','delegate':{'bridge':'br7','isGateway':false,"
                + "'isDefaultGateway':false,'forceAddress':true,'ipMasq':false,'ipMasqBackend':'nftables','mtu':1400,"
                + "'hairpinMode':false,'promiscMode':true,'vlan':7,'preserveDefaultVlan':false,'macspoofchk':true,"
                + "'portIsolation':true,'enabledad':true}}");

        assertThat(conf.bridge()).isEqualTo("br7");
        assertThat(conf.isGateway()).isFalse();
        assertThat(conf.isDefaultGateway()).isFalse();
        assertThat(conf.forceAddress()).isTrue();
        assertThat(conf.ipMasq()).isFalse();
        assertThat(conf.firewall()).isEqualTo(FirewallKind.NFTABLES);
        assertThat(conf.mtuBytes()).isEqualTo(1400);
        assertThat(conf.promiscMode()).isTrue();
        assertThat(conf.vlan()).isEqualTo(7);
        assertThat(conf.keepsDefaultVlan()).isFalse();
        assertThat(conf.macSpoofCheck()).isTrue();
        assertThat(conf.portIsolation()).isTrue();
        assertThat(conf.detectDuplicates()).isTrue();
    }

    @Test
    void addressAndMacComeFromAnyOfThreePlaces() throws Exception {
        for (BridgeConf conf : new BridgeConf[] {
            parse(
                    "{'cniVersion':'1.0.0','name':'n','runtimeConfig':{'ips':['10.5.1.9/24'],'mac':'02:00:00:00:00:09'}}"),
            parse("{'cniVersion':'1.0.0','name':'n','args':{'cni':{'ips':['10.5.1.9'],'mac':'02:00:00:00:00:09'}}}"),
            parse("{'cniVersion':'1.0.0','name':'n'}", "IgnoreUnknown=1;IP=10.5.1.9;MAC=02:00:00:00:00:09")
        }) {
            assertThat(conf.requested()).containsExactly(IpAddress.parse("10.5.1.9"));
            assertThat(conf.mac()).isEqualTo(MacAddress.parse("02:00:00:00:00:09"));
        }
    }

    @Test
    void portMappingsAreRead() throws Exception {
        BridgeConf conf = parse("{'cniVersion':'1.0.0','name':'n','runtimeConfig':{'portMappings':["
                + "{'hostPort':8080,'containerPort':80,'protocol':'TCP'},{'hostPort':53,'containerPort':53,"
                + "'protocol':'udp','hostIP':'192.168.0.1'},{'hostPort':0,'containerPort':9}]}}");

        assertThat(conf.portMappings())
                .containsExactly(
                        new PortMapping("tcp", 8080, 80, null),
                        new PortMapping("udp", 53, 53, IpAddress.parse("192.168.0.1")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "7", "\"text\""})
    void whatIsNoObjectIsRefused(String stdin) {
        assertThatThrownBy(() -> NetConf.parse(stdin)).isInstanceOf(CniException.class);
    }

    @ParameterizedTest
    @CsvSource({"'{''cniVersion'':''2.0.0'',''name'':''n''}', cniVersion 2.0.0", "'{''name'':''n''}', cniVersion 0.1.0"
    })
    void versionsWeDoNotSpeakAreRefused(String json, String named) {
        assertThatThrownBy(() -> parse(json)).hasMessageContaining(named);
    }

    @Test
    void everyMistakeIsToldAtOnce() {
        assertThatThrownBy(() -> parse("{'cniVersion':'1.0.0','name':'n','bridge':'much/too/wrong',"
                        + "'mtu':99999,'hairpinMode':true,'promiscMode':true,"
                        + "'runtimeConfig':{'mac':'xx','ips':['nonsense'],'portMappings':[{'protocol':'icmp'}]}}"))
                .hasMessageContaining("bridge")
                .hasMessageContaining("mtu")
                .hasMessageContaining("exclude each other")
                .hasMessageContaining("mac")
                .hasMessageContaining("icmp")
                .hasMessageContaining("containerPort")
                .hasMessageContaining("nonsense");
        assertThatThrownBy(() -> parse("{'cniVersion':'1.0.0','name':'no spaces','delegate':{'ipam':{},'type':7}}"))
                .hasMessageContaining("name")
                .hasMessageContaining("must not contain ipam")
                .hasMessageContaining("delegate.type");
    }

    @ParameterizedTest
    @ValueSource(strings = {"'vlanTrunk':[{'id':7}]", "'disableContainerInterface':true"})
    void whatIsNotBuiltIsRefusedByName(String field) {
        assertThatThrownBy(() -> parse("{'cniVersion':'1.0.0','name':'n'," + field + "}"))
                .hasMessageContaining(field.substring(1, field.indexOf('\'', 1)));
    }

    @Test
    void damagedConfigurationsNeverFailOtherwise() {
        String good = "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"delegate\":{\"bridge\":\"b\",\"mtu\":1400},"
                + "\"ipam\":{\"dataDir\":\"/x\",\"rangeStart\":\"10.5.1.5\"},\"runtimeConfig\":{\"ips\":[\"10.5.1.9/24\"]}}";
        Random random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            StringBuilder damaged = new StringBuilder(good);
            for (int j = random.nextInt(4); j >= 0; j--) {
                damaged.setCharAt(random.nextInt(damaged.length()), (char) random.nextInt(128));
            }
            try {
                ObjectNode rendered = DelegateConf.render(NetConf.parse(damaged.toString()), NODE);
                BridgeConf conf = BridgeConf.parse(rendered, "");
                HostLocalConf.parse(conf.name(), conf.ipam(), rendered.path("runtimeConfig"), conf.requested());
            } catch (CniException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }
}
