package io.flannelj.main;

import io.flannelj.backend.BlackholeRoutes;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.config.HostRuleOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.firewall.DesiredRules;
import io.flannelj.firewall.Firewalls;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What this host does with pod traffic beside carrying it: the packet filter's rules, and blackholes for unused addresses. */
final class HostRules {
    private static final Logger log = LoggerFactory.getLogger(HostRules.class);

    private final Firewalls firewall;
    private final List<DesiredRules> rules;
    /** Empty where none is wanted. */
    private final List<Cidr> blackholed;

    private @Nullable BlackholeRoutes blackholes;

    /**
     * Changes nothing yet.
     *
     * @param subnets this node's own
     */
    HostRules(Firewalls firewall, HostRuleOptions options, NetworkConfig config, PodSubnets subnets) {
        this.firewall = firewall;
        this.rules = Stream.concat(
                        rules(config.network(), subnets.ipv4(), options),
                        rules(config.ipv6Network(), subnets.ipv6(), options))
                .toList();
        this.blackholed = options.blackholeRoute() ? PeerRoutes.networks(subnets.ipv4(), subnets.ipv6()) : List.of();
    }

    private static Stream<DesiredRules> rules(@Nullable Cidr network, @Nullable Cidr subnet, HostRuleOptions options) {
        return network == null || subnet == null
                ? Stream.empty()
                : Stream.of(new DesiredRules(
                        network,
                        subnet,
                        options.masquerade(),
                        options.randomFully(),
                        options.acceptForwarded(),
                        options.compatNft()));
    }

    /**
     * Brings them into force; the same call repairs.
     *
     * @return whether the packet filter's had to be changed
     * @throws IOException names the program that failed, and what it said
     */
    boolean apply() throws IOException {
        boolean changed = firewall.apply(rules);
        if (!blackholed.isEmpty()) {
            blackholes = blackholes == null ? BlackholeRoutes.open(blackholed) : blackholes;
            blackholes.apply();
        }
        return changed;
    }

    /** They outlive us. */
    void leave() {
        if (blackholes != null) {
            blackholes.close();
        }
    }

    /** Takes them away; what cannot be is said. */
    void remove() {
        BlackholeRoutes made = blackholes;
        if (made != null) {
            try (made) {
                made.remove();
            } catch (IOException e) {
                log.warn("blackhole routes could not be removed: {}", e.getMessage());
            }
        }
        try {
            firewall.remove();
        } catch (IOException e) {
            log.warn("firewall rules could not be removed: {}", e.getMessage());
        }
    }
}
