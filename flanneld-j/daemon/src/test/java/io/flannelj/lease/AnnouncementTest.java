package io.flannelj.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AnnouncementTest {
    private static final String VXLAN =
            "{\"PublicIP\":\"192.168.0.7\",\"PublicIPv6\":null,\"BackendType\":\"vxlan\",\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"02:00:00:00:00:07\"}}";

    private static LeaseAttributes vxlan() {
        return LeaseJson.parse(VXLAN).orElseThrow();
    }

    private static LeaseAttributes udp() {
        return LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0.7"), "", null);
    }

    @Test
    void oneEncapsulationIsWrittenAsFlannelWritesIt() {
        LeaseAttributes written = new Announcement("vxlan", Map.of("vxlan", vxlan())).toAttributes();

        assertThat(LeaseJson.format(written)).isEqualTo(VXLAN);
        assertThat(Announcement.saysMore(written)).isFalse();
    }

    @Test
    void severalStandInsideBackendDataBehindWhatFlannelReads() {
        Map<String, LeaseAttributes> decodes = new LinkedHashMap<>();
        decodes.put("udp", udp());
        decodes.put("vxlan", vxlan());

        LeaseAttributes written = new Announcement("vxlan", decodes).toAttributes();

        assertThat(LeaseJson.format(written))
                .endsWith("\"BackendType\":\"vxlan\",\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"02:00:00:00:00:07\","
                        + "\"Decodes\":{\"udp\":{},\"vxlan\":{\"VNI\":1,\"VtepMAC\":\"02:00:00:00:00:07\"}}}}");
        Announcement read = Announcement.of(written);
        assertThat(read.preferred()).isEqualTo("vxlan");
        assertThat(read.decodes().get("udp")).isEqualTo(udp());
        assertThat(Announcement.saysMore(written)).isTrue();
    }

    @Test
    void aUdpLeaseStaysUntypedAndKeepsWhatOthersNeedForVxlan() {
        Map<String, LeaseAttributes> decodes = new LinkedHashMap<>();
        decodes.put("udp", udp());
        decodes.put("vxlan", vxlan());

        LeaseAttributes written = new Announcement("udp", decodes).toAttributes();

        assertThat(written.backendType()).isEmpty();
        assertThat(Announcement.of(written).preferred()).isEqualTo("udp");
        assertThat(Announcement.of(written).decodes().get("vxlan")).isEqualTo(vxlan());
    }
}
