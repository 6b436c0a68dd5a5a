package io.flannelj.lease.kube;

import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeList;
import io.flannelj.config.ConfigException;
import io.flannelj.config.KubeOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.UnassignedException;
import io.flannelj.lease.kube.NodeCodec.NoLeaseException;
import io.flannelj.net.Cidr;
import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * flannel's store in Kubernetes: a node's subnets are its pod CIDRs, its attributes are annotations, and a lease lives as
 * long as its node. Only leases are kept in memory, never whole nodes.
 *
 * <p>Our own lease is told as one only while the node says exactly what we wrote: when somebody takes an annotation away,
 * writes an overwrite or changes the pod CIDR, it counts as gone, and the lease loop writes it anew.
 */
public final class KubeSubnetManager implements SubnetManager {
    private static final Logger log = LoggerFactory.getLogger(KubeSubnetManager.class);
    private static final long PAGE = 500;
    private static final Duration CONFIG_CHECK = Duration.ofSeconds(5);

    private final KubeConnection connection;
    private final KubeOptions options;
    private final NodeCodec codec;
    private final NodePatches patches;
    private final NodeLeases leases;
    private final OwnNode own;
    private final RandomGenerator random = new SecureRandom();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "flannel-kube");
        thread.setDaemon(true);
        return thread;
    });
    private volatile String document = "";

    private KubeSubnetManager(KubeConnection connection, KubeOptions options, Clock clock) {
        this.connection = connection;
        this.options = options;
        this.codec = new NodeCodec(options.annotationPrefix());
        this.patches = new NodePatches(clock);
        this.leases = new NodeLeases(codec);
        this.own = new OwnNode(connection, options, timer);
    }

    /**
     * Makes a client. Nothing is sent yet.
     *
     * @param environment of the process, where a pod finds its apiserver
     * @throws ConfigException when it is not said where the apiserver is, or the kubeconfig cannot be read
     */
    public static KubeSubnetManager open(KubeOptions options, Map<String, String> environment, Clock clock)
            throws ConfigException {
        return new KubeSubnetManager(KubeConnection.open(options, environment), options, clock);
    }

    @Override
    public String location() {
        return connection.location();
    }

    @Override
    public String configLocation() {
        return options.networkConfigFile().toString();
    }

    @Override
    public String configRemedy() {
        return "mount the ConfigMap that has net-conf.json there, or name the file by --net-config-path";
    }

    @Override
    public Optional<String> fetchNetworkConfig() throws StoreException {
        try {
            document = WholeFile.read(options.networkConfigFile());
            return Optional.of(document);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new StoreException("cannot read the network config " + options.networkConfigFile() + ": " + e, e);
        }
    }

    @Override
    public NodeNotes notes() throws StoreException {
        return codec.notes(own.get());
    }

    @Override
    public boolean assigns() {
        return true;
    }

    @Override
    public Optional<PodSubnets> assigned(NetworkConfig config) throws StoreException {
        leases.useFamilies(config.families());
        Node node = own.get();
        Optional<PodSubnets> subnets;
        try {
            subnets = NodeCodec.podSubnets(node, config.families());
        } catch (NoLeaseException e) {
            throw new UnassignedException("node " + own.name() + " cannot be used: " + e.getMessage());
        }
        for (Cidr network : config.networks().values()) {
            check(
                    own.name(),
                    network,
                    subnets.flatMap(all -> all.get(network.family())).orElse(null));
        }
        return subnets;
    }

    private void check(String node, Cidr network, @Nullable Cidr subnet) throws UnassignedException {
        String family = network.isIpv6() ? "IPv6 " : "";
        if (subnet == null) {
            throw new UnassignedException("node " + node + " has no " + family + "podCIDR: let the controller manager"
                    + " give them out (--allocate-node-cidrs --cluster-cidr=" + network
                    + "; with kubeadm: --pod-network-cidr), or set spec.podCIDR of the node");
        }
        if (!network.contains(subnet)) {
            throw new UnassignedException("the " + family + "podCIDR " + subnet + " of node " + node
                    + " is not in the network " + network + " of " + options.networkConfigFile()
                    + ": make the two agree");
        }
    }

    @Override
    public Optional<StoredLease> create(PodSubnets subnets, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException {
        Node node = own.get();
        LeaseAttributes seen = codec.overwritten(attributes, node);
        leases.expectOwn(own.name(), subnets, attributes);
        Map<String, String> missing = codec.missing(seen, node);
        if (!missing.isEmpty()) {
            own.patch("annotate our node", patches.annotations(missing));
            log.info("annotated our node {}: {}", own.name(), missing);
        }
        return Optional.of(new StoredLease(new Lease(subnets, seen, null), revision(node), 0));
    }

    @Override
    public Optional<StoredLease> update(StoredLease known, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException {
        return create(known.subnets(), attributes, timeToLive);
    }

    /** Takes the node out of the overlay; its pod CIDR stays its own. */
    @Override
    public boolean delete(StoredLease known) throws StoreException {
        leases.expectNone();
        own.patch("annotate our node", patches.withoutAnnotation(codec.managedKey()));
        return true;
    }

    @Override
    public Listing list() throws StoreException {
        Map<String, Lease> made = new HashMap<>();
        Set<String> names = new HashSet<>();
        String next = null;
        String revision = "";
        do {
            ListOptions from =
                    new ListOptionsBuilder().withLimit(PAGE).withContinue(next).build();
            NodeList page =
                    connection.ask("list nodes", client -> client.nodes().list(from));
            for (Node node : page.getItems()) {
                names.add(NodeLeases.name(node));
                leases.read(node).ifPresent(lease -> made.put(NodeLeases.name(node), lease));
            }
            revision = page.getMetadata().getResourceVersion();
            next = page.getMetadata().getContinue();
        } while (next != null && !next.isEmpty());
        long listed = revision(revision);
        return new Listing(
                leases.replace(listed, names, made).stream()
                        .map(lease -> new StoredLease(lease, 0, 0))
                        .toList(),
                listed);
    }

    @Override
    public List<Refusal> unreadable() {
        return leases.refused();
    }

    /** A watch notices by itself when it has gone deaf; listing thousands of nodes is dear. */
    @Override
    public Duration relistAfter() {
        return Duration.ofHours(1);
    }

    @Override
    public Watch watch(long fromRevision, Consumer<LeaseEvent> onEvent, Consumer<String> onEnd) throws StoreException {
        NodeLeases.Changes changes = leases.changesAfter(fromRevision - 1);
        NodeWatch watch = new NodeWatch(
                connection,
                timer,
                random,
                fromRevision - 1,
                (action, node) -> changes.of(action, node).forEach(onEvent),
                onEnd);
        watch.open();
        ScheduledFuture<?> reading = timer.scheduleWithFixedDelay(
                () -> tellIfWritten(onEvent), CONFIG_CHECK.toMillis(), CONFIG_CHECK.toMillis(), TimeUnit.MILLISECONDS);
        return () -> {
            reading.cancel(false);
            watch.close();
        };
    }

    /** The file is a mounted ConfigMap, which the kubelet exchanges as a whole. */
    private void tellIfWritten(Consumer<LeaseEvent> onEvent) {
        String before = document;
        try {
            fetchNetworkConfig()
                    .filter(now -> !now.equals(before))
                    .ifPresent(now -> onEvent.accept(new LeaseEvent.ConfigWritten(now)));
        } catch (StoreException e) {
            log.debug("{}; the one before stays in force", e.problem());
        }
    }

    @Override
    public void reconnect() {
        connection.reconnect();
    }

    @Override
    public void onReady() {
        if (options.announceReadiness()) {
            own.announceReady(patches);
        }
    }

    private long revision(Node node) throws StoreException {
        return revision(node.getMetadata().getResourceVersion());
    }

    private long revision(String text) throws StoreException {
        try {
            return Long.parseUnsignedLong(text);
        } catch (NumberFormatException e) {
            throw new StoreException(connection.location() + " counts versions as \"" + text + "\", not by numbers", e);
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
        connection.close();
    }
}
