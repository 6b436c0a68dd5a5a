package io.flannelj.main;

import io.flannelj.backend.LinkRoles;
import io.flannelj.config.HostRuleOptions;
import io.flannelj.config.Instance;
import io.flannelj.config.NetworkConfig;
import io.flannelj.firewall.DesiredRules;
import io.flannelj.firewall.Firewalls;
import io.flannelj.firewall.GuardDrops;
import io.flannelj.firewall.Iptables;
import io.flannelj.firewall.Nftables;
import io.flannelj.firewall.PeerFilter;
import io.flannelj.firewall.TunnelGuard;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Routes;
import io.flannelj.packetfilter.Change;
import java.io.IOException;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this host does with pod traffic beside carrying it: the packet filter's rules. They outlive a session, so that the next
 * one, with another address of the uplink for example, changes just what has to differ. Confined to one thread at a time.
 */
final class HostRules {
    private static final Logger log = LoggerFactory.getLogger(HostRules.class);

    private final HostRuleOptions options;
    private final int queryPort;
    private final Map<Flavour, Firewalls> firewalls = new EnumMap<>(Flavour.class);
    private final @Nullable PeerFilter peerFilter;
    private @Nullable FilterUse alone;
    private SourceCheck checked = SourceCheck.UNKNOWN;
    private String toldShortcoming = "";
    private GuardDrops counted = GuardDrops.NONE;

    /**
     * Changes nothing yet.
     *
     * @param queryPort where nodes answer {@code explain}; 0 for nowhere
     */
    HostRules(HostRuleOptions options, int queryPort, Instance instance) {
        this.options = options;
        this.queryPort = queryPort;
        firewalls.put(Flavour.IPTABLES, new Firewalls(family -> new Iptables(family, instance)));
        firewalls.put(Flavour.NFTABLES, new Firewalls(family -> new Nftables(family, instance)));
        this.peerFilter = PeerFilter.isAvailable() ? new PeerFilter(instance) : null;
    }

    /** The program that has the rules. */
    enum Flavour {
        IPTABLES,
        NFTABLES;

        static Flavour of(NetworkConfig config) {
            return config.enableNftables() ? NFTABLES : IPTABLES;
        }
    }

    /** What of the packet filter a network uses. */
    record FilterUse(Flavour flavour, Set<IpFamily> families) {
        static FilterUse of(NetworkConfig config) {
            return new FilterUse(Flavour.of(config), Set.copyOf(config.families()));
        }

        /** The families that it does not use of a flavour. */
        Set<IpFamily> unusedOf(Flavour any) {
            Set<IpFamily> unused = EnumSet.allOf(IpFamily.class);
            if (any == flavour) {
                unused.removeAll(families);
            }
            return unused;
        }
    }

    private Firewalls firewall(NetworkConfig config) {
        return Objects.requireNonNull(firewalls.get(Flavour.of(config)));
    }

    private Optional<DesiredRules> rules(RuleScope scope, IpFamily family, TunnelGuard guard) {
        return scope.config()
                .networks()
                .get(family)
                .flatMap(network -> scope.subnets()
                        .get(family)
                        .map(subnet -> new DesiredRules(
                                network,
                                subnet,
                                options.masquerade(),
                                options.randomFully(),
                                options.acceptForwarded(),
                                options.compatNft(),
                                guard)));
    }

    private TunnelGuard guard(RuleScope scope, GuardedTunnels tunnels) throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            LinkRoles roles = LinkRoles.of(
                    new Links(netlink).list(),
                    new Routes(netlink).list(),
                    scope.uplink(),
                    scope.subnets().all(),
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
    boolean apply(RuleScope scope, GuardedTunnels tunnels) throws IOException {
        TunnelGuard guard = guard(scope, tunnels);
        return firewall(scope.config()).apply(PerFamily.of(family -> rules(scope, family, guard))) == Change.REPAIR;
    }

    /**
     * Brings the source check into force for what the kernel carries.
     *
     * @return whether it had been changed by another program
     * @throws IOException with what the program said
     */
    boolean checkSources(RuleScope scope, GuardedTunnels tunnels) throws IOException {
        if (peerFilter == null || (!tunnels.hasUnchecked() && checked == SourceCheck.NONE)) {
            return false;
        }
        if (!tunnels.hasUnchecked()) {
            peerFilter.remove(); // also what an earlier start left
            checked = SourceCheck.NONE;
            return false;
        }
        checked = SourceCheck.IN_FORCE;
        List<Cidr> networks = scope.config().networks().values();
        return peerFilter.apply(
                        tunnels.uncheckedSources(),
                        tunnels.uncheckedTunnels(),
                        networks,
                        scope.uplink().name())
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
    GuardDrops newDrops(RuleScope scope) {
        GuardDrops dropped = firewall(scope.config()).drops();
        GuardDrops now = peerFilter == null ? dropped : dropped.plus(peerFilter.drops());
        GuardDrops added = now.since(counted);
        counted = now;
        return added;
    }

    /** Says once what of the rules this host cannot do. */
    void logShortcoming(RuleScope scope, GuardedTunnels tunnels) {
        String now = peerFilter == null && tunnels.hasUnchecked()
                ? "nft is not installed, so the sources of packets that the kernel carries are not checked;"
                        + " install the package nftables"
                : Stream.of(firewall(scope.config()).shortcoming(), peerFilter == null ? "" : peerFilter.shortcoming())
                        .filter(said -> !said.isEmpty())
                        .collect(Collectors.joining("; "));
        if (!now.isEmpty() && !now.equals(toldShortcoming)) {
            log.warn("{}", now);
        }
        toldShortcoming = now;
    }

    /** Takes away what earlier starts with the other flavour or with more families left; once ours are in force. */
    void removeUnused(NetworkConfig config) {
        FilterUse wanted = FilterUse.of(config);
        if (!wanted.equals(alone)) {
            firewalls.forEach((flavour, firewall) -> removeUnused(firewall, wanted.unusedOf(flavour)));
            alone = wanted;
        }
    }

    private static void removeUnused(Firewalls firewall, Set<IpFamily> families) {
        try {
            firewall.remove(families);
        } catch (IOException e) {
            log.debug("no leftovers of the other firewall: {}", e.getMessage());
        }
    }

    /** Takes all away; what cannot be is said. */
    void remove() {
        if (peerFilter != null && checked != SourceCheck.UNKNOWN) {
            remove(peerFilter::remove);
        }
        firewalls.values().forEach(firewall -> remove(firewall::remove));
    }

    private static void remove(Removal removal) {
        try {
            removal.remove();
        } catch (IOException e) {
            log.warn("firewall rules could not be removed: {}", e.getMessage());
        }
    }

    private interface Removal {
        void remove() throws IOException;
    }
}
