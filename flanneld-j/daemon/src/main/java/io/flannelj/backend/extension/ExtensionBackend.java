package io.flannelj.backend.extension;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.backend.Backend;
import io.flannelj.backend.BestEffort;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Unreachable;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the operator's commands which peers came and which went. One that failed for a peer is run again by the next
 * {@link #apply}. Confined to the control thread.
 */
final class ExtensionBackend implements Backend {
    private static final Logger log = LoggerFactory.getLogger(ExtensionBackend.class);

    private final PodDestinations destinations;
    private final ExtensionCommand add;
    private final ExtensionCommand remove;
    private final int podMtuBytes;
    private volatile Map<PodSubnets, String> unreachable = Map.of();
    private final Map<PodSubnets, LeaseAttributes> added = new LinkedHashMap<>();

    ExtensionBackend(PodDestinations destinations, ExtensionCommand add, ExtensionCommand remove, int podMtuBytes) {
        this.destinations = destinations;
        this.add = add;
        this.remove = remove;
        this.podMtuBytes = podMtuBytes;
    }

    @Override
    public List<String> deviceNames() {
        return List.of();
    }

    @Override
    public int podMtuBytes() {
        return podMtuBytes;
    }

    @Override
    public void apply(Collection<Lease> peers) throws IOException {
        unreachable = Unreachable.among(
                peers,
                ExtensionProvider.TYPE,
                lease -> lease.attributes().backendType().equals(ExtensionProvider.TYPE));
        Map<PodSubnets, LeaseAttributes> wanted = new LinkedHashMap<>();
        for (Lease lease : peers) {
            if (lease.attributes().backendType().equals(ExtensionProvider.TYPE) && isSomewhereElse(lease)) {
                wanted.put(lease.subnets(), lease.attributes());
            }
        }
        BestEffort attempts = new BestEffort();
        for (Map.Entry<PodSubnets, LeaseAttributes> peer : List.copyOf(added.entrySet())) {
            if (!peer.getValue().equals(wanted.get(peer.getKey()))) {
                attempts.run(() -> {
                    run(remove, peer.getKey(), peer.getValue());
                    added.remove(peer.getKey());
                });
            }
        }
        for (Map.Entry<PodSubnets, LeaseAttributes> peer : wanted.entrySet()) {
            if (!added.containsKey(peer.getKey())) {
                attempts.run(() -> {
                    run(add, peer.getKey(), peer.getValue());
                    added.put(peer.getKey(), peer.getValue());
                });
            }
        }
        attempts.throwIfAny();
    }

    @Override
    public Map<PodSubnets, String> unreachable() {
        return unreachable;
    }

    /** Commands are told both families at once, so both have to be good. */
    private boolean isSomewhereElse(Lease lease) {
        return lease.subnets().all().stream().allMatch(destinations::cover);
    }

    private static void run(ExtensionCommand command, PodSubnets subnets, LeaseAttributes attributes)
            throws IOException {
        if (command.isEmpty()) {
            return;
        }
        String data = attributes
                .backendData()
                .get(IpFamily.IPV4)
                .map(JsonNode::asText)
                .orElse("");
        String printed = command.run(variables(subnets, attributes), data);
        log.debug("{}: {}", subnets, printed);
    }

    /** What commands are told of a node; empty texts for a family that it does not have. */
    static Map<String, String> variables(PodSubnets subnets, LeaseAttributes attributes) {
        Map<String, String> variables = new HashMap<>();
        variables.put("SUBNET", text(subnets.byFamily(), IpFamily.IPV4));
        variables.put("IPV6SUBNET", text(subnets.byFamily(), IpFamily.IPV6));
        variables.put("PUBLIC_IP", text(attributes.publicIps(), IpFamily.IPV4));
        variables.put("PUBLIC_IPV6", text(attributes.publicIps(), IpFamily.IPV6));
        return variables;
    }

    static String text(PerFamily<?> values, IpFamily family) {
        return values.get(family).map(Object::toString).orElse("");
    }

    /** What was added is removed again, peer by peer. */
    @Override
    public void close() {
        try {
            apply(List.of());
        } catch (IOException e) {
            log.warn("{}", e.getMessage());
        }
    }
}
