package io.flannelj.cni.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NetConfTest {
    private static NetConf parse(String json) throws CniException {
        return NetConf.parse(json.replace('\'', '"'), "");
    }

    @Test
    void defaults() throws Exception {
        NetConf conf = parse("{'cniVersion':'1.0.0','name':'podnet','type':'flannel-j'}");

        assertThat(conf.bridge()).isEqualTo("docker0");
        assertThat(conf.subnetFile()).isEqualTo(Path.of("/run/flannel/subnet.env"));
        assertThat(conf.addressDirectory()).isEqualTo(Path.of("/var/lib/cni/networks"));
        assertThat(conf.isDefaultGateway()).isTrue();
        assertThat(conf.hairpinMode()).isFalse();
        assertThat(conf.mtuBytes()).isZero();
        assertThat(conf.requestedAddress()).isNull();
        assertThat(conf.mac()).isNull();
    }

    @Test
    void flannelsOwnConflistIsUnderstood() throws Exception {
        NetConf conf = parse("{'cniVersion':'0.3.1','name':'cbr0','type':'flannel',"
                + "'delegate':{'hairpinMode':true,'isDefaultGateway':true,'bridge':'cni0','mtu':1400}}");

        assertThat(conf.name()).isEqualTo("cbr0");
        assertThat(conf.bridge()).isEqualTo("cni0");
        assertThat(conf.hairpinMode()).isTrue();
        assertThat(conf.mtuBytes()).isEqualTo(1400);
    }

    @Test
    void addressAndMacComeFromAnyOfThreePlaces() throws Exception {
        NetConf runtime = parse("{'cniVersion':'1.0.0','name':'n',"
                + "'runtimeConfig':{'ips':['10.5.1.9/24'],'mac':'02:00:00:00:00:09'}}");
        NetConf arguments = NetConf.parse(
                "{\"cniVersion\":\"1.0.0\",\"name\":\"n\"}", "IgnoreUnknown=1;IP=10.5.1.9;MAC=02:00:00:00:00:09");

        assertThat(runtime.requestedAddress()).isEqualTo(IpAddress.parse("10.5.1.9"));
        assertThat(arguments.requestedAddress()).isEqualTo(IpAddress.parse("10.5.1.9"));
        assertThat(runtime.mac()).isEqualTo(MacAddress.parse("02:00:00:00:00:09"));
        assertThat(arguments.mac()).isEqualTo(runtime.mac());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "7", "\"text\""})
    void whatIsNoObjectIsRefused(String stdin) {
        assertThatThrownBy(() -> NetConf.parse(stdin, "")).isInstanceOf(CniException.class);
    }

    @ParameterizedTest
    @CsvSource({"'{''cniVersion'':''2.0.0'',''name'':''n''}', cniVersion 2.0.0", "'{''name'':''n''}', cniVersion 0.1.0"
    })
    void versionsWeDoNotSpeakAreRefused(String json, String named) {
        assertThatThrownBy(() -> parse(json)).hasMessageContaining(named);
    }

    @Test
    void everyMistakeIsToldAtOnce() {
        assertThatThrownBy(() -> parse("{'cniVersion':'1.0.0','name':'no spaces','bridge':'much/too/wrong',"
                        + "'mtu':99999,'runtimeConfig':{'mac':'xx','ips':['nonsense']}}"))
                .hasMessageContaining("name")
                .hasMessageContaining("bridge")
                .hasMessageContaining("mtu")
                .hasMessageContaining("mac")
                .hasMessageContaining("nonsense");
    }

    @ParameterizedTest
    @ValueSource(strings = {"'vlan':7", "'ipMasq':true", "'portIsolation':true", "'macspoofchk':true"})
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
                NetConf.parse(damaged.toString(), "");
            } catch (CniException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }
}
