package io.flannelj.main;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.LinkRoles;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.Uplink;
import io.flannelj.config.HostRuleOptions;
import io.flannelj.config.Instance;
import io.flannelj.config.NetworkConfig;
import io.flannelj.firewall.DesiredRules;
import io.flannelj.firewall.Firewalls;
import io.flannelj.firewall.GuardDrops;
import io.flannelj.firewall.PeerFilter;
import io.flannelj.firewall.TunnelGuard;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelSenders;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What this host does with pod traffic beside carrying it: the packet filter's rules. */
final class HostRules {
    private static final Logger log = LoggerFactory.getLogger(HostRules.class);

    private final Firewalls firewall;
    private final HostRuleOptions options;
    private final NetworkConfig config;
    private final PodSubnets subnets;
    private final Uplink uplink;
    private final @Nullable PeerFilter peerFilter;
    private List<DesiredRules> applied = List.of();
    private @Nullable Unchecked checked;
    private String toldShortcoming = "";
    private GuardDrops counted = GuardDrops.NONE;

    /**
     * Changes nothing yet.
     *
     * @param subnets this node's own
     */
    HostRules(
            Firewalls firewall,
            HostRuleOptions options,
            Instance instance,
            NetworkConfig config,
            PodSubnets subnets,
            Uplink uplink) {
        this.firewall = firewall;
        this.options = options;
        this.config = config;
        this.subnets = subnets;
        this.uplink = uplink;
        this.peerFilter = PeerFilter.isAvailable() ? new PeerFilter(instance) : null;
    }

    private Stream<DesiredRules> rules(@Nullable Cidr network, @Nullable Cidr subnet, TunnelGuard guard) {
        return network == null || subnet == null
                ? Stream.empty()
                : Stream.of(new DesiredRules(
                        network,
                        subnet,
                        options.masquerade(),
                        options.randomFully(),
                        options.acceptForwarded(),
                        options.compatNft(),
                        guard));
    }

    private TunnelGuard guard(Backend backend, Collection<Lease> peers) throws IOException {
        List<IpAddress> nodes = peers.stream()
                .map(Lease::attributes)
                .flatMap(peer ->
                        Stream.of(Optional.ofNullable(peer.publicIpv4()), Optional.ofNullable(peer.publicIpv6())))
                .flatMap(Optional::stream)
                .toList();
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            LinkRoles roles = LinkRoles.of(
                    new Links(netlink).list(),
                    new Routes(netlink).list(),
                    uplink,
                    PeerRoutes.networks(subnets.ipv4(), subnets.ipv6()),
                    backend.deviceNames(),
                    nodes);
            return new TunnelGuard(backend.endpoints(), roles.pods(), roles.tunnels(), roles.uplinks());
        }
    }

    /**
     * Brings them into force; the same call repairs.
     *
     * @param backend whose tunnels are guarded
     * @param peers the other nodes
     * @return whether the packet filter's had been changed by somebody else
     * @throws IOException names the program that failed, and what it said
     */
    boolean apply(Backend backend, Collection<Lease> peers) throws IOException {
        TunnelGuard guard = guard(backend, peers);
        List<DesiredRules> wanted = Stream.concat(
                        rules(config.network(), subnets.ipv4(), guard),
                        rules(config.ipv6Network(), subnets.ipv6(), guard))
                .toList();
        boolean repaired = firewall.apply(wanted) && wanted.equals(applied);
        applied = wanted;
        return repaired;
    }

    /**
     * Brings the source check into force for what the kernel carries.
     *
     * @return whether it had been changed by somebody else
     * @throws IOException with what the program said
     */
    boolean checkSources(Backend backend) throws IOException {
        Unchecked now = Unchecked.by(backend);
        if (peerFilter == null || (now.isEmpty() && now.equals(checked))) {
            return false;
        }
        boolean repaired = false;
        if (now.isEmpty()) {
            peerFilter.remove(); // also what an earlier start left
        } else {
            List<Cidr> networks = PeerRoutes.networks(config.network(), config.ipv6Network());
            repaired = peerFilter.apply(now.sources(), now.tunnels(), networks, uplink.name()) && now.equals(checked);
        }
        checked = now;
        return repaired;
    }

    /** What the kernel carries and does not check. */
    private record Unchecked(List<PeerSource> sources, List<TunnelSenders> tunnels) {
        static Unchecked by(Backend backend) {
            return new Unchecked(backend.uncheckedSources(), backend.uncheckedTunnels());
        }

        boolean isEmpty() {
            return sources.isEmpty() && tunnels.isEmpty();
        }
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
    void logShortcoming(Backend backend) {
        String now = peerFilter == null && !Unchecked.by(backend).isEmpty()
                ? "nft is not installed, so the sources of packets that the kernel carries are not checked;"
                        + " install the package nftables"
                : firewall.shortcoming();
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
