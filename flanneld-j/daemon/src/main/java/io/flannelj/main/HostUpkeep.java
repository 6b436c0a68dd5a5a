package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.backend.Uplink;
import io.flannelj.cleanup.Leftovers;
import io.flannelj.config.NetworkConfig;
import io.flannelj.firewall.ForwardingCheck;
import io.flannelj.firewall.GuardDrops;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Forwarding;
import java.io.IOException;
import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps this host as a session needs it, whatever others make of it meanwhile. Confined to the control thread. */
final class HostUpkeep {
    private static final Logger log = LoggerFactory.getLogger(HostUpkeep.class);

    private final HostState host;
    private final HostRules rules;
    private final Backend backend;
    private final NetworkConfig config;
    private final NodeState state;
    private final Troubles troubles;
    private final ChangesByOthers changes;
    private boolean forwardingChecked;

    HostUpkeep(
            HostState host,
            HostRules rules,
            Backend backend,
            NetworkConfig config,
            Uplink uplink,
            NodeState state,
            Troubles troubles) {
        this.host = host;
        this.rules = rules;
        this.backend = backend;
        this.config = config;
        this.state = state;
        this.troubles = troubles;
        this.changes = new ChangesByOthers(backend, uplink, config, state.repairs);
    }

    /** Devices and routes are about to become otherwise, because peers or the network config did. */
    void expectChanges() {
        changes.forget();
    }

    /**
     * Repairs devices and routes, and tells what another program had changed.
     *
     * @param apply the same call as for changes
     */
    void repair(Runnable apply) {
        changes.around(apply);
    }

    /** Puts blackhole routes and the packet filter's rules in order, and counts what they dropped. */
    void reconcileRules(Collection<Lease> peers) {
        try {
            host.reconcileBlackholes();
            countRepair(rules.apply(backend, peers));
            countRepair(rules.checkSources(backend));
            GuardDrops drops = rules.newDrops();
            state.droppedToTunnel.addAndGet(drops.toTunnel());
            state.droppedForged.addAndGet(drops.forgedSource());
            rules.logShortcoming(backend);
            troubles.set(Troubles.Topic.FIREWALL, "");
        } catch (IOException e) {
            troubles.set(Troubles.Topic.FIREWALL, "firewall rules cannot be checked: " + e.getMessage());
        }
    }

    /** Brings the source check into force for the backend's peers of now. */
    void checkSources() {
        try {
            countRepair(rules.checkSources(backend));
        } catch (IOException e) {
            troubles.set(
                    Troubles.Topic.FIREWALL, "sources of other nodes' packets cannot be checked: " + e.getMessage());
        }
    }

    private void countRepair(boolean repaired) {
        if (repaired) {
            state.repairs.count(Repairs.Kind.FIREWALL);
            log.warn("firewall rules had been changed by another program; put right");
        }
    }

    /** Whether this host forwards at all: put right where that is one setting, else named. */
    void checkForwarding() {
        if (backend.deviceNames().isEmpty()) {
            return;
        }
        try {
            for (IpFamily family : config.families()) {
                if (Forwarding.turnOn(family)) {
                    String setting = Forwarding.setting(family);
                    if (forwardingChecked) {
                        state.repairs.count(Repairs.Kind.SETTING);
                        log.warn("another program had turned {} off; it is on again", setting);
                    } else {
                        log.info("{} was off; it is on now, or nothing would reach pods", setting);
                    }
                }
            }
            forwardingChecked = true;
            troubles.set(
                    Troubles.Topic.FORWARDING,
                    String.join("; ", ForwardingCheck.obstacles(config.networks(), config.enableNftables())));
        } catch (IOException e) {
            troubles.set(Troubles.Topic.FORWARDING, String.valueOf(e.getMessage()));
        }
    }

    /** Says once what on this host works against us. */
    void nameLeftovers(PodSubnets subnets, Stream<LeaseAttributes> nodes) {
        if (backend.deviceNames().isEmpty()) {
            return; // another program brings the routes
        }
        Set<IpAddress> addresses =
                nodes.flatMap(node -> node.publicIps().values().stream()).collect(Collectors.toSet());
        try {
            Leftovers.find(config, subnets.all(), backend.deviceNames(), addresses)
                    .forEach(line -> log.warn("{}", line));
        } catch (IOException e) {
            log.debug("leftovers could not be looked for: {}", e.getMessage());
        }
    }
}
