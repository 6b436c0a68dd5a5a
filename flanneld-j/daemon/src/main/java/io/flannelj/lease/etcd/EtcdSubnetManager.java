package io.flannelj.lease.etcd;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.kv.TxnResponse;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.LeaseOption;
import io.etcd.jetcd.options.PutOption;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.watch.WatchEvent;
import io.etcd.jetcd.watch.WatchResponse;
import io.flannelj.config.EtcdOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.DeniedException;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetKey;
import io.flannelj.lease.SubnetManager;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * flannel's store in etcd v3, by jetcd.
 *
 * <p>jetcd's own persistence is switched off: it would carry out a write that has long been given up on (it queues calls
 * while it is not connected). Here a call that cannot be sent fails at once, every call has a deadline, and every write is
 * a transaction that compares first; trying again is the caller's business.
 */
public final class EtcdSubnetManager implements SubnetManager {
    private static final Logger log = LoggerFactory.getLogger(EtcdSubnetManager.class);
    static final Duration DEADLINE = Duration.ofSeconds(5);

    private final EtcdConnection connection;
    private final EtcdOptions options;
    private final Clock clock;
    private final String subnetsPrefix;
    private final String configKey;

    private final LeaseDecoder decoder;

    /**
     * etcd leases of writes that were not answered. Such a write may have been carried out, or may be still: to revoke its
     * lease would delete our live key. It is revoked after the next answered write, or ends by itself.
     */
    private final Map<Long, PodSubnets> undecided = new ConcurrentHashMap<>();

    private EtcdSubnetManager(EtcdConnection connection, EtcdOptions options, Clock clock) {
        this.connection = connection;
        this.options = options;
        this.clock = clock;
        this.subnetsPrefix = options.prefix() + "/subnets/";
        this.configKey = options.prefix() + "/config";
        this.decoder = new LeaseDecoder(subnetsPrefix);
    }

    /**
     * Makes a client. Nothing is sent yet.
     *
     * @throws StoreException when certificates cannot be read; names them
     */
    public static EtcdSubnetManager open(EtcdOptions options, Clock clock) throws StoreException {
        return new EtcdSubnetManager(new EtcdConnection(options, clock), options, clock);
    }

    @Override
    public String location() {
        return options.toString();
    }

    @Override
    public String configLocation() {
        return configKey + " in " + options;
    }

    @Override
    public Optional<String> fetchNetworkConfig() throws StoreException {
        GetResponse response = await(client -> client.getKVClient().get(bytes(configKey)), "read the network config");
        return response.getKvs().stream().findFirst().map(kv -> LeaseDecoder.text(kv.getValue()));
    }

    @Override
    public Optional<String> objectionTo(NetworkConfig config) {
        return config.ipv4() != null
                ? Optional.empty()
                : Optional.of("EnableIPv4: must be true in etcd, since flannel's keys there cannot name an IPv6 subnet"
                        + " alone; enable both families, or use --kube-subnet-mgr");
    }

    @Override
    public Listing list() throws StoreException {
        return list(decoder);
    }

    @Override
    public List<StoredLease> leases() throws StoreException {
        return list(new LeaseDecoder(subnetsPrefix)).leases();
    }

    private Listing list(LeaseDecoder decoder) throws StoreException {
        List<StoredLease> leases = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        long revision = new Pages(this::page)
                .read(
                        bytes(subnetsPrefix),
                        kv -> {
                            keys.add(LeaseDecoder.text(kv.getKey()));
                            decoder.read(kv).ifPresent(leases::add);
                        },
                        key -> {
                            keys.add(LeaseDecoder.text(key));
                            decoder.readHuge(key);
                        });
        decoder.retain(keys);
        return new Listing(leases, revision);
    }

    private GetResponse page(ByteSequence from, GetOption option) throws StoreException, Pages.TooLargeException {
        try {
            return await(client -> client.getKVClient().get(from, option), "list the leases");
        } catch (StoreException e) {
            if (isTooLarge(e)) {
                throw new Pages.TooLargeException();
            }
            throw e;
        }
    }

    /** gRPC's own refusal; etcd has others of the same code, as when its disk quota is used up. */
    private static boolean isTooLarge(StoreException e) {
        return e.getCause() != null
                && Status.fromThrowable(e.getCause()).getCode() == Status.Code.RESOURCE_EXHAUSTED
                && reason(e).contains("exceeds maximum size");
    }

    @Override
    public List<Refusal> unreadable() {
        return decoder.unreadable();
    }

    @Override
    public Optional<Duration> remaining(StoredLease lease) throws StoreException {
        if (lease.isReservation()) {
            return Optional.empty();
        }
        long seconds = await(
                        client -> client.getLeaseClient().timeToLive(lease.storeLeaseId(), LeaseOption.DEFAULT),
                        "tell how long a lease lasts")
                .getTTL();
        return Optional.of(Duration.ofSeconds(Math.max(0, seconds)));
    }

