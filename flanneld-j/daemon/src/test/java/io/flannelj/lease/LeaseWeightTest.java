package io.flannelj.lease;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LeaseWeightTest {
    private static final int ORDINARY = 256;
    private static final String VTEP = "\"VNI\":1,\"VtepMAC\":\"c6:d2:32:6f:8f:44\"";

    private static int weight(String value) {
        return LeaseWeight.of(value.length(), LeaseJson.read(value));
    }

    private static String lease(String data) {
        return "{\"PublicIP\":\"192.168.100.9\",\"BackendType\":\"vxlan\",\"BackendData\":" + data + "}";
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "\"text\"",
                "{" + VTEP + "}",
                "{\"PublicKey\":\"NRIPxq54Wyo3uOqk0UYZrLJQjwVQMaWqs0O9ej7GMHw=\"}",
                "{" + VTEP + ",\"Decodes\":{\"udp\":{},\"vxlan\":{" + VTEP + "}}}"
            })
    void whatBackendsWriteHasAnOrdinaryWeight(String data) {
        assertThat(weight(lease(data))).isBetween(lease(data).length(), ORDINARY);
    }

    /** In a heap of 192 MiB a thousand leases of 4 KiB of brackets ended the daemon. */
    @Test
    void partsThatTakeMoreMemoryThanTheirBytesWeighMore() {
        int arrays = 500;
        String nested = ("[".repeat(50) + "]".repeat(50) + ",").repeat(arrays / 50);
        String objects = "{\"\":".repeat(50) + "1" + "}".repeat(50);

        assertThat(weight(lease("{\"x\":[" + nested + "0]}"))).isGreaterThan(arrays * 20);
        assertThat(weight(lease("{\"x\":" + objects + "}"))).isGreaterThan(50 * 35);
        assertThat(weight(lease("{\"x\":[" + "{},".repeat(100) + "0]}"))).isGreaterThan(100 * 20);
        assertThat(weight("{\"PublicIP\":\"192.168.100.9\",\"BackendV6Data\":{\"x\":[" + "[],".repeat(30) + "0]}}"))
                .as("of ordinary length")
                .isGreaterThan(ORDINARY);
    }
}
