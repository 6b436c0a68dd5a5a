package io.flannelj.lease.loop;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * A store as etcd is on a bad day: answers get lost though the write was done, writes are done long after the caller gave
 * up, listings are as old as the wire is slow, watches are deaf from the start and never end, history is compacted, leases end (never early, sometimes
 * late), and an operator restores an old snapshot. Writes compare as etcd does. In virtual time.
 */
final class FaultyStore {
    private static final Duration KEEPALIVE = Duration.ofSeconds(15);
    private static final int REMEMBERED_STATES = 40;

    private final VirtualTime time;
    private final RandomGenerator random;
    private final Duration timeToLive;
    private final List<ClientWatch> watches = new ArrayList<>();
    private Map<PodSubnets, StoredLease> leases = new LinkedHashMap<>();
    private NavigableMap<Long, LeaseEvent> history = new TreeMap<>();
    private final NavigableMap<Long, Map<PodSubnets, StoredLease>> states = new TreeMap<>();
    private long revision = 1;
    private long compacted;
    private int restores;
    private long nextLeaseId = 100;

    /** How often anything was written, by whomever; a revision may come again after a restore. */
    long changes;

    /** Chance that one call fails, out of a thousand. */
    int unreliable;

    /** Nobody is answered. */
    boolean down;

    FaultyStore(VirtualTime time, RandomGenerator random, Duration timeToLive) {
        this.time = time;
        this.random = random;
        this.timeToLive = timeToLive;
        states.put(revision, Map.of());
    }

    List<StoredLease> leases() {
        return List.copyOf(leases.values());
    }

    /** Whether a node has these subnets. */
    boolean holds(PodSubnets subnets, LeaseAttributes node) {
        StoredLease there = leases.get(subnets);
        return there != null && there.lease().attributes().equals(node);
    }

    void compact() {
        compacted = revision;
        history = new TreeMap<>(history.tailMap(revision, false));
    }

    /** Somebody deletes a key by hand. */
    void revoke(PodSubnets subnets) {
        if (leases.remove(subnets) != null) {
            commit(new LeaseEvent.Removed(subnets));
        }
    }

    /** Somebody writes a lease again, with the same text: a new version, and nothing else. */
    void rewrite(PodSubnets subnets) {
        StoredLease there = leases.get(subnets);
        if (there != null) {
            StoredLease again = new StoredLease(there.lease(), revision + 1, there.storeLeaseId());
            leases.put(subnets, again);
            commit(new LeaseEvent.Added(again.lease()));
        }
    }

    /** Goes back to the oldest state that gives the same subnets to the same nodes as now, with other versions. */
    void restoreVersions() {
        states.entrySet().stream()
                .filter(old -> holders(old.getValue()).equals(holders(leases)))
                .findFirst()
                .ifPresent(this::restore);
    }

    private static Map<PodSubnets, LeaseAttributes> holders(Map<PodSubnets, StoredLease> of) {
        Map<PodSubnets, LeaseAttributes> holders = new HashMap<>();
        of.forEach((subnets, stored) -> holders.put(subnets, stored.lease().attributes()));
        return holders;
    }

    /** Goes back to a state of before; what leases had left to live begins anew, as etcd does it. */
    void restore() {
        restore(new ArrayList<>(states.entrySet()).get(random.nextInt(states.size())));
    }

    private void restore(Map.Entry<Long, Map<PodSubnets, StoredLease>> old) {
        changes++;
        leases = new LinkedHashMap<>(old.getValue());
        revision = old.getKey();
        restores++;
        history = new TreeMap<>(history.headMap(revision, true));
        states.tailMap(revision, false).clear();
        leases.values().forEach(lease -> scheduleExpiry(lease, timeToLive));
        List<ClientWatch> ended = List.copyOf(watches);
        watches.clear();
        ended.forEach(watch -> watch.end("restored"));
    }

    private void commit(LeaseEvent event) {
        changes++;
        history.put(revision + 1, event);
        revision++;
        states.put(
                revision,
                Collections.unmodifiableMap(new LinkedHashMap<>(leases))); // Map.copyOf has another order in each JVM
        while (states.size() > REMEMBERED_STATES) {
            states.pollFirstEntry();
        }
        long at = revision;
        watches.forEach(watch -> watch.deliver(at, event));
    }

