package io.flannelj.main;

import io.flannelj.cleanup.HostInventory;
import io.flannelj.cleanup.HostInventory.Use;
import io.flannelj.cleanup.Leaving;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.Instance;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the kernel keeps for a session that it would keep without one, too: devices, routes, blackhole routes. What an earlier
 * run left and this one does not use is removed first, for it may hold a port, or take traffic past us.
 */
final class HostState {
    private static final Logger log = LoggerFactory.getLogger(HostState.class);

    private final Instance instance;
    private final List<Cidr> networks;
    private final List<String> devices;
    private final Use use;

    /** Changes nothing yet. */
    HostState(DaemonOptions options, SessionPlan plan, PodSubnets own) {
        List<String> links = plan.prepared().routedLinks();
        List<Cidr> now = plan.config().networks().values();
        this.instance = options.paths().instance();
        this.networks = Stream.concat(HostInventory.networks(options.paths().subnetFile()).stream(), now.stream())
                .toList();
        this.devices = links.stream()
                .filter(link -> !link.equals(plan.uplink().name()))
                .toList();
        this.use = new Use(links, now, options.hostRules().blackholeRoute() ? own.all() : List.of());
    }

    /** Removes what an earlier run left and this one does not use. */
    void removeUnused() throws IOException {
        remove(use, "an earlier run left");
    }

    /** Removes all, devices among it that were made anew since {@link #claim}. */
    void remove() throws IOException {
        claim();
        remove(Use.NONE, "nobody needs any more");
    }

    private void remove(Use used, String why) throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            for (Leaving leaving : HostInventory.find(netlink, instance, networks)
                    .without(used)
                    .leavings(netlink)) {
                try {
                    leaving.remove();
                    log.info("removed {}, which {}", leaving.name(), why);
                } catch (IOException e) {
                    log.warn("{} could not be removed: {}", leaving.name(), e.getMessage());
                }
            }
        }
    }

    /** Marks the devices as ours, for whoever removes them. */
    void claim() throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            HostInventory.claim(netlink, instance, devices);
        }
    }

    /**
     * Adds missing blackhole routes for our own subnets ({@code --ip-blackhole-route}), for pods that are wired by a route each:
     * packets to pods that are gone must not leave by the default route, or loop through the tunnel.
     */
    void reconcileBlackholes() throws IOException {
        if (use.blackholes().isEmpty()) {
            return;
        }
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            Routes routes = new Routes(netlink);
            List<Cidr> present = routes.list().stream()
                    .filter(route -> route.isOurs() && route.isBlackhole())
                    .map(Route::destination)
                    .toList();
            for (Cidr subnet : use.blackholes()) {
                if (!present.contains(subnet)) {
                    routes.putBlackhole(subnet);
                }
            }
        }
    }
}
