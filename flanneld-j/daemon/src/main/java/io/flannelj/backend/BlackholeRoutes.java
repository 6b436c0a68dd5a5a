package io.flannelj.backend;

import io.flannelj.net.Cidr;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blackhole routes for our own subnets ({@code --ip-blackhole-route}), for pods that are wired by a route each: packets to
 * pods that are gone must not leave by the default route, or loop through the tunnel. One of a subnet that this node had
 * before goes, for it would swallow the traffic of the node that has it now.
 *
 * <p>Confined to the control thread.
 */
public final class BlackholeRoutes implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(BlackholeRoutes.class);

    private final NetlinkSocket netlink;
    private final Routes routes;
    private final List<Cidr> own;
    private final List<Cidr> former;
    private final List<Cidr> networks;

    private BlackholeRoutes(
            NetlinkSocket netlink, Collection<Cidr> own, Collection<Cidr> former, Collection<Cidr> networks) {
        this.netlink = netlink;
        this.routes = new Routes(netlink);
        this.own = List.copyOf(own);
        this.former = List.copyOf(former);
        this.networks = List.copyOf(networks);
    }

    /**
     * Opens them; nothing is changed yet.
     *
     * @param own our subnets
     * @param former subnets that this node is known to have had
     * @param networks the pod networks
     */
    public static BlackholeRoutes open(Collection<Cidr> own, Collection<Cidr> former, Collection<Cidr> networks)
            throws IOException {
        return new BlackholeRoutes(NetlinkSocket.open(), own, former, networks);
    }

    /**
     * Adds what is missing, and takes away what stands for no subnet of ours.
     *
     * @param wanted whether our own subnets shall have them
     */
    public void apply(boolean wanted) throws IOException {
        List<Cidr> present = present();
        for (Cidr subnet : present) {
            if (!wanted || !own.contains(subnet)) {
                routes.deleteBlackhole(subnet);
                log.info("removed the blackhole route {}, which an earlier run made", subnet);
            }
        }
        for (Cidr subnet : own) {
            if (wanted && !present.contains(subnet)) {
                routes.addBlackhole(subnet);
            }
        }
    }

    private List<Cidr> present() throws IOException {
        return routes.list().stream()
                .filter(Route::isBlackhole)
                .map(Route::destination)
                .filter(this::isOfASubnet)
                .toList();
    }

    /** Nobody but us has reason to put a whole subnet of a pod network into a blackhole. */
    private boolean isOfASubnet(Cidr destination) {
        return own.contains(destination)
                || former.contains(destination)
                || networks.stream().anyMatch(network -> network.contains(destination))
                        && own.stream()
                                .anyMatch(subnet -> subnet.isIpv4() == destination.isIpv4()
                                        && subnet.length() == destination.length());
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
