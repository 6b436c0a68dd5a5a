package io.flannelj.lease;

import io.flannelj.config.NetworkConfig;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A store in memory, which can be taken away and can lose watches. For several threads. */
public final class MemorySubnetManager implements SubnetManager {
    private final Map<PodSubnets, StoredLease> leases = new LinkedHashMap<>();
    private final List<Subscription> watches = new ArrayList<>();
    private final NavigableMap<Long, LeaseEvent> history = new TreeMap<>();
    private final Clock clock;
    private @Nullable String config;
    private long revision = 1;
    private long nextLeaseId = 100;
    private boolean away;
    private boolean assigns;
    private @Nullable PodSubnets assigned;
    private NodeNotes notes = NodeNotes.NONE;
    private boolean loseAnswer;
    private Runnable before = () -> {};
    private Runnable beforeListing = () -> {};

    private record Subscription(Consumer<LeaseEvent> onEvent, Consumer<String> onEnd) {}

    public MemorySubnetManager(Clock clock) {
        this.clock = clock;
    }

    public synchronized void writeConfig(String document) {
        config = document;
    }

    /** From now on calls fail, until it is back. */
    public synchronized void setAway(boolean gone) {
        away = gone;
    }

    /** From now on this store gives the node its subnets, or makes it wait for them. */
    public synchronized void assign(@Nullable PodSubnets subnets) {
        assigns = true;
        assigned = subnets;
    }

    @Override
    public synchronized boolean assigns() {
        return assigns;
    }

    /** From now on this is what the store knows of the node. */
    public synchronized void note(NodeNotes known) {
        notes = known;
    }

    @Override
    public synchronized NodeNotes notes() throws StoreException {
        check();
        return notes;
    }

    @Override
    public synchronized Optional<PodSubnets> assigned(NetworkConfig config) throws StoreException {
        check();
        if (assigns && assigned == null) {
            throw new UnassignedException("nothing is assigned yet");
        }
        return Optional.ofNullable(assigned);
    }

    /** The next write is done, and its answer never comes. */
    public synchronized void loseNextAnswer() {
        loseAnswer = true;
    }

    /** Another program is faster than the next write. */
    public synchronized void beforeNextWrite(Runnable other) {
        before = other;
    }

    /** Happens at the next listing; may throw. */
    public synchronized void beforeNextListing(Runnable other) {
        beforeListing = other;
    }

    private void comeFirst() {
        Runnable other = before;
        before = () -> {};
        other.run();
    }

    /** Is set back to a snapshot of before anything was written. */
    public synchronized void restoreEmpty() {
        leases.clear();
        history.clear();
        revision = 1;
        breakWatches();
    }

    /** Ends every watch, as a compaction would. */
    public synchronized void breakWatches() {
        List<Subscription> broken = List.copyOf(watches);
        watches.clear();
        broken.forEach(watch -> watch.onEnd().accept("compacted"));
    }

    /** Puts a key that never expires, as an operator would. */
    public synchronized void reserve(PodSubnets subnets, LeaseAttributes attributes) {
        store(new StoredLease(new Lease(subnets, attributes, null), ++revision, 0));
    }

    /** Takes a lease away, as its expiry would. */
    public synchronized void expire(PodSubnets subnets) {
        if (leases.remove(subnets) != null) {
            revision++;
            tell(new LeaseEvent.Removed(subnets));
        }
    }

    @Override
    public String location() {
        return "memory";
    }

    @Override
    public String configLocation() {
        return "memory";
    }

    @Override
    public synchronized Optional<String> fetchNetworkConfig() throws StoreException {
        check();
        return Optional.ofNullable(config);
    }

    @Override
    public synchronized Listing list() throws StoreException {
        check();
        Runnable other = beforeListing;
        beforeListing = () -> {};
        other.run();
        return new Listing(List.copyOf(leases.values()), revision);
    }

    @Override
    public synchronized Optional<StoredLease> create(
            PodSubnets subnets, LeaseAttributes attributes, Duration timeToLive) throws StoreException {
        check();
        comeFirst();
        if (leases.containsKey(subnets)) {
            return Optional.empty();
        }
        Lease lease = new Lease(subnets, attributes, clock.instant().plus(timeToLive));
        return Optional.of(store(new StoredLease(lease, ++revision, nextLeaseId++)));
    }

    @Override
    public synchronized Optional<StoredLease> update(StoredLease known, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException {
        check();
        comeFirst();
        StoredLease there = leases.get(known.subnets());
        if (there == null || there.version() != known.version()) {
            return Optional.empty();
        }
        boolean stays = known.isReservation();
        Lease lease = new Lease(
                known.subnets(), attributes, stays ? null : clock.instant().plus(timeToLive));
        StoredLease stored = store(new StoredLease(lease, ++revision, stays ? 0 : nextLeaseId++));
        if (loseAnswer) {
            loseAnswer = false;
            throw new StoreException("the answer was lost");
        }
        return Optional.of(stored);
    }

    @Override
    public synchronized Optional<StoredLease> reserve(
            PodSubnets subnets, LeaseAttributes attributes, @Nullable StoredLease known) throws StoreException {
        check();
        StoredLease there = leases.get(subnets);
        if (known == null ? there != null : there == null || there.version() != known.version()) {
            return Optional.empty();
        }
        return Optional.of(store(new StoredLease(new Lease(subnets, attributes, null), ++revision, 0)));
    }

    @Override
    public synchronized boolean delete(StoredLease known) throws StoreException {
        check();
        StoredLease there = leases.get(known.subnets());
        if (there == null || there.version() != known.version()) {
            return false;
        }
        expire(known.subnets());
        return true;
    }

    @Override
    public synchronized Watch watch(long fromRevision, Consumer<LeaseEvent> onEvent, Consumer<String> onEnd)
            throws StoreException {
        check();
        Subscription subscription = new Subscription(onEvent, onEnd);
        history.tailMap(fromRevision, true).values().forEach(onEvent);
        watches.add(subscription);
        return new Watch() {
            @Override
            public boolean requestProgress() {
                onEvent.accept(new LeaseEvent.Progress());
                return true;
            }

            @Override
            public void close() {
                synchronized (MemorySubnetManager.this) {
                    watches.remove(subscription);
                }
            }
        };
    }

    private StoredLease store(StoredLease lease) {
        leases.put(lease.subnets(), lease);
        tell(new LeaseEvent.Added(lease.lease()));
        return lease;
    }

    private void tell(LeaseEvent event) {
        history.put(revision, event);
        watches.forEach(watch -> watch.onEvent().accept(event));
    }

    private void check() throws StoreException {
        if (away) {
            throw new StoreException("memory is away");
        }
    }

    @Override
    public void close() {}
}
