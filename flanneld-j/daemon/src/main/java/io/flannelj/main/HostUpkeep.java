package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.backend.Uplink;
import io.flannelj.cleanup.Leftovers;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps devices and routes of this host as a session needs them, whatever others make of them meanwhile. Confined to the control
 * thread, and asks nobody but the kernel.
 */
final class HostUpkeep {
    private static final Logger log = LoggerFactory.getLogger(HostUpkeep.class);

    private final HostState host;
    private final Backend backend;
    private final NetworkConfig config;
    private final ChangesByOthers changes;

    HostUpkeep(HostState host, Backend backend, NetworkConfig config, Uplink uplink, Repairs repairs) {
        this.host = host;
        this.backend = backend;
        this.config = config;
        this.changes = new ChangesByOthers(backend, uplink, config, repairs);
    }

    /** Devices and routes are about to become otherwise, because peers or the network config did. */
    void expectChanges() {
        changes.forget();
    }

    /**
     * Repairs devices and routes, and tells what another program had changed.
     *
     * @param apply the same call as for changes
     * @throws IOException when blackhole routes cannot be put in order; the rest is
     */
    void repair(Runnable apply) throws IOException {
        changes.around(apply);
        host.reconcileBlackholes();
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