    private StoredLease put(
            PodSubnets subnets, LeaseAttributes attributes, boolean reservation, Instant asked, Duration ttl) {
        StoredLease stored = new StoredLease(
                new Lease(subnets, attributes, reservation ? null : asked.plus(ttl)),
                revision + 1,
                reservation ? 0 : nextLeaseId++);
        leases.put(subnets, stored);
        commit(new LeaseEvent.Added(stored.lease()));
        if (!reservation) {
            scheduleExpiry(stored, ttl);
        }
        return stored;
    }

    private void scheduleExpiry(StoredLease stored, Duration ttl) {
        if (stored.isReservation()) {
            return;
        }
        Duration late = Duration.ofMillis(200 + random.nextInt(random.nextInt(10) == 0 ? 10_000 : 1_000));
        int begun = restores;
        time.after(ttl.plus(late), () -> {
            StoredLease there = leases.get(stored.subnets());
            if (begun == restores && there != null && there.storeLeaseId() == stored.storeLeaseId()) {
                revoke(stored.subnets());
            }
        });
    }

    private final class ClientWatch implements SubnetManager.Watch {
        private final Client client;
        private final Consumer<LeaseEvent> onEvent;
        private final Consumer<String> onEnd;
        /** What waits for the wire, by its place in the order: TCP changes none. */
        private final SortedMap<Long, Runnable> held = new TreeMap<>();

        private long sent;
        private Instant last = Instant.MIN;
        private final boolean deaf;
        private boolean over;

        ClientWatch(Client client, Consumer<LeaseEvent> onEvent, Consumer<String> onEnd) {
            this.deaf = random.nextInt(1000) < unreliable;
            this.client = client;
            this.onEvent = onEvent;
            this.onEnd = onEnd;
        }

        void deliver(long revision, LeaseEvent event) {
            deliverOnce(revision, event);
            if (random.nextInt(20) == 0) {
                deliverOnce(revision, event); // twice
            }
        }

        private void deliverOnce(long revision, LeaseEvent event) {
            if (!deaf) {
                send(sent++, revision, event);
            }
        }

        private void send(long place, long revision, LeaseEvent event) {
            Runnable again = () -> send(place, revision, event);
            if (client.cutOff()) {
                held.put(place, again);
                return;
            }
            Instant due = time.instant().plusMillis(random.nextInt(random.nextInt(20) == 0 ? 3_000 : 100));
            last = due.isBefore(last) ? last : due;
            time.at(last, () -> {
                if (!over && !client.cutOff()) {
                    client.seen = Math.max(client.seen, revision);
                    onEvent.accept(event);
                } else if (!over) {
                    held.put(place, again);
                }
            });
        }

        /** The wire is back: TCP brings what was on its way. */
        void resume() {
            List<Runnable> late = List.copyOf(held.values());
            held.clear();
            late.forEach(Runnable::run);
        }

        void end(String reason) {
            if (!over) {
                over = true;
                time.after(Duration.ofMillis(random.nextInt(50)), () -> onEnd.accept(reason));
            }
        }

        @Override
        public boolean requestProgress() {
            if (!client.ignoresProgress) {
                deliverOnce(0, new LeaseEvent.Progress());
            }
            return !client.ignoresProgress;
        }

        @Override
        public void close() {
            over = true;
            watches.remove(this);
        }
    }

    /** The store as one process sees it. */
    final class Client implements SubnetManager {
        private boolean partitioned;
        private long seen;

        /** As etcd's client did: a write without an answer is taken back, although it may have been carried out. */
        boolean revokesUnanswered;

        boolean ignoresProgress;

        boolean cutOff() {
            return partitioned || down;
        }

        /** Takes the wire away, or gives it back. A watch that was deaf for long ends instead of going on. */
        void partition(boolean away) {
            partitioned = away;
            cut();
        }

        /** The wire, or the store, has gone or come back. */
        void cut() {
            if (!cutOff()) {
                mine().forEach(ClientWatch::resume);
                return;
            }
            List<ClientWatch> deaf = mine();
            time.after(KEEPALIVE, () -> {
                if (cutOff()) {
                    deaf.forEach(watch -> watch.end("keepalive"));
                }
            });
        }

        private List<ClientWatch> mine() {
            return watches.stream().filter(watch -> watch.client == this).toList();
        }

