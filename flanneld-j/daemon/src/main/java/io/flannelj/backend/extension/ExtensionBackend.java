package io.flannelj.backend.extension;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.backend.Backend;
import io.flannelj.backend.BestEffort;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Unreachable;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.loop.TaskThread;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the operator's commands which peers came and which went. One that failed for a peer is run again by the next
 * {@link #apply}. Confined to the control thread, but for the commands: they have a thread of their own, so that slow ones do
 * not keep the lease from being fenced, and a newer {@link #apply} begins after the command that runs.
 */
final class ExtensionBackend implements Backend {
    private static final Logger log = LoggerFactory.getLogger(ExtensionBackend.class);
    private static final Duration QUICK = Duration.ofMillis(300);

    private final PodDestinations destinations;
    private final ExtensionCommand add;
    private final ExtensionCommand remove;
    private final int podMtuBytes;
    private volatile Map<PodSubnets, String> unreachable = Map.of();
    private final TaskThread commands = new TaskThread("flannel-commands");
    private CompletableFuture<Void> running = CompletableFuture.completedFuture(null);
    private volatile Map<PodSubnets, LeaseAttributes> wanted = Map.of();

    private volatile String problem = "";

    /** Owned by the commands' thread. */
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

    /** Waits for commands that are quick; slower ones go on by themselves, and the next call tells whether they failed. */
    @Override
    public void apply(Collection<Lease> peers) throws IOException {
        unreachable = Unreachable.among(
                peers,
                ExtensionProvider.TYPE,
                lease -> lease.attributes().backendType().equals(ExtensionProvider.TYPE));
        Map<PodSubnets, LeaseAttributes> now = new LinkedHashMap<>();
        for (Lease lease : peers) {
            if (lease.attributes().backendType().equals(ExtensionProvider.TYPE) && isSomewhereElse(lease)) {
                now.put(lease.subnets(), lease.attributes());
            }
        }
        if (running.isDone() || !now.equals(wanted)) {
            wanted = now;
            running = CompletableFuture.runAsync(() -> reconcile(now), commands::run);
        }
        awaitQuickCommands();
        if (!problem.isEmpty()) {
            throw new IOException(problem);
        }
    }

    private void awaitQuickCommands() throws IOException {
        try {
            running.get(QUICK.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            log.debug("the commands go on by themselves");
        } catch (ExecutionException e) {
            throw new IOException("the commands could not be run: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** On the commands' thread. */
    private void reconcile(Map<PodSubnets, LeaseAttributes> peers) {
        BestEffort attempts = new BestEffort();
        for (Map.Entry<PodSubnets, LeaseAttributes> peer : List.copyOf(added.entrySet())) {
            if (isNewest(peers) && !peer.getValue().equals(peers.get(peer.getKey()))) {
                attempts.run(() -> {
                    run(remove, peer.getKey(), peer.getValue());
                    added.remove(peer.getKey());
                });
            }
        }
        for (Map.Entry<PodSubnets, LeaseAttributes> peer : peers.entrySet()) {
            if (isNewest(peers) && !added.containsKey(peer.getKey())) {
                attempts.run(() -> {
                    run(add, peer.getKey(), peer.getValue());
                    added.put(peer.getKey(), peer.getValue());
                });
            }
        }
        problem = attempts.summary();
    }

    /** Else another run waits behind this one, and knows better. */
    @SuppressWarnings("ReferenceEquality")
    private boolean isNewest(Map<PodSubnets, LeaseAttributes> peers) {
        return peers == wanted;
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

    /** What was added is removed again, peer by peer, however long that takes. */
    @Override
    public void close() {
        Map<PodSubnets, LeaseAttributes> nobody = Map.of();
        wanted = nobody;
        CompletableFuture.runAsync(() -> reconcile(nobody), commands::run).join();
        commands.close();
        if (!problem.isEmpty()) {
            log.warn("{}", problem);
        }
    }
}
