package io.flannelj.main;

import io.flannelj.backend.LinkRoles;
import io.flannelj.backend.Uplink;
import io.flannelj.config.HostRuleOptions;
import io.flannelj.config.Instance;
import io.flannelj.config.NetworkConfig;
import io.flannelj.firewall.DesiredRules;
import io.flannelj.firewall.Firewalls;
import io.flannelj.firewall.GuardDrops;
import io.flannelj.firewall.PeerFilter;
import io.flannelj.firewall.TunnelGuard;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Routes;
import io.flannelj.packetfilter.Change;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What this host does with pod traffic beside carrying it: the packet filter's rules. Confined to one thread at a time. */
final class HostRules {
    private static final Logger log = LoggerFactory.getLogger(HostRules.class);

    private final Firewalls firewall;
    private final HostRuleOptions options;
    private final int queryPort;
    private final NetworkConfig config;
    private final PodSubnets subnets;
    private final Uplink uplink;
    private final @Nullable PeerFilter peerFilter;
    private SourceCheck checked = SourceCheck.UNKNOWN;
    private String toldShortcoming = "";
    private GuardDrops counted = GuardDrops.NONE;

    /**
     * Changes nothing yet.
     *
     * @param queryPort where nodes answer {@code explain}; 0 for nowhere
     * @param subnets this node's own
     */
    HostRules(
            Firewalls firewall,
            HostRuleOptions options,
            int queryPort,
            Instance instance,
            NetworkConfig config,
            PodSubnets subnets,
            Uplink uplink) {
        this.firewall = firewall;
        this.options = options;
        this.queryPort = queryPort;
        this.config = config;
        this.subnets = subnets;
        this.uplink = uplink;
        this.peerFilter = PeerFilter.isAvailable() ? new PeerFilter(instance) : null;
    }

    private Optional<DesiredRules> rules(IpFamily family, TunnelGuard guard) {
        return config.networks()
                .get(family)
                .flatMap(network -> subnets.get(family)
                        .map(subnet -> new DesiredRules(
                                network,
                                subnet,
                                options.masquerade(),
                                options.randomFully(),
                                options.acceptForwarded(),
                                options.compatNft(),
                                guard)));
    }

    private TunnelGuard guard(GuardedTunnels tunnels) throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            LinkRoles roles = LinkRoles.of(
                    new Links(netlink).list(),
                    new Routes(netlink).list(),
                    uplink,
                    subnets.all(),
                    tunnels.devices(),
                    tunnels.nodes());
            return new TunnelGuard(
                    tunnels.endpoints(),
                    tunnels.spokenByUs(),
                    queryPort,
                    new TunnelGuard.Links(roles.pods(), roles.own(), roles.strict(), roles.tunnels(), roles.uplinks()));
        }
    }

    /**
     * Brings them into force; the same call repairs.
     *
     * @return whether the packet filter's had been changed by another program
     * @throws IOException names the program that failed, and what it said
     */
    boolean apply(GuardedTunnels tunnels) throws IOException {
        TunnelGuard guard = guard(tunnels);
        return firewall.apply(PerFamily.of(family -> rules(family, guard))) == Change.REPAIR;
    }

    /**
     * Brings the source check into force for what the kernel carries.
     *
     * @return whether it had been changed by another program
     * @throws IOException with what the program said
     */
    boolean checkSources(GuardedTunnels tunnels) throws IOException {
        if (peerFilter == null || (!tunnels.hasUnchecked() && checked == SourceCheck.NONE)) {
            return false;
        }
        if (!tunnels.hasUnchecked()) {
            peerFilter.remove(); // also what an earlier start left
            checked = SourceCheck.NONE;
            return false;
        }
        checked = SourceCheck.IN_FORCE;
        List<Cidr> networks = config.networks().values();
        return peerFilter.apply(tunnels.uncheckedSources(), tunnels.uncheckedTunnels(), networks, uplink.name())
                == Change.REPAIR;
    }

    /** What this host has of the source check. */
    private enum SourceCheck {
        /** What an earlier start left, if anything. */
        UNKNOWN,
        NONE,
        IN_FORCE
    }

    /** What the guard's rules dropped since this was asked last. */
    GuardDrops newDrops() {
        GuardDrops now =
                peerFilter == null ? firewall.drops() : firewall.drops().plus(peerFilter.drops());
        GuardDrops added = now.since(counted);
        counted = now;
        return added;
    }

    /** Says once what of the rules this host cannot do. */
    void logShortcoming(GuardedTunnels tunnels) {
        String now = peerFilter == null && tunnels.hasUnchecked()
                ? "nft is not installed, so the sources of packets that the kernel carries are not checked;"
                        + " install the package nftables"
                : Stream.of(firewall.shortcoming(), peerFilter == null ? "" : peerFilter.shortcoming())
                        .filter(said -> !said.isEmpty())
                        .collect(Collectors.joining("; "));
        if (!now.isEmpty() && !now.equals(toldShortcoming)) {
            log.warn("{}", now);
        }
        toldShortcoming = now;
    }

    /** Takes them away; what cannot be is said. */
    void remove() {
        try {
            if (peerFilter != null) {
                peerFilter.remove();
            }
            firewall.remove();
        } catch (IOException e) {
            log.warn("firewall rules could not be removed: {}", e.getMessage());
        }
    }
}
