package io.flannelj.lease.kube;

import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeList;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
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
import io.flannelj.net.IpFamily;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
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
    private static final Duration READY_RETRY = Duration.ofSeconds(5);

    private final KubeConnection connection;
    private final KubeOptions options;
    private final NodeCodec codec;
    private final NodePatches patches;
    private final RandomGenerator random = new SecureRandom();
    private final Map<String, Refusal> unreadable = new ConcurrentHashMap<>();
    private volatile Map<String, Lease> current = Map.of();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "flannel-kube");
        thread.setDaemon(true);
        return thread;
    });
    private volatile String nodeName;
    private volatile Set<IpFamily> families = EnumSet.allOf(IpFamily.class); // until a network config says which
    private volatile @Nullable Own own;
    private volatile String document = "";
    private volatile Listed listed = new Listed(0, Map.of());

    /** What our node shall say, but for an operator's overwrites. */
    private record Own(PodSubnets subnets, LeaseAttributes attributes) {}

    /** The leases of one listing, by node. */
    private record Listed(long revision, Map<String, Lease> leases) {}

    private KubeSubnetManager(KubeConnection connection, KubeOptions options, Clock clock) {
        this.connection = connection;
        this.options = options;
        this.codec = new NodeCodec(options.annotationPrefix());
        this.patches = new NodePatches(clock);
        this.nodeName = options.nodeName();
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
            document = Files.readString(options.networkConfigFile());
            return Optional.of(document);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new StoreException("cannot read the network config " + options.networkConfigFile() + ": " + e, e);
        }
    }

    @Override
    public NodeNotes notes() throws StoreException {
        return codec.notes(ownNode());
    }

    @Override
    public boolean assigns() {
        return true;
    }

    @Override
    public Optional<PodSubnets> assigned(NetworkConfig config) throws StoreException {
        families = config.families();
        Node node = ownNode();
        Optional<PodSubnets> subnets;
        try {
            subnets = NodeCodec.podSubnets(node, families);
        } catch (NoLeaseException e) {
            throw new UnassignedException("node " + nodeName + " cannot be used: " + e.getMessage());
        }
        for (Cidr network : config.networks().values()) {
            check(network, subnets.flatMap(all -> all.get(network.family())).orElse(null));
        }
        return subnets;
    }

    private void check(Cidr network, @Nullable Cidr subnet) throws UnassignedException {
        String family = network.isIpv6() ? "IPv6 " : "";
        if (subnet == null) {
            throw new UnassignedException(
                    "node " + nodeName + " has no " + family + "podCIDR: let the controller manager"
                            + " give them out (--allocate-node-cidrs --cluster-cidr=" + network
                            + "; with kubeadm: --pod-network-cidr), or set spec.podCIDR of the node");
        }
        if (!network.contains(subnet)) {
            throw new UnassignedException("the " + family + "podCIDR " + subnet + " of node " + nodeName
                    + " is not in the network " + network + " of " + options.networkConfigFile()
                    + ": make the two agree");
        }
    }

    @Override
    public Optional<StoredLease> create(PodSubnets subnets, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException {
        Node node = ownNode();
        LeaseAttributes seen = codec.overwritten(attributes, node);
        own = new Own(subnets, attributes);
        Map<String, String> missing = codec.missing(seen, node);
        if (!missing.isEmpty()) {
            patch("annotate our node", patches.annotations(missing));
            log.info("node {} says {} of us", nodeName, missing);
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
        own = null;
        patch("annotate our node", patches.withoutAnnotation(codec.managedKey()));
        return true;
    }

    @Override
    public Listing list() throws StoreException {
        Map<String, Lease> leases = new HashMap<>();
        Set<String> names = new HashSet<>();
        String next = null;
        String revision = "";
        do {
            String from = next;
            NodeList page = ask(
                    "list nodes",
                    () -> connection
                            .client()
                            .nodes()
                            .list(new ListOptionsBuilder()
                                    .withLimit(PAGE)
                                    .withContinue(from)
                                    .build()));
            for (Node node : page.getItems()) {
                names.add(name(node));
                lease(node).ifPresent(lease -> leases.put(name(node), lease));
            }
            revision = page.getMetadata().getResourceVersion();
            next = page.getMetadata().getContinue();
        } while (next != null && !next.isEmpty());
        Listed all = new Listed(revision(revision), Map.copyOf(leases));
        listed = all;
        current = all.leases();
        unreadable.keySet().retainAll(names);
        List<StoredLease> stored = new ArrayList<>();
        // The youngest first, so that of nodes with the same pod CIDRs the oldest is the last to be told of, and stays.
        leases.values().stream()
                .sorted(Comparator.comparing(Lease::origin).reversed())
                .forEach(lease -> stored.add(new StoredLease(lease, 0, 0)));
        return new Listing(stored, all.revision());
    }

    @Override
    public List<Refusal> unreadable() {
        List<Refusal> all = new ArrayList<>(unreadable.values());
        Map<PodSubnets, Lease> holders = new HashMap<>();
        current.values().stream().sorted(Comparator.comparing(Lease::origin)).forEach(lease -> {
            Lease holder = holders.putIfAbsent(lease.subnets(), lease);
            if (holder != null) {
                all.add(new Refusal(
                        lease.origin().key(),
                        lease,
                        Refusal.Reason.OVERLAPS_OLDER,
                        "its pod CIDR " + lease.subnets() + " is that of the older "
                                + holder.origin().key() + "; give it another one"));
            }
        });
        return all;
    }

    /** A watch notices by itself when it has gone deaf; listing thousands of nodes is dear. */
    @Override
    public Duration relistAfter() {
        return Duration.ofHours(1);
    }

    @Override
    public Watch watch(long fromRevision, Consumer<LeaseEvent> onEvent, Consumer<String> onEnd) throws StoreException {
        Listed from = listed;
        Map<String, Lease> known =
                new ConcurrentHashMap<>(from.revision() == fromRevision - 1 ? from.leases() : Map.of());
        current = known;
        NodeWatch watch = new NodeWatch(
                connection,
                timer,
                random,
                fromRevision - 1,
                (action, node) -> tell(action, node, known, onEvent),
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

    /** Makes events of a node's change; most changes of nodes are none of leases. */
    private void tell(Watcher.Action action, Node node, Map<String, Lease> known, Consumer<LeaseEvent> onEvent) {
        if (action == Watcher.Action.BOOKMARK) {
            onEvent.accept(new LeaseEvent.Progress());
            return;
        }
        Lease now = action == Watcher.Action.DELETED ? null : lease(node).orElse(null);
        if (action == Watcher.Action.DELETED) {
            unreadable.remove(name(node));
        }
        Lease before = now == null ? known.remove(name(node)) : known.put(name(node), now);
        if (before != null && (now == null || !now.subnets().equals(before.subnets()))) {
            onEvent.accept(oldest(before.subnets(), known)
                    .<LeaseEvent>map(LeaseEvent.Added::new)
                    .orElseGet(() -> new LeaseEvent.Removed(before.subnets())));
        }
        if (now != null && !now.equals(before)) {
            onEvent.accept(new LeaseEvent.Added(oldest(now.subnets(), known).orElse(now)));
        }
        Own ours = own;
        if (now == null && before == null && ours != null && name(node).equals(nodeName)) {
            onEvent.accept(new LeaseEvent.Removed(ours.subnets())); // still not as it should be
        }
    }

    /** Of nodes with the same pod CIDRs the oldest has them; the others are told of when it is gone. */
    private static Optional<Lease> oldest(PodSubnets subnets, Map<String, Lease> leases) {
        return leases.values().stream()
                .filter(lease -> lease.subnets().equals(subnets))
                .min(Comparator.comparing(Lease::origin));
    }

    private Optional<Lease> lease(Node node) {
        if (!codec.isManaged(node)) {
            unreadable.remove(name(node));
            return Optional.empty();
        }
        try {
            Lease lease = codec.lease(node, families);
            unreadable.remove(name(node));
            Own ours = own;
            boolean stale = name(node).equals(nodeName)
                    && ours != null
                    && !(lease.subnets().equals(ours.subnets())
                            && codec.missing(codec.overwritten(ours.attributes(), node), node)
                                    .isEmpty());
            return stale ? Optional.empty() : Optional.of(lease);
        } catch (NoLeaseException e) {
            unreadable.put(
                    name(node),
                    new Refusal(
                            NodeCodec.nameOf(node),
                            null,
                            Refusal.Reason.UNREADABLE,
                            e.getMessage() + "; mend the node, or take it out of the overlay"));
            return Optional.empty();
        }
    }

    @Override
    public void reconnect() {
        connection.reconnect();
    }

    @Override
    public void onReady() {
        if (options.announceReadiness()) {
            timer.execute(() -> announce(true));
        }
    }

    private void announce(boolean first) {
        try {
            patch("set the condition NetworkUnavailable of our node", patches.networkIsUp());
            log.info("told Kubernetes that the network of node {} is up", nodeName);
        } catch (StoreException e) {
            if (first) {
                log.warn("{}; until then pods may not be scheduled to this node", e.problem());
            }
            timer.schedule(() -> announce(false), READY_RETRY.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private Node ownNode() throws StoreException {
        String name = ownName();
        Node node = ask(
                "get nodes", () -> connection.client().nodes().withName(name).get());
        if (node == null) {
            throw new UnassignedException("there is no node " + name + " in Kubernetes: let its kubelet register it, or"
                    + " correct NODE_NAME");
        }
        return node;
    }

    private String ownName() throws StoreException {
        if (nodeName.isEmpty()) {
            Pod pod = ask(
                    "get pods",
                    () -> connection
                            .client()
                            .pods()
                            .inNamespace(options.podNamespace())
                            .withName(options.podName())
                            .get());
            String name =
                    pod == null || pod.getSpec() == null ? null : pod.getSpec().getNodeName();
            if (name == null || name.isEmpty()) {
                throw new UnassignedException("pod " + options.podNamespace() + "/" + options.podName()
                        + " names no node: correct POD_NAME and POD_NAMESPACE, or set NODE_NAME");
            }
            nodeName = name;
        }
        return nodeName;
    }

    private void patch(String what, String document) throws StoreException {
        String name = ownName();
        ask(
                what,
                () -> Objects.requireNonNullElse(
                        connection
                                .client()
                                .nodes()
                                .withName(name)
                                .subresource("status")
                                .patch(PatchContext.of(PatchType.STRATEGIC_MERGE), document),
                        true));
    }

    private <T extends @Nullable Object> T ask(String what, Supplier<T> question) throws StoreException {
        try {
            return question.get();
        } catch (RuntimeException e) {
            throw connection.problem(what, e);
        }
    }

    private static String name(Node node) {
        return node.getMetadata().getName();
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
