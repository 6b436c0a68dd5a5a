package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.main.HostRules.FilterUse;
import io.flannelj.main.HostRules.Flavour;
import io.flannelj.net.IpFamily;
import org.junit.jupiter.api.Test;

class HostRulesTest {
    @Test
    void theOtherFlavourIsUnusedAndSoAreFamiliesThatTheNetworkDoesNotHave() throws Exception {
        FilterUse one = FilterUse.of(NetworkConfig.parse("{\"Network\":\"10.3.0.0/16\",\"EnableNFTables\":true}"));

        assertThat(one.unusedOf(Flavour.IPTABLES)).containsExactly(IpFamily.values());
        assertThat(one.unusedOf(Flavour.NFTABLES)).containsExactly(IpFamily.IPV6);

        FilterUse both = FilterUse.of(
                NetworkConfig.parse(
                        "{\"Network\":\"10.3.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:3::/48\",\"Backend\":{\"Type\":\"vxlan\"}}"));

        assertThat(both.unusedOf(Flavour.IPTABLES)).isEmpty();
        assertThat(both.unusedOf(Flavour.NFTABLES)).containsExactly(IpFamily.values());
    }
}
