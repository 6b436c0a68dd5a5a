package io.flannelj.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import org.junit.jupiter.api.Test;

class UplinkTest {
    private static Uplink uplink(int index, int mtuBytes, String address) {
        return new Uplink("eth0", index, mtuBytes, PerFamily.of(IpFamily.IPV4, IpAddress.parse(address)));
    }

    @Test
    void connectionsGoOnWhereTheirAddressAndTheirSegmentsStillFit() {
        Uplink before = uplink(2, 1400, "192.168.0.1");

        assertThat(uplink(2, 1400, "192.168.0.1").keepsConnectionsOf(before)).isTrue();
        assertThat(uplink(2, 1500, "192.168.0.1").keepsConnectionsOf(before)).isTrue();
        assertThat(uplink(2, 1399, "192.168.0.1").keepsConnectionsOf(before))
                .as("an interface drops what is longer than its MTU")
                .isFalse();
        assertThat(uplink(3, 1400, "192.168.0.1").keepsConnectionsOf(before)).isFalse();
        assertThat(uplink(2, 1400, "192.168.0.2").keepsConnectionsOf(before)).isFalse();
    }
}
