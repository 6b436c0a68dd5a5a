package io.flannelj.backend;

import io.flannelj.net.Cidr;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.Collection;
import java.util.List;

/**
 * Blackhole routes for our own subnets ({@code --ip-blackhole-route}), for pods that are wired by a route each: packets to
 * pods that are gone must not leave by the default route, or loop through the tunnel.
 *
 * <p>Confined to the control thread.
 */
public final class BlackholeRoutes implements AutoCloseable {
    private final NetlinkSocket netlink;
    private final Routes routes;
    private final List<Cidr> subnets;

    private BlackholeRoutes(NetlinkSocket netlink, Collection<Cidr> subnets) {
        this.netlink = netlink;
        this.routes = new Routes(netlink);
        this.subnets = List.copyOf(subnets);
    }

    public static BlackholeRoutes open(Collection<Cidr> subnets) throws IOException {
        return new BlackholeRoutes(NetlinkSocket.open(), subnets);
    }

    /** Adds what is missing. */
    public void apply() throws IOException {
        List<Cidr> present = present();
        for (Cidr subnet : subnets) {
            if (!present.contains(subnet)) {
                routes.addBlackhole(subnet);
            }
        }
    }

    private List<Cidr> present() throws IOException {
        return routes.list().stream()
                .filter(Route::isBlackhole)
                .map(Route::destination)
                .filter(subnets::contains)
                .toList();
    }

    /** Takes them away. */
    public void remove() throws IOException {
        for (Cidr subnet : present()) {
            routes.deleteBlackhole(subnet);
        }
    }

    @Override
    public void close() {
        netlink.close();
    }
}