        private void call() throws StoreException {
            if (cutOff() || random.nextInt(1000) < unreliable) {
                throw new StoreException("the store does not answer");
            }
            if (random.nextInt(8000) < unreliable) {
                throw new IllegalStateException("a defect in the store's client");
            }
        }

        private boolean answerIsLost() {
            return random.nextInt(1000) < unreliable;
        }

        /** A write: refused at once, done with its answer lost, done much later, or done. */
        private <T> Optional<T> write(Write<T> write) throws StoreException {
            Instant asked = time.instant();
            if (!cutOff() && random.nextInt(1000) < unreliable) {
                time.after(Duration.ofMillis(random.nextInt(8_000)), () -> {
                    if (!down) {
                        write.run(asked);
                    }
                });
                throw new StoreException("the store does not answer in time");
            }
            call();
            Optional<T> result = write.run(asked);
            if (answerIsLost()) {
                if (revokesUnanswered && result.isPresent() && result.get() instanceof StoredLease written) {
                    revokeLease(written.storeLeaseId());
                }
                throw new StoreException("the answer was lost");
            }
            seen = revision;
            return result;
        }

        private void revokeLease(long id) {
            List.copyOf(leases.values()).stream()
                    .filter(lease -> lease.storeLeaseId() == id)
                    .forEach(lease -> revoke(lease.subnets()));
        }

        private interface Write<T> {
            Optional<T> run(Instant asked);
        }

        @Override
        public String location() {
            return "a faulty store";
        }

        @Override
        public String configLocation() {
            return location();
        }

        @Override
        public Optional<String> fetchNetworkConfig() throws StoreException {
            call();
            return Optional.empty();
        }

        /** Linearizable: never older than what this client has seen, but as old as the answer's way was long. */
        @Override
        public Listing list() throws StoreException {
            call();
            long at = revision;
            if (seen <= revision && random.nextBoolean()) {
                List<Long> recent = new ArrayList<>(states.subMap(Math.max(seen, revision - 3), true, revision, true)
                        .keySet());
                at = recent.isEmpty() ? revision : recent.get(random.nextInt(recent.size()));
            }
            seen = at;
            // etcd does not tell when a lease ends, and neither does a listing
            return new Listing(
                    states.getOrDefault(at, leases).values().stream()
                            .map(stored -> new StoredLease(
                                    new Lease(stored.subnets(), stored.lease().attributes(), null),
                                    stored.version(),
                                    stored.storeLeaseId()))
                            .toList(),
                    at);
        }

        @Override
        public Optional<StoredLease> create(PodSubnets subnets, LeaseAttributes attributes, Duration ttl)
                throws StoreException {
            return write(asked -> leases.containsKey(subnets)
                    ? Optional.empty()
                    : Optional.of(put(subnets, attributes, false, asked, ttl)));
        }

        @Override
        public Optional<StoredLease> update(StoredLease known, LeaseAttributes attributes, Duration ttl)
                throws StoreException {
            return write(asked -> unchanged(known)
                    ? Optional.of(put(known.subnets(), attributes, known.isReservation(), asked, ttl))
                    : Optional.empty());
        }

        @Override
        public boolean delete(StoredLease known) throws StoreException {
            return write(asked -> {
                        if (!unchanged(known)) {
                            return Optional.empty();
                        }
                        revoke(known.subnets());
                        return Optional.of(true);
                    })
                    .isPresent();
        }

        private boolean unchanged(StoredLease known) {
            StoredLease there = leases.get(known.subnets());
            return there != null && there.version() == known.version();
        }

        @Override
        public Watch watch(long fromRevision, Consumer<LeaseEvent> onEvent, Consumer<String> onEnd)
                throws StoreException {
            call();
            ClientWatch watch = new ClientWatch(this, onEvent, onEnd);
            if (fromRevision <= compacted) {
                watch.end("compacted");
                return watch;
            }
            watches.add(watch);
            history.tailMap(fromRevision, true).forEach(watch::deliver);
            return watch;
        }

        @Override
        public void close() {
            for (Iterator<ClientWatch> each = watches.iterator(); each.hasNext(); ) {
                ClientWatch watch = each.next();
                if (watch.client == this) {
                    watch.over = true;
                    each.remove();
                }
            }
        }
    }
}
