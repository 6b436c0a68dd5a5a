package io.flannelj.gso;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.datapath.NextHop;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Neighbor;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.UdpRoute;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelViewTest {
    private static final IpAddress PEER = IpAddress.parse("192.0.2.2");
    private static final IpAddress ROUTER = IpAddress.parse("192.0.2.254");
    private static final MacAddress OWN = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress THEIRS = MacAddress.parse("02:00:00:00:00:02");
    private static final int UPLINK = 2;
    private static final int REACHABLE = 0x02;
    private static final Route ON_LINK = Route.toLink(Cidr.host(PEER), UPLINK);

    @Test
    void aPeerOnTheLinkIsItsOwnNextHop() {
        assertThat(view(up(OWN), ON_LINK, neighbor(PEER, THEIRS, REACHABLE)).nextHop(PEER))
                .contains(new NextHop(THEIRS.bits(), OWN.bits(), 64, 1500));
    }

    @Test
    void behindARouterTheRouterIs() {
        Route route = Route.via(Cidr.host(PEER), ROUTER, UPLINK);

        assertThat(view(up(OWN), route, neighbor(ROUTER, THEIRS, REACHABLE)).nextHop(PEER))
                .contains(new NextHop(THEIRS.bits(), OWN.bits(), 64, 1500));
        assertThat(view(up(OWN), route, neighbor(PEER, THEIRS, REACHABLE)).nextHop(PEER))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "0x00, false",
        "0x01, false",
        "0x02, true",
        "0x04, true",
        "0x08, true",
        "0x10, true",
        "0x20, false",
        "0x40, true",
        "0x80, true"
    })
    void aNeighbourIsUsedInTheStatesInWhichTheKernelSendsToIt(String state, boolean isUsed) {
        Neighbor neighbor = neighbor(PEER, THEIRS, Integer.decode(state));

        assertThat(view(up(OWN), ON_LINK, neighbor).nextHop(PEER).isPresent()).isEqualTo(isUsed);
    }

    @ParameterizedTest
    @CsvSource({"false, 1300, 1500", "true, 1300, 1300", "true, 0, 1500", "true, 9000, 1500"})
    void whatTheKernelWasToldOfAPathCountsWhereItCountsForTheSocket(boolean believes, int told, int counts) {
        KernelView view = new KernelView(
                up(OWN),
                64,
                believes,
                Map.of(PEER, new UdpRoute(ON_LINK, told)),
                Map.of(PEER, neighbor(PEER, THEIRS, REACHABLE)));

        assertThat(view.nextHop(PEER)).map(NextHop::mtuBytes).contains(counts);
    }

    @Test
    void whatCannotBeAddressedHasNoNextHop() {
        Neighbor good = neighbor(PEER, THEIRS, REACHABLE);
        assertThat(view(up(OWN), ON_LINK, neighbor(PEER, null, REACHABLE)).nextHop(PEER))
                .as("no MAC address")
                .isEmpty();
        assertThat(view(up(OWN), ON_LINK, neighbor(PEER, MacAddress.parse("01:00:5e:00:00:01"), 0x40))
                        .nextHop(PEER))
                .as("a group's MAC address")
                .isEmpty();
        assertThat(view(up(null), ON_LINK, good).nextHop(PEER))
                .as("an uplink without")
                .isEmpty();
        assertThat(view(new Link(UPLINK, "eth0", "", 1500, OWN, 0, 0, 0, 2), ON_LINK, good)
                        .nextHop(PEER))
                .as("an uplink that is down")
                .isEmpty();
        assertThat(view(up(OWN), Route.toLink(Cidr.host(PEER), 3), good).nextHop(PEER))
                .as("another link")
                .isEmpty();
        assertThat(view(up(OWN), ON_LINK, good).nextHop(ROUTER)).as("no route").isEmpty();
        Route unreachable = new Route(Cidr.host(PEER), null, UPLINK, null, 0, false, 254, 3, 7);
        assertThat(view(up(OWN), unreachable, good).nextHop(PEER))
                .as("unreachable")
                .isEmpty();
    }

    private static KernelView view(Link uplink, Route route, Neighbor neighbor) {
        IpAddress address = neighbor.address();
        return new KernelView(
                uplink,
                64,
                false,
                Map.of(PEER, new UdpRoute(route, 0)),
                address == null ? Map.of() : Map.of(address, neighbor));
    }

    private static Link up(@Nullable MacAddress mac) {
        return new Link(UPLINK, "eth0", "", 1500, mac, 1, 0, 0, 6);
    }

    private static Neighbor neighbor(IpAddress address, @Nullable MacAddress mac, int state) {
        return new Neighbor(UPLINK, address, mac, state);
    }
}