    @Override
    public Optional<StoredLease> create(PodSubnets subnets, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException {
        ByteSequence key = key(subnets);
        return write(
                new Cmp(key, Cmp.Op.EQUAL, CmpTarget.version(0)),
                null,
                subnets,
                attributes,
                timeToLive,
                "create the lease");
    }

    @Override
    public Optional<StoredLease> update(StoredLease known, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException {
        Cmp unchanged = unchanged(known);
        if (known.isReservation()) {
            return put(unchanged, known, known.subnets(), attributes, 0, null, "rewrite the reservation");
        }
        Optional<StoredLease> written =
                write(unchanged, known, known.subnets(), attributes, timeToLive, "renew the lease");
        if (written.isPresent()) {
            revoke(known.storeLeaseId()); // no key hangs on it any more
        }
        return written;
    }

    @Override
    public Optional<StoredLease> reserve(PodSubnets subnets, LeaseAttributes attributes, @Nullable StoredLease known)
            throws StoreException {
        Cmp condition = known == null ? new Cmp(key(subnets), Cmp.Op.EQUAL, CmpTarget.version(0)) : unchanged(known);
        return put(condition, known, subnets, attributes, 0, null, "write the reservation");
    }

    @Override
    public boolean delete(StoredLease known) throws StoreException {
        TxnResponse response = await(
                client -> client.getKVClient()
                        .txn()
                        .If(unchanged(known))
                        .Then(Op.delete(key(known.subnets()), DeleteOption.DEFAULT))
                        .commit(),
                "delete the lease " + known.subnets());
        return response.isSucceeded();
    }

    private Optional<StoredLease> write(
            Cmp condition,
            @Nullable StoredLease known,
            PodSubnets subnets,
            LeaseAttributes attributes,
            Duration timeToLive,
            String what)
            throws StoreException {
        Instant end = clock.instant().plus(timeToLive);
        long id = await(client -> client.getLeaseClient().grant(timeToLive.toSeconds()), what + " " + subnets)
                .getID();
        undecided.put(id, subnets);
        Optional<StoredLease> written = put(condition, known, subnets, attributes, id, end, what);
        if (written.isPresent()) {
            undecided.remove(id);
            revokeUndecided(subnets);
        } else {
            revoke(id); // the transaction was answered: it did not use it
        }
        return written;
    }

    /** After a write was answered, an earlier one to the same key compares with a version that is gone. */
    private void revokeUndecided(PodSubnets subnets) {
        undecided.forEach((id, of) -> {
            if (of.equals(subnets)) {
                revoke(id);
            }
        });
    }

    private Optional<StoredLease> put(
            Cmp condition,
            @Nullable StoredLease known,
            PodSubnets subnets,
            LeaseAttributes attributes,
            long leaseId,
            @Nullable Instant end,
            String what)
            throws StoreException {
        PutOption option = PutOption.builder().withLeaseId(leaseId).build();
        TxnResponse response = await(
                client -> client.getKVClient()
                        .txn()
                        .If(condition)
                        .Then(Op.put(key(subnets), bytes(LeaseJson.format(attributes)), option))
                        .commit(),
                what + " " + subnets);
        long revision = response.getHeader().getRevision();
        long created = known == null ? revision : known.lease().origin().created();
        return response.isSucceeded()
                ? Optional.of(new StoredLease(
                        new Lease(subnets, attributes, end, new Lease.Origin(keyText(subnets), created)),
                        revision,
                        leaseId))
                : Optional.empty();
    }

    private Cmp unchanged(StoredLease known) {
        return new Cmp(key(known.subnets()), Cmp.Op.EQUAL, CmpTarget.modRevision(known.version()));
    }

    /** Tidiness only: an etcd lease without keys would end by itself. */
    private void revoke(long leaseId) {
        undecided.remove(leaseId);
        connection.client().getLeaseClient().revoke(leaseId).exceptionally(e -> null);
    }

    @Override
    public Watch watch(long fromRevision, Consumer<LeaseEvent> onEvent, Consumer<String> onEnd) {
        WatchOption option = WatchOption.builder()
                .isPrefix(true)
                .withRevision(fromRevision)
                .withRequireLeader(true)
                .withProgressNotify(true)
                .build();
        AtomicBoolean ended = new AtomicBoolean();
        Consumer<String> endOnce = reason -> {
            if (ended.compareAndSet(false, true)) {
                onEnd.accept(reason);
            }
        };
        Set<String> silent = ConcurrentHashMap.newKeySet(); // of the two watches, since they were asked
        Consumer<String> onProgress = key -> {
            if (silent.remove(key) && silent.isEmpty()) {
                onEvent.accept(new LeaseEvent.Progress());
            }
        };
        io.etcd.jetcd.Watch watches = connection.client().getWatchClient();
        io.etcd.jetcd.Watch.Watcher leases = watches.watch(
                bytes(subnetsPrefix),
                option,
                response -> guard(
                        () -> {
                            deliver(response, onEvent);
                            onProgress.accept(subnetsPrefix);
                        },
                        endOnce),
                error -> endOnce.accept(String.valueOf(error.getMessage())),
                () -> endOnce.accept("completed"));
        io.etcd.jetcd.Watch.Watcher config = watches.watch(
                bytes(configKey),
                WatchOption.builder()
                        .withRevision(fromRevision)
                        .withRequireLeader(true)
                        .withProgressNotify(true)
                        .build(),
                response -> guard(
                        () -> {
                            deliverConfig(response, onEvent);
                            onProgress.accept(configKey);
                        },
                        endOnce),
                error -> endOnce.accept(String.valueOf(error.getMessage())),
                () -> endOnce.accept("completed"));
        return new Watch() {
            @Override
            public boolean requestProgress() {
                silent.addAll(List.of(subnetsPrefix, configKey));
                leases.requestProgress();
                config.requestProgress();
                return true; // etcd 3.4 and later
            }

            @Override
            public void close() {
                leases.close();
                config.close();
            }
        };
    }

    /** jetcd swallows what a listener throws: the watch would go on without the event. */
    private static void guard(Runnable delivery, Consumer<String> onEnd) {
        try {
            delivery.run();
        } catch (RuntimeException e) {
            log.error("an event could not be read: {}; listing again", e.toString(), e);
            onEnd.accept(e.toString());
        }
    }

    private static void deliverConfig(WatchResponse response, Consumer<LeaseEvent> onEvent) {
        for (WatchEvent event : response.getEvents()) {
            if (event.getEventType() == WatchEvent.EventType.PUT) {
                onEvent.accept(new LeaseEvent.ConfigWritten(
                        LeaseDecoder.text(event.getKeyValue().getValue())));
            }
        }
    }

    private void deliver(WatchResponse response, Consumer<LeaseEvent> onEvent) {
        for (WatchEvent event : response.getEvents()) {
            KeyValue kv = event.getKeyValue();
            String key = LeaseDecoder.text(kv.getKey());
            Optional<StoredLease> stored = Optional.empty();
            if (event.getEventType() == WatchEvent.EventType.DELETE) {
                decoder.forget(key);
            } else if (event.getEventType() == WatchEvent.EventType.PUT) {
                stored = decoder.read(kv);
            }
            // What cannot be read any more is no lease any more.
            if (stored.isPresent()) {
                onEvent.accept(new LeaseEvent.Added(stored.get().lease()));
            } else {
                decoder.subnets(key).ifPresent(subnets -> onEvent.accept(new LeaseEvent.Removed(subnets)));
            }
        }
    }

    private String keyText(PodSubnets subnets) {
        return subnetsPrefix + SubnetKey.format(subnets);
    }

    private ByteSequence key(PodSubnets subnets) {
        return bytes(keyText(subnets));
    }

    static ByteSequence bytes(String text) {
        return ByteSequence.from(text, StandardCharsets.UTF_8);
    }

    private <T> T await(Function<Client, CompletableFuture<T>> ask, String what) throws StoreException {
        Client client = connection.client();
        CompletableFuture<T> call = ask.apply(client);
        try {
            return call.get(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            call.cancel(true);
            throw new StoreException(
                    options + " did not answer within " + DEADLINE.toSeconds() + " s (" + what + ")", e);
        } catch (InterruptedException e) {
            call.cancel(true);
            Thread.currentThread().interrupt();
            throw new StoreException("interrupted while waiting for " + options, e);
        } catch (ExecutionException e) {
            Status.Code code = Status.fromThrowable(e).getCode();
            boolean unavailable = code == Status.Code.UNAVAILABLE;
            String reason = reason(e);
            // A token of before etcd's restart is refused for ever; only a new client asks for another one.
            if (unavailable || code == Status.Code.UNAUTHENTICATED || reason.contains("invalid auth token")) {
                connection.onUnavailable(client);
            }
            if (isDenial(reason)) {
                throw new DeniedException(
                        options + " refused to " + what + ": " + reason
                                + "; see --etcd-username and --etcd-password, and what the user's role may do",
                        e);
            }
            throw new StoreException(
                    options + (unavailable ? " is not reachable" : " refused to " + what) + ": " + reason
                            + remedy(reason),
                    e);
        }
    }

    private static String remedy(String reason) {
        if (reason.contains("database space exceeded")) {
            return "; etcd's disk quota is full: compact, defragment and disarm the alarm (etcdctl compact, defrag,"
                    + " alarm disarm)";
        }
        return "";
    }

    private static boolean isDenial(String reason) {
        return reason.contains("permission denied") || reason.contains("authentication failed");
    }

    private static String reason(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        String message = root.getMessage();
        return message == null ? root.getClass().getSimpleName() : message;
    }

    @Override
    public void close() {
        connection.close();
    }
}
