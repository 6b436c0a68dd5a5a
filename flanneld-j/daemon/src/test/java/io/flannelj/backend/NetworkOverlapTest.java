package io.flannelj.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.NetworkOverlap.Held;
import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkOverlapTest {
    private static final PodSubnets PREVIOUS = PodSubnets.of(Cidr.parse("10.5.1.0/24"));

    @ParameterizedTest
    @CsvSource({
        "eth0,'',192.168.100.1/24,false",
        "eth0,'',10.5.9.7/24,true",
        "eth1,'',10.5.9.7/24,true",
        "eth1,veth,10.5.9.7/24,true",
        "lo,'',10.5.9.7/32,true",
        "lo,'',127.0.0.1/8,false",
        "eth0,'',10.5.9.7/8,true",
        "eth0,'',10.6.9.7/8,false",
        "docker0,bridge,10.5.9.1/24,false",
        "br-lan,bridge,10.5.9.7/24,true",
        "br-lan,bridge,10.5.0.1/16,true",
        "flannel.1,vxlan,10.5.9.0/32,false",
        "flannel.1,tun,10.5.9.0/32,false",
        "veth77,veth,10.5.1.1/32,false",
        "eth0,'',fd00:5::1/64,false"
    })
    void whatTheNodeItselfIsOnMustNotBeLeased(String link, String kind, String address, boolean refused) {
        assertThat(problems("", false, "eth0", PREVIOUS, new Held(link, kind, Cidr.parse(address))))
                .hasSize(refused ? 1 : 0);
    }

    @Test
    void theLineNamesNetworkAddressInterfaceAndRemedy() {
        assertThat(problems("", false, "eth0", null, new Held("eth0", "", Cidr.parse("10.5.9.7/24"))))
                .containsExactly(
                        "Network: 10.5.0.0/16 overlaps 10.5.9.0/24, which this node itself is on by 10.5.9.7 of eth0;"
                                + " choose a network that no node is on, or keep it out of SubnetMin to SubnetMax");
    }

    @Test
    void aBridgeThatIsTheUplinkIsNoBridgeForPods() {
        assertThat(problems("", false, "br0", null, new Held("br0", "bridge", Cidr.parse("10.5.9.1/24"))))
                .hasSize(1);
    }

    /** As in flannel's own example: 10.0.0.0/8 with subnets from 10.10.0.0 to 10.99.0.0, and nodes elsewhere in it. */
    @Test
    void whatNoLeaseCanReachIsNoProblem() {
        String bounds = ",\"SubnetMin\":\"10.5.64.0\",\"SubnetMax\":\"10.5.127.0\"";
        Held below = new Held("eth0", "", Cidr.parse("10.5.9.7/24"));
        Held last = new Held("eth0", "", Cidr.parse("10.5.127.7/24"));
        assertThat(problems(bounds, false, "eth0", null, below)).isEmpty();
        assertThat(problems(bounds, false, "eth0", null, last)).hasSize(1);
        assertThat(problems(bounds, true, "eth0", null, below))
                .as("in Kubernetes subnets come from all of the network")
                .hasSize(1);
    }

    private static List<String> problems(
            String bounds, boolean anyLength, String uplink, @Nullable PodSubnets previous, Held held) {
        return NetworkOverlap.problems(config(bounds), anyLength, uplink, previous, List.of(held));
    }

    private static NetworkConfig config(String bounds) {
        try {
            return NetworkConfig.parse("{\"Network\":\"10.5.0.0/16\"" + bounds + "}");
        } catch (ConfigException e) {
            throw new AssertionError(e);
        }
    }
}
