package io.flannelj.cleanup;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.cleanup.HostInventory.Use;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import java.util.List;
import org.junit.jupiter.api.Test;

class HostInventoryTest {
    private static final List<Cidr> NETWORKS = List.of(Cidr.parse("10.5.0.0/16"), Cidr.parse("fd00:5::/48"));
    private static final Link UPLINK = link(2, "eth0", "veth");
    private static final Link FORMER_UPLINK = link(3, "eth1", "veth");
    private static final Link DEVICE = link(4, "flannel.1", "vxlan");
    private static final Link DEVICE_V6 = link(5, "flannel-v6.1", "vxlan");

    private static final Route DIRECT = ours("10.5.2.0/24", "192.168.100.2", UPLINK);
    private static final Route BY_FORMER_UPLINK = ours("10.5.3.0/24", "192.168.101.3", FORMER_UPLINK);
    private static final Route BY_DEVICE = ours("10.5.4.0/24", "10.5.4.0", DEVICE);
    private static final Route BLACKHOLE = blackhole("10.5.1.0/24", Route.PROTOCOL_FLANNEL_J);

    private static final HostInventory ALL = new HostInventory(
            List.of(UPLINK, FORMER_UPLINK, DEVICE, DEVICE_V6),
            List.of(DEVICE, DEVICE_V6),
            List.of(DIRECT, BY_FORMER_UPLINK, BY_DEVICE, BLACKHOLE));

    private static Link link(int index, String name, String kind) {
        return new Link(index, name, kind, 1450, null, 1, 0, 0, 6);
    }

    private static Route ours(String destination, String gateway, Link link) {
        return via(destination, gateway, link).withOurProtocol();
    }

    private static Route via(String destination, String gateway, Link link) {
        return Route.via(Cidr.parse(destination), IpAddress.parse(gateway), link.index());
    }

    private static Route blackhole(String destination, int protocol) {
        return new Route(
                Cidr.parse(destination), null, 0, null, Route.SCOPE_GLOBAL, false, Route.MAIN_TABLE, protocol, 6);
    }

    @Test
    void knowsRoutesByProtocolAndNetwork() {
        assertThat(List.of(DIRECT, BLACKHOLE, ours("fd00:5:0:2::/64", "fd00:64::2", UPLINK)))
                .allMatch(route -> HostInventory.isOurs(route, NETWORKS));
    }

    @Test
    void othersRoutesAreNotOursHoweverAlike() {
        Route byAnotherInstance = ours("10.6.2.0/24", "192.168.100.2", UPLINK);
        Route byFlannelOrByHand = via("10.5.2.0/24", "192.168.100.2", UPLINK);
        assertThat(List.of(
                        byAnotherInstance,
                        byFlannelOrByHand,
                        blackhole("10.5.1.0/24", Route.PROTOCOL_BOOT),
                        blackhole("10.0.0.0/8", Route.PROTOCOL_FLANNEL_J)))
                .noneMatch(route -> HostInventory.isOurs(route, NETWORKS));
    }

    @Test
    void aRunWithTheSameConfigUsesAllButTheFormerUplink() {
        HostInventory unused = ALL.without(
                new Use(List.of("flannel.1", "flannel-v6.1", "eth0"), NETWORKS, List.of(BLACKHOLE.destination())));
        assertThat(unused.devices()).isEmpty();
        assertThat(unused.routes()).containsExactly(BY_FORMER_UPLINK);
    }

    @Test
    void aRunInAnotherNetworkUsesTheDeviceAndNoRoute() {
        HostInventory unused =
                ALL.without(new Use(List.of("flannel.1", "eth0"), List.of(Cidr.parse("10.9.0.0/16")), List.of()));
        assertThat(unused.devices()).containsExactly(DEVICE_V6);
        assertThat(unused.routes()).isEqualTo(ALL.routes());
    }

    @Test
    void routesGoWithTheirDevice() throws Exception {
        assertThat(names(ALL))
                .containsExactly(
                        "the device flannel.1 with its addresses, neighbours and routes",
                        "the device flannel-v6.1 with its addresses, neighbours and routes",
                        "the route 10.5.2.0/24 via 192.168.100.2 dev eth0",
                        "the route 10.5.3.0/24 via 192.168.101.3 dev eth1",
                        "the blackhole route 10.5.1.0/24");
        assertThat(names(new HostInventory(ALL.links(), List.of(), List.of(BY_DEVICE))))
                .containsExactly("the route 10.5.4.0/24 via 10.5.4.0 dev flannel.1");
    }

    private static List<String> names(HostInventory inventory) throws Exception {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            return inventory.leavings(netlink).stream().map(Leaving::name).toList();
        }
    }

    @Test
    void aRunThatUsesNothingLeavesNothing() {
        assertThat(ALL.without(Use.NONE)).isEqualTo(ALL);
    }
}
