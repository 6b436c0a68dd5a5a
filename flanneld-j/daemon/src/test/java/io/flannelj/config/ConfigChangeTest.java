package io.flannelj.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ConfigChangeTest {
    @Test
    void boundsOfThePoolAreTakenUpAtOnceAndTheRestIsDeferred() throws Exception {
        NetworkConfig running = NetworkConfig.parse("{\"Network\":\"10.3.0.0/16\"}");

        assertThat(ConfigChange.deferred(
                        running, NetworkConfig.parse("{\"Network\":\"10.3.0.0/16\",\"SubnetMax\":\"10.3.9.0\"}")))
                .isEmpty();
        assertThat(
                        ConfigChange.deferred(
                                running,
                                NetworkConfig.parse(
                                        "{\"Network\":\"10.4.0.0/16\",\"EnableNFTables\":true,\"Backend\":{\"Type\":\"vxlan\"}}")))
                .satisfiesExactly(
                        network -> assertThat(network).isEqualTo("Network: 10.3.0.0/16 → 10.4.0.0/16"),
                        firewall -> assertThat(firewall).isEqualTo("EnableNFTables: false → true"),
                        backend -> assertThat(backend)
                                .startsWith(
                                        "Backend: udp (port=8285, udpFeatures=[SEGMENTATION, CHECKSUM]) → vxlan ("));
    }
}
