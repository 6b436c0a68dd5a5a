package io.flannelj.lease.etcd;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.Response;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.kv.TxnResponse;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.LeaseOption;
import io.etcd.jetcd.options.PutOption;
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
import io.flannelj.net.IpFamily;
import io.flannelj.net.PlainText;
import io.grpc.Status;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * flannel's store in etcd v3, by jetcd.
 *
 * <p>jetcd's own persistence is switched off: it would carry out a write that has long been given up on (it queues calls
 * while it is not connected). Here a call that cannot be sent fails at once, every call has a deadline, and every write is
 * a transaction that compares first; trying again is the caller's business.
 */
public final class EtcdSubnetManager implements SubnetManager {
    private final EtcdConnection connection;
    private final EtcdOptions options;
    private final Clock clock;
    private final String subnetsPrefix;
    private final String configKey;

    private final LeaseDecoder decoder;
    private final OldestLeases oldest;
    private final Revisions revisions = new Revisions();

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
        this.oldest = new OldestLeases(subnetsPrefix);
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
    public String configRemedy() {
        return "write one, for example: etcdctl put " + configKey
                + " '{\"Network\": \"10.5.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}}'";
    }

    @Override
    public Optional<String> fetchNetworkConfig() throws StoreException {
        GetResponse response =
                await(client -> client.getKVClient().get(EtcdConnection.bytes(configKey)), "read the network config");
        return response.getKvs().stream().findFirst().map(kv -> LeaseDecoder.text(kv.getValue()));
    }

    @Override
    public Optional<String> objectionTo(NetworkConfig config) {
        return config.families().contains(IpFamily.IPV4)
                ? Optional.empty()
                : Optional.of("EnableIPv4: must be true in etcd, since flannel's keys there cannot name an IPv6 subnet"
                        + " alone; enable both families, or use --kube-subnet-mgr");
    }

    @Override
    public Listing list() throws StoreException {
        long before = revisions.newest();
        Listing listing = list(decoder, oldest);
        revisions.listed(listing.revision(), before);
        return listing;
    }

    @Override
    public OptionalLong lagRevisions() {
        return revisions.lag();
    }

    @Override
    public List<StoredLease> leases() throws StoreException {
        return list(new LeaseDecoder(subnetsPrefix), oldest.copy()).leases();
    }

    private Listing list(LeaseDecoder decoder, OldestLeases oldest) throws StoreException {
        OldestLeases.Listing leases = oldest.list();
        Set<String> remembered = new HashSet<>();
        long revision = new Pages(this::page)
                .read(
                        EtcdConnection.bytes(subnetsPrefix),
                        kv -> {
                            decoder.read(kv).ifPresent(lease -> leases.add(lease, LeaseDecoder.weight(kv, lease)));
                            String key = LeaseDecoder.name(kv.getKey());
                            if (decoder.remembers(key)) {
                                remembered.add(key);
                            }
                        },
                        key -> {
                            remembered.add(LeaseDecoder.name(key));
                            decoder.readHuge(key);
                        });
        decoder.retain(remembered);
        return new Listing(leases.end(), revision);
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
        List<Refusal> all = new ArrayList<>(decoder.unreadable());
        all.addAll(oldest.objections());
        return all;
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
        oldest.write(keyText(subnets));
        PutOption option = PutOption.builder().withLeaseId(leaseId).build();
        TxnResponse response = await(
                client -> client.getKVClient()
                        .txn()
                        .If(condition)
                        .Then(Op.put(key(subnets), EtcdConnection.bytes(LeaseJson.format(attributes)), option))
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
    public void reconnect() {
        connection.reconnect();
    }

    @Override
    public Watch watch(long fromRevision, Consumer<LeaseEvent> onEvent, Consumer<String> onEnd) {
        return new EtcdWatch(connection.client().getWatchClient(), subnetsPrefix, configKey, decoder, oldest, revisions)
                .start(fromRevision, onEvent, onEnd);
    }

    private String keyText(PodSubnets subnets) {
        return subnetsPrefix + SubnetKey.format(subnets);
    }

    private ByteSequence key(PodSubnets subnets) {
        return EtcdConnection.bytes(keyText(subnets));
    }

    private <T> T await(Function<Client, CompletableFuture<T>> ask, String what) throws StoreException {
        Client client = connection.client();
        CompletableFuture<T> call = ask.apply(client);
        try {
            T answer = call.get(EtcdConnection.DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
            if (answer instanceof Response response) {
                revisions.shown(response.getHeader().getRevision());
            }
            return answer;
        } catch (TimeoutException e) {
            call.cancel(true);
            throw new StoreException(
                    options + " did not answer within " + EtcdConnection.DEADLINE.toSeconds() + " s (" + what + ")", e);
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
        return message == null ? root.getClass().getSimpleName() : PlainText.withoutCall(message);
    }

    @Override
    public void close() {
        connection.close();
    }
}
