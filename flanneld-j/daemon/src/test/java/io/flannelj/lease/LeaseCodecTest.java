package io.flannelj.lease;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LeaseCodecTest {
    @ParameterizedTest
    @ValueSource(strings = {"10.12.13.0-24", "10.12.13.0-24&fd00:12:13::-56", "10.5.52.0-30"})
    void keysComeBackAsTheyWere(String key) {
        assertThat(SubnetKey.parse("/coreos.com/network/subnets/" + key).map(SubnetKey::format))
                .contains(key);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10",
                "10.12.13.0",
                "10.12.13-24",
                "10.12.13.300-24",
                "10.12.13.0-24hi",
                "&2001::-56",
                "10.12.13.0-24&:12:13:-56",
                "10.12.13.0-24&20011::-56",
                "10.12.13.0-24&2001-56",
                "10.12.13.0-24&2001::",
                "10.12.13.0-24&2001::-56hi",
                "10.12.13.0-32",
                "10.12.13.0-24\n",
                ""
            })
    void whatFlannelRefusesIsRefused(String key) {
        assertThat(SubnetKey.parse(key)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"PublicIP\":\"::1\"}",
                "{\"PublicIPv6\":\"192.168.0.2\"}",
                "{\"PublicIP\":\"192.168.0.2\",\"BackendData\":{\"a\":[1e999]}}",
            })
    void aValueThatCannotBeWrittenAsItIsOrMixesFamiliesIsRefused(String value) {
        assertThat(LeaseJson.parse(value)).isEmpty();
    }

    /** flannel's fuzzing of ParseSubnetKey and kvToIPLease: whatever is there is read or refused, and what is read is written alike. */
    @Test
    void nothingInAKeyOrAValueBreaksTheReaders() {
        Random random = new Random(7);
        String keys = "0123456789.-&:abcdef/ \u00e9\n";
        String values = "{}[]\",:PublicIP10.25null\\\u00e9 ";
        int read = 0;
        for (int i = 0; i < 200_000; i++) {
            Optional<PodSubnets> subnets = SubnetKey.parse(mutated("10.12.13.0-24&fd00:12:13::-56", keys, random));
            subnets.ifPresent(found ->
                    assertThat(SubnetKey.parse(SubnetKey.format(found))).contains(found));
            read += subnets.isPresent() ? 1 : 0;
            Optional<LeaseAttributes> attributes = LeaseJson.parse(mutated(
                    "{\"PublicIP\":\"192.168.64.3\",\"PublicIPv6\":null,\"BackendType\":\"vxlan\"}", values, random));
            attributes.ifPresent(found ->
                    assertThat(LeaseJson.parse(LeaseJson.format(found))).contains(found));
            read += attributes.isPresent() ? 1 : 0;
        }
        assertThat(read).as("of 400,000").isBetween(10_000, 390_000);
    }

    private static String mutated(String text, String alphabet, Random random) {
        StringBuilder changed = new StringBuilder(text);
        for (int i = random.nextInt(4); i >= 0; i--) {
            int at = random.nextInt(changed.length() + 1);
            char letter = alphabet.charAt(random.nextInt(alphabet.length()));
            switch (random.nextInt(4)) {
                case 0 -> changed.insert(at, letter);
                case 1 -> changed.delete(at, Math.min(changed.length(), at + 1 + random.nextInt(8)));
                case 2 -> changed.setLength(at);
                default -> changed.replace(at, Math.min(changed.length(), at + 1), String.valueOf(letter));
            }
        }
        return changed.toString();
    }

    @Test
    void aKeyIsReadFromTheRight() {
        assertThat(SubnetKey.parse("x10.12.13.0-24")).contains(PodSubnets.of(Cidr.parse("10.12.13.0/24")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "{\"PublicIP\":\"192.168.64.3\",\"PublicIPv6\":null,\"BackendType\":\"vxlan\",\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"c6:d2:32:6f:8f:44\"}}",
                "{\"PublicIP\":\"192.168.64.3\",\"PublicIPv6\":null}",
                "{\"PublicIP\":\"192.168.64.3\",\"PublicIPv6\":null,\"BackendType\":\"host-gw\"}",
                "{\"PublicIP\":\"0.0.0.0\",\"PublicIPv6\":\"2001:cafe::1\",\"BackendType\":\"vxlan\",\"BackendV6Data\":{\"VNI\":1,\"VtepMAC\":\"c6:d2:32:6f:8f:44\"}}"
            })
    void valuesAreByteForByteFlannels(String value) {
        assertThat(LeaseJson.parse(value).map(LeaseJson::format)).contains(value);
    }

    @Test
    void fieldNamesAreReadWithoutRegardToCase() throws Exception {
        assertThat(LeaseJson.parse("{\"publicip\":\"1.2.3.4\",\"backendtype\":\"vxlan\",\"backenddata\":{\"VNI\":2}}"))
                .contains(LeaseAttributes.ofIpv4(
                        IpAddress.parse("1.2.3.4"), "vxlan", new ObjectMapper().readTree("{\"VNI\":2}")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "null", "[]", "{\"PublicIP\":\"nobody\"}", "{", "7"})
    void nonsenseIsNoLease(String value) {
        assertThat(LeaseJson.parse(value)).isEmpty();
    }

    /** An object read as an empty text would be a lease of udp. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"BackendType\":{}",
                "\"BackendType\":[\"vxlan\"]",
                "\"BackendType\":7",
                "\"PublicIPv6\":{}",
                "\"BackendData\":[1]",
                "\"BackendData\":true",
                "\"BackendV6Data\":7",
                "\"BackendData\":{\"Decodes\":[\"udp\"]}",
                "\"BackendData\":{\"Decodes\":{\"udp\":1}}"
            })
    void aFieldOfTheWrongTypeIsNoLease(String field) {
        assertThat(LeaseJson.parse("{\"PublicIP\":\"192.168.64.3\"," + field + "}"))
                .isEmpty();
    }
}
