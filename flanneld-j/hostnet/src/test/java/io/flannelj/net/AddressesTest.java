package io.flannelj.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressesTest {
    @Test
    void anyIpv4AddressIsReadAsItIsWritten() {
        Random random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            IpAddress address = IpAddress.ofIpv4(random.nextInt());
            assertThat(IpAddress.parse(address.toString())).isEqualTo(address);
            assertThat(IpAddress.ofBytes(address.toBytes())).isEqualTo(address);
        }
    }

    @Test
    void anyIpv6AddressIsReadAsItIsWritten() {
        Random random = new Random(2);
        for (int i = 0; i < 1000; i++) {
            long groups = 0;
            for (int group = 0; group < 4; group++) {
                groups = groups << 16 | (random.nextBoolean() ? random.nextInt(0x10000) : 0);
            }
            IpAddress address = IpAddress.ofIpv6(random.nextBoolean() ? groups : 0, random.nextBoolean() ? groups : 1);
            assertThat(IpAddress.parse(address.toString())).isEqualTo(address);
            assertThat(IpAddress.ofBytes(address.toBytes())).isEqualTo(address);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2001:cafe:42:0:0:0:0:1, 2001:cafe:42::1",
        "0:0:0:0:0:0:0:0, ::",
        "FC00:0:0:1::, fc00:0:0:1::",
        "1:0:2:0:0:3:0:0, 1:0:2::3:0:0",
        "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1"
    })
    void ipv6IsWrittenAsRfc5952Says(String text, String canonical) {
        assertThat(IpAddress.parse(text)).hasToString(canonical);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10",
                "10.12.13",
                "10.12.13.300",
                "10.12.13.0.1",
                "10.12.13.01",
                "a.b.c.d",
                "1:2",
                "::g",
                "localhost",
                ":12:13:",
                "20011::"
            })
    void refusesWhatIsNoAddress(String text) {
        assertThatThrownBy(() -> IpAddress.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + text + "\"");
    }

    @Test
    void addressesCountOnOverBytes() {
        assertThat(IpAddress.parse("10.5.0.255").plus(1)).hasToString("10.5.1.0");
        assertThat(IpAddress.parse("10.5.1.0").plus(-1)).hasToString("10.5.0.255");
        assertThat(IpAddress.parse("fc00::ffff:ffff:ffff:ffff").plus(1)).hasToString("fc00:0:0:1::");
        assertThat(IpAddress.parse("fc00:0:0:1::").plus(-1)).hasToString("fc00::ffff:ffff:ffff:ffff");
    }

    @Test
    void aCidrKnowsItsBounds() {
        Cidr cidr = Cidr.parse("10.5.72.9/24");
        assertThat(cidr.network()).hasToString("10.5.72.0/24");
        assertThat(cidr.gateway()).hasToString("10.5.72.1/24");
        assertThat(cidr.lastAddress()).hasToString("10.5.72.255");
        assertThat(cidr.contains(IpAddress.parse("10.5.72.255"))).isTrue();
        assertThat(cidr.contains(IpAddress.parse("10.5.73.0"))).isFalse();
        assertThat(Cidr.parse("0.0.0.0/0").contains(cidr)).isTrue();
        assertThat(Cidr.parse("0.0.0.0/0").lastAddress()).hasToString("255.255.255.255");
        assertThat(Cidr.parse("2001:db8::/56").lastAddress()).hasToString("2001:db8:0:ff:ffff:ffff:ffff:ffff");
        assertThat(Cidr.parse("10.0.0.1/32").lastAddress()).hasToString("10.0.0.1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.0.0.0",
                "10.0.0.0/",
                "10.0.0.0/33",
                "10.0.0.0/-1",
                "10.0.0.0/1x",
                "::/129",
                "/24",
                "10.0.0.0/24/24"
            })
    void refusesWhatIsNoCidr(String text) {
        assertThatThrownBy(() -> Cidr.parse(text)).isInstanceOf(IllegalArgumentException.class);
        assertThat(Cidr.tryParse(text)).isEmpty();
    }

    @Test
    void aMacAddressIsReadAsItIsWritten() {
        MacAddress mac = MacAddress.parse("c6:d2:32:6f:8f:44");
        assertThat(mac).hasToString("c6:d2:32:6f:8f:44");
        assertThat(MacAddress.ofBytes(mac.toBytes())).isEqualTo(mac);
        assertThatThrownBy(() -> MacAddress.parse("c6:d2:32:6f:8f")).hasMessageContaining("c6:d2:32:6f:8f");
        for (int i = 0; i < 100; i++) {
            int first = MacAddress.randomLocal(new Random(i)).toBytes()[0];
            assertThat(first & 3).as("locally administered unicast").isEqualTo(2);
        }
    }
}
