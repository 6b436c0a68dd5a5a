package io.flannelj.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Route;
import java.util.List;
import org.junit.jupiter.api.Test;

class LinkRolesTest {
    private static final List<Cidr> OWN = List.of(Cidr.parse("10.5.7.0/24"));
    private static final List<IpAddress> NODES = List.of(IpAddress.parse("192.168.100.2"));

    private static Link link(int index, String name, String kind) {
        return new Link(index, name, kind, 1500, null, 0, 0, 0, 6);
    }

    private static Link port(int index, String name, String kind, int bridge) {
        return new Link(index, name, kind, 1500, null, 0, bridge, 0, 6);
    }

    private static Uplink uplink(int index, String name) {
        IpAddress address = IpAddress.parse("192.168.100.1");
        return new Uplink(name, index, 1500, PerFamily.of(IpFamily.IPV4, address));
    }

    private static Route connected(String destination, int link) {
        return Route.toLink(Cidr.parse(destination), link);
    }

    @Test
    void bridgesAndWhatOurSubnetIsBehindArePods() {
        LinkRoles roles = LinkRoles.of(
                List.of(
                        link(2, "eth0", "veth"),
                        link(3, "br-others", "bridge"),
                        link(4, "veth1", "veth"),
                        link(5, "eth1", "veth"),
                        link(6, "flannel.1", "tun")),
                List.of(
                        connected("192.168.100.0/24", 2),
                        connected("172.18.0.0/16", 3),
                        connected("10.5.7.9/32", 4),
                        connected("10.5.0.0/16", 6)),
                uplink(2, "eth0"),
                OWN,
                List.of("flannel.1"),
                NODES);

        assertThat(roles.pods()).containsExactly("br-others", "cni0", "docker0", "veth1");
        assertThat(roles.tunnels()).containsExactly("flannel.1");
        assertThat(roles.uplinks()).containsExactly("eth0");
    }

    @Test
    void bridgesWithoutAWireHaveContainersAlone() {
        assertThat(LinkRoles.containerBridges(
                        List.of(
                                link(2, "eth0", "veth"),
                                link(3, "docker0", "bridge"),
                                link(4, "br-lan", "bridge"),
                                port(5, "eth1", "", 4),
                                link(6, "br-out", "bridge"),
                                link(7, "br-uplink", "bridge"),
                                port(8, "veth1", "veth", 3)),
                        List.of(connected("0.0.0.0/0", 6)),
                        uplink(7, "br-uplink")))
                .containsExactly(3);
    }

    @Test
    void bridgesOfTheUnderlayAreNotPods() {
        LinkRoles roles = LinkRoles.of(
                List.of(
                        link(2, "br0", "bridge"),
                        link(3, "br1", "bridge"),
                        link(4, "br2", "bridge"),
                        port(6, "eth2", "", 4),
                        link(5, "docker0", "bridge")),
                List.of(
                        connected("192.168.1.0/24", 2),
                        Route.via(IpFamily.IPV4.everything(), IpAddress.parse("192.168.7.1"), 3),
                        connected("192.168.100.0/24", 4),
                        connected("10.5.7.0/24", 5)),
                uplink(2, "br0"),
                OWN,
                List.of("br0"),
                NODES);

        assertThat(roles.pods()).containsExactly("cni0", "docker0");
        assertThat(roles.tunnels()).isEmpty();
    }

    @Test
    void aLeaseOrAPodFreesNoBridgeOfContainers() {
        Route advertised = Route.via(IpFamily.IPV6.everything(), IpAddress.parse("fe80::7"), 4);
        LinkRoles roles = LinkRoles.of(
                List.of(
                        link(2, "eth0", ""),
                        link(3, "br-x", "bridge"),
                        port(13, "veth13", "veth", 3),
                        link(4, "docker0", "bridge"),
                        port(14, "veth14", "veth", 4)),
                List.of(
                        connected("172.18.0.0/16", 3),
                        connected("10.5.7.0/24", 4),
                        new Route(
                                advertised.destination(),
                                advertised.gateway(),
                                4,
                                null,
                                0,
                                false,
                                Route.MAIN_TABLE,
                                Route.PROTOCOL_ADVERTISED,
                                1)),
                uplink(2, "eth0"),
                OWN,
                List.of(),
                List.of(IpAddress.parse("172.18.0.77")));

        assertThat(roles.pods()).containsExactly("br-x", "cni0", "docker0");
        assertThat(roles.own()).containsExactly("docker0");
        assertThat(roles.strict()).containsExactly("docker0");
    }

    @Test
    void behindABridgeWithAWireThereMayBeAnyAddress() {
        LinkRoles roles = LinkRoles.of(
                List.of(link(2, "eth0", ""), link(3, "br1", "bridge"), port(4, "eth1", "", 3)),
                List.of(connected("10.5.7.0/24", 3)),
                uplink(2, "eth0"),
                OWN,
                List.of(),
                NODES);

        assertThat(roles.own()).containsExactly("br1");
        assertThat(roles.strict()).isEmpty();
    }

    @Test
    void aBridgeWithAVlanCarriesItsLegsAddresses() {
        LinkRoles roles = LinkRoles.of(
                List.of(
                        link(2, "eth0", ""),
                        link(3, "br9", "bridge"),
                        new Link(4, "veth4", "veth", 1500, null, 0, 3, 5, 6),
                        new Link(5, "br9.100", "veth", 1500, null, 0, 0, 4, 6)),
                List.of(connected("10.5.7.0/24", 5)),
                uplink(2, "eth0"),
                OWN,
                List.of(),
                NODES);

        assertThat(roles.own()).containsExactly("br9", "br9.100");
        assertThat(roles.strict()).containsExactly("br9.100");
    }

    @Test
    void anUplinkThatOurPodsAreBehindIsNotCheckedForTheirAddresses() {
        LinkRoles roles = LinkRoles.of(
                List.of(link(2, "br0", "bridge")),
                List.of(connected("192.168.100.0/24", 2), connected("10.5.7.0/24", 2)),
                uplink(2, "br0"),
                OWN,
                List.of(),
                NODES);

        assertThat(roles.uplinks()).isEmpty();
        assertThat(roles.pods()).containsExactly("cni0", "docker0");
    }
}
