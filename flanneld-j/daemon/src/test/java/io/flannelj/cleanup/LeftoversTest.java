package io.flannelj.cleanup;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Route;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LeftoversTest {
    @Test
    void noAdviceCutsTheNodeOff() throws Exception {
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.5.0.0/16\",\"SubnetMin\":\"10.5.64.0\"}");
        Set<IpAddress> nodes = Set.of(IpAddress.parse("10.5.100.7"));
        IpAddress gateway = IpAddress.parse("192.168.100.9");
        Route left = Route.via(Cidr.parse("10.5.77.0/24"), gateway, 2);
        Route belowThePool = Route.via(Cidr.parse("10.5.9.0/24"), gateway, 2);
        Route toANode = Route.via(Cidr.parse("10.5.100.0/24"), gateway, 2);
        Route own = new Route(
                Cidr.parse("10.5.77.0/24"),
                null,
                2,
                null,
                Route.SCOPE_LINK,
                false,
                Route.MAIN_TABLE,
                Route.PROTOCOL_KERNEL,
                1);
        assertThat(Leftovers.line(config, nodes, left, "eth0")).endsWith("ip route delete 10.5.77.0/24 dev eth0");
        assertThat(List.of(belowThePool, toANode, own))
                .allSatisfy(route ->
                        assertThat(Leftovers.line(config, nodes, route, "eth0")).doesNotContain("delete"));
        assertThat(Leftovers.line(config, nodes, left, "")).contains("by no interface");
    }
}
