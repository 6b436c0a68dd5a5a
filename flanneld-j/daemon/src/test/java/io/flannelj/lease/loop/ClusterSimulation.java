package io.flannelj.lease.loop;

import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.machine.Goal;
import io.flannelj.lease.machine.LeaseState;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.lease.machine.Observation;
import io.flannelj.lease.machine.Step;
import io.flannelj.lease.machine.Terms;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.net.UdpFeature;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One cluster's life, decided by a seed alone: nodes with the real {@link LeaseLoop} and {@link PeerFeed} over one
 * {@link FaultyStore}, in virtual time. Faults for some minutes, then peace; what must hold is looked at after every step,
 * and what must come about at the end.
 */
final class ClusterSimulation {
    private static final int MAX_NODES = 6;

    private final long seed;
    private final SplittableRandom random;
    private final VirtualTime time = new VirtualTime();
    private final FaultyStore store;
    private final NetworkConfig config;
    private final Mutation mutation;
    private final Duration timeToLive;
    private final Terms terms;

    /** Leases last so long that nothing is heard of the store but what it is asked for. */
    private final boolean patient;

    private final List<Node> nodes = new ArrayList<>();

    /** What happened; kept only where it is asked for. */
    private @Nullable StringBuilder trace;

    /** Something that {@link #check} looks at has changed since it looked last. */
    private boolean changed = true;

    private long storeChanges;

    /** From then on what it saw may be wrong although nothing has changed: a lease ends, or a machine has resumed. */
    private Instant checkAgain = Instant.MIN;

    /** An operator took leases away by force: two nodes may then believe in one subnet until they hear of it. */
    private boolean forced;

    ClusterSimulation(long seed) {
        this(seed, Mutation.NONE);
    }

    /** @param mutation what is wrong on purpose */
    ClusterSimulation(long seed, Mutation mutation) {
        this.mutation = mutation;
        this.seed = seed;
        this.random = new SplittableRandom(seed);
        this.patient = random.nextInt(8) == 0;
        this.timeToLive = patient ? Duration.ofHours(1) : Duration.ofSeconds(15 + random.nextInt(45));
        this.terms = new Terms(timeToLive, Duration.ofSeconds(10));
        this.store = new FaultyStore(time, random.split(), timeToLive);
        int count = 2 + random.nextInt(MAX_NODES - 1);
        boolean dual = random.nextInt(3) == 0;
        // Pools as tight as can be make nodes meet: whoever comes anew waits for what another one lost.
        int spare = random.nextInt(3);
        this.config = new NetworkConfig(
                PerFamily.of(family -> family == IpFamily.IPV4
                        ? Optional.of(pool("10.5.0.0/20", 24, count + spare))
                        : dual ? Optional.of(pool("fd00:5::/60", 64, count + random.nextInt(3))) : Optional.empty()),
                false,
                new BackendConfig.Udp(8285, UdpFeature.ALL));
        for (int i = 1; i <= count; i++) {
            nodes.add(new Node(i));
        }
    }

    private static SubnetPool pool(String cidr, int length, int subnets) {
        Cidr network = Cidr.parse(cidr);
        IpAddress last = network.lastAddress().masked(length);
        SubnetPool whole = new SubnetPool(network, length, network.address(), last);
        return new SubnetPool(
                network, length, network.address(), whole.subnet(subnets - 1).address());
    }

    /** From now on what happens is written there: every table that any node is told of, with its time. */
    ClusterSimulation tracingTo(StringBuilder all) {
        trace = all;
        return this;
    }

    /** Lives it through; an AssertionError names the seed. */
    void run() {
        Instant begin = time.instant();
        nodes.forEach(node -> time.after(Duration.ofMillis(random.nextInt(2_000)), node::boot));
        int faults = random.nextInt(16);
        for (int i = 0; i < faults; i++) {
            time.after(Duration.ofMillis(random.nextInt(180_000)), this::fault);
        }
        time.runUntil(begin.plusSeconds(180), this::check);
        peace();
        Duration rest =
                patient ? Duration.ofMinutes(2) : timeToLive.multipliedBy(2).plusSeconds(60);
        Instant awake = nodes.stream()
                .map(node -> node.awake)
                .reduce(time.instant(), (one, other) -> one.isAfter(other) ? one : other);
        time.runUntil(awake.plus(rest), this::check); // a suspended machine takes no part in anything until it resumes
        if (patient && isKeptWaiting()) {
            time.runUntil(time.instant().plus(timeToLive).plusSeconds(60), this::check);
        }
        if (nodes.stream().anyMatch(Node::isFenced)) {
            time.runUntil(time.instant().plus(timeToLive), this::check);
        }
        checkConverged();
    }

    /** A write without an answer may leave a lease that nobody uses, which keeps its subnet from others until it ends. */
    private boolean isKeptWaiting() {
        return !nodes.stream().allMatch(Node::sends)
                && !store.leases().stream()
                        .allMatch(lease -> nodes.stream().anyMatch(node -> node.uses(lease.subnets())));
    }

    private void fault() {
        Node node = nodes.get(random.nextInt(nodes.size()));
        Duration length = Duration.ofMillis(random.nextInt(random.nextBoolean() ? 5_000 : 120_000));
        switch (random.nextInt(11)) {
            case 0 -> {
                node.client.partition(true);
                time.after(length, () -> node.client.partition(false));
            }
            case 1 -> {
                storeDown(true);
                time.after(length, () -> storeDown(false));
            }
            case 2 -> store.compact();
            case 3 -> {
                node.crash();
                if (!patient && random.nextBoolean()) {
                    node.replace();
                }
                time.after(length, node::boot);
            }
            case 4 -> store.unreliable = random.nextInt(300);
            case 5 -> {
                node.client.partition(true);
                time.after(length.dividedBy(2), store::compact);
                time.after(length, () -> node.client.partition(false));
            }
            case 6 -> store.restoreVersions();
            case 7 ->
                store.leases().stream()
                        .skip(random.nextInt(3))
                        .findFirst()
                        .ifPresent(lease -> store.rewrite(lease.subnets()));
            case 8 -> node.suspend(length);
            case 9 -> {
                if (!patient && random.nextInt(3) == 0) {
                    forced = true;
                    store.restore();
                }
            }
            default -> {
                List<StoredLease> leases = store.leases();
                if (!patient && !leases.isEmpty() && random.nextInt(3) == 0) {
                    forced = true;
                    store.revoke(leases.get(random.nextInt(leases.size())).subnets());
                }
            }
        }
    }

    private void storeDown(boolean down) {
        store.down = down;
        nodes.forEach(node -> node.client.cut());
    }

    private void peace() {
        store.unreliable = 0;
        storeDown(false);
        for (Node node : nodes) {
            node.client.partition(false);
            node.boot();
        }
    }

    /** After every step; looks only where the step has changed something, or time has. */
    private void check() {
        if (!changed && storeChanges == store.changes && time.instant().isBefore(checkAgain)) {
            return;
        }
        changed = false;
        storeChanges = store.changes;
        checkAgain = Instant.MAX;
        for (Node one : nodes) {
            checkAgainAfter(one.looked);
            checkAgainAfter(one.late);
            checkAgainAfter(one.awake);
            checkAgainAfter(one.end());
            require(
                    one.loop == null || one.loop.duplicate().isEmpty(),
                    () -> one + " takes itself for another node: " + one.loop.duplicate());
            if (!one.sends()) {
                continue;
            }
            Instant now = time.instant();
            require(
                    !one.isAwake() || !now.isAfter(one.late),
                    () -> one + " sends although its lease has ended at " + one.end());
            if (forced || !one.isAwake()) {
                continue;
            }
            require(
                    !one.confirmed || !now.isBefore(one.end()) || one.isInStore(),
                    () -> "the store has lost the live lease of " + one);
            for (Node other : nodes) {
                if (other.number > one.number && other.sends() && other.isAwake()) {
                    require(one.isApartFrom(other), () -> one + " and " + other + " both use " + one.own());
                }
            }
        }
    }

    private void checkAgainAfter(Instant when) {
        Instant now = time.instant();
        Instant next = when.equals(now) ? when.plusNanos(1) : when;
        if (next.isAfter(now) && next.isBefore(checkAgain)) {
            checkAgain = next;
        }
    }

    private void checkConverged() {
        Set<Object> inStore = new HashSet<>();
        for (StoredLease lease : store.leases()) {
            inStore.add(peer(lease.lease()));
        }
        nodes.forEach(node -> require(node.sends(), () -> node + " holds no lease in the end"));
        for (Node node : nodes) {
            require(
                    Duration.between(node.health.status().lastContact(), time.instant())
                                    .compareTo(Duration.ofSeconds(30))
                            < 0,
                    () -> node + " has heard nothing of a healthy store since "
                            + node.health.status().lastContact());
            Set<Object> known = new HashSet<>();
            node.peers.forEach(lease -> known.add(peer(lease)));
            for (Node other : nodes) {
                boolean self = other == node;
                require(
                        self || !node.own().overlaps(other.own()),
                        () -> node + " and " + other + " share " + node.own());
                require(
                        inStore.contains(List.of(other.own(), other.attributes)),
                        () -> other + " is not in the store in the end, but " + inStore);
                require(
                        self || known.contains(List.of(other.own(), other.attributes)),
                        () -> node + " does not know " + other + " in the end, but " + known);
            }
            known.add(List.of(node.own(), node.attributes));
            require(known.equals(inStore), () -> node + " knows " + known + ", but the store holds " + inStore);
        }
    }

    private static Object peer(Lease lease) {
        return List.of(lease.subnets(), lease.attributes());
    }

    private void require(boolean holds, Supplier<String> fact) {
        if (!holds) {
            throw new AssertionError("seed " + seed + ", " + time.instant() + ": " + fact.get());
        }
    }

    /** A fault that was fixed, put back into one of the parts. */
    enum Mutation {
        NONE,
        /** The clock is read twice, once to decide and once to plan the next look. */
        FENCE_READS_CLOCK_TWICE,
        /** Timers are as long as they have to be, and stand still while the machine is suspended. */
        TIMERS_IGNORE_SUSPENSION,
        /** Any version of our lease that we did not write is another node's. */
        EVERY_REWRITE_IS_A_RIVAL,
        /** A write without an answer is taken back. */
        UNANSWERED_WRITE_IS_REVOKED,
        /** An unchecked exception ends following. */
        DEFECT_ENDS_FOLLOWING,
        /** A watch that says nothing is believed to have nothing to say. */
        SILENCE_IS_BELIEVED,
        /** Only changes count as signs of life. */
        PROGRESS_IS_IGNORED
    }

    private final class MutatedLoop extends LeaseLoop {
        private final Set<StoredLease> missed = new HashSet<>();

        MutatedLoop(SubnetManager client, StoreHealth health, Clock clock, TaskQueue turns, TaskQueue calls) {
            super(client, health, clock, random.split(), terms, turns, calls);
        }

        @Override
        LeaseStatus status(LeaseState of, Instant now) {
            LeaseStatus status = super.status(of, now);
            if (mutation == Mutation.FENCE_READS_CLOCK_TWICE && status instanceof LeaseStatus.Fenced fenced) {
                Instant first = now.minusMillis(random.nextInt(10)); // as coarse as /proc/uptime
                if (!first.isBefore(
                                Objects.requireNonNull(fenced.lease().lease().expiresAt()))
                        && !missed.contains(fenced.lease())) {
                    return status;
                }
                missed.add(fenced.lease());
                return new LeaseStatus.Held(fenced.lease(), true);
            }
            return status;
        }

        @Override
        Duration pause(Step step, Instant now) {
            return mutation == Mutation.TIMERS_IGNORE_SUSPENSION
                    ? Duration.between(
                                    now,
                                    step.again().isBefore(now.plusSeconds(3600)) ? step.again() : now.plusSeconds(3600))
                            .plusMillis(1)
                    : super.pause(step, now);
        }

        @Override
        Step step(LeaseState from, Observation seen, Instant now) {
            Step step = mutated(from, seen, now);
            changed |= !step.state().duplicate().isEmpty();
            return step;
        }

        private Step mutated(LeaseState from, Observation seen, Instant now) {
            if (mutation == Mutation.EVERY_REWRITE_IS_A_RIVAL
                    && seen instanceof Observation.Listed listed
                    && from.statusAt(now) instanceof LeaseStatus.Held held
                    && held.confirmed()) {
                return super.step(
                        from,
                        new Observation.Listed(listed.leases().stream()
                                .map(lease ->
                                        lease.subnets().equals(held.lease().subnets())
                                                        && lease.version()
                                                                != held.lease().version()
                                                ? rival(lease)
                                                : lease)
                                .toList()),
                        now);
            }
            return super.step(from, seen, now);
        }

        private StoredLease rival(StoredLease lease) {
            LeaseAttributes says = lease.lease().attributes();
            return new StoredLease(
                    new Lease(lease.subnets(), new LeaseAttributes(says.publicIps(), "rival"), null),
                    lease.version(),
                    lease.storeLeaseId());
        }
    }

    private final class MutatedFollower extends LeaseFollower {
        MutatedFollower(SubnetManager client, StoreHealth health, TaskQueue watching, Consumer<LeaseEvent> events) {
            super(client, health, watching, random.split(), events);
        }

        @Override
        void onSilence(int from) {
            if (mutation != Mutation.SILENCE_IS_BELIEVED) {
                super.onSilence(from);
            }
        }

        @Override
        void onDefect(int from, Throwable defect) {
            if (mutation != Mutation.DEFECT_ENDS_FOLLOWING) {
                super.onDefect(from, defect);
            }
        }
    }

    /** One node: what the daemon does around its lease and its peers, without a host. */
    private final class Node implements PeerFeed.Listener {
        private final int number;
        private int machine;
        private LeaseAttributes attributes;
        private FaultyStore.Client client = store.new Client();
        private StoreHealth health = new StoreHealth(time, "store");
        private final List<VirtualTime.Queue> queues = new ArrayList<>();
        private @Nullable LeaseCache saved;
        private @Nullable PodSubnets previous;
        private final @Nullable PodSubnets[] apart = new PodSubnets[MAX_NODES + 1];
        private long inStoreAt = -1;
        private @Nullable LeaseLoop loop;
        private @Nullable PeerFeed feed;
        private @Nullable StoredLease stored;
        private Collection<Lease> peers = List.of();
        private TaskQueue control = queue();
        private boolean confirmed;
        private boolean fenced;
        private boolean running;
        private Instant awake = Instant.MIN;

        /** A second after it resumed, for it had that second to look at its lease; kept, for it is asked after every step. */
        private Instant looked = Instant.MIN;

        /** A second after the end of its lease, as it knows that itself; kept likewise. */
        private Instant late = Instant.MAX;

        Node(int number) {
            this.number = number;
            this.attributes = attributes();
        }

        private LeaseAttributes attributes() {
            return LeaseAttributes.ofIpv4(IpAddress.parse("192.168." + machine + "." + number), "", null);
        }

        /** Another machine takes its place: another address, an empty disk. */
        void replace() {
            machine++;
            attributes = attributes();
            saved = null;
            previous = null;
            changed = true;
        }

        void boot() {
            if (running) {
                return;
            }
            running = true;
            client = store.new Client();
            client.revokesUnanswered = mutation == Mutation.UNANSWERED_WRITE_IS_REVOKED;
            client.ignoresProgress = mutation == Mutation.PROGRESS_IS_IGNORED;
            Clock clock = time.moving(random.split());
            health = new StoreHealth(clock, "store");
            VirtualTime.Queue calls = queue();
            VirtualTime.Queue turns = queue();
            turns.slow = calls;
            control = queue();
            loop = new MutatedLoop(client, health, clock, turns, calls);
            acquire(loop);
        }

        private VirtualTime.Queue queue() {
            VirtualTime.Queue queue = time.new Queue(random.split());
            queues.add(queue);
            return queue;
        }

        private void acquire(LeaseLoop with) {
            TaskQueue of = control;
            with.acquire(
                    new Goal(config, attributes, previous, saved, false),
                    status -> of.run(() -> {
                        if (feed == null && status instanceof LeaseStatus.Held held) {
                            begin(with, held);
                        }
                    }));
        }

        private void begin(LeaseLoop with, LeaseStatus.Held held) {
            previous = held.lease().subnets();
            Arrays.fill(apart, null);
            inStoreAt = -1;
            hold(held);
            TaskQueue of = control;
            VirtualTime.Queue watching = queue();
            PeerFeed begun = new PeerFeed(
                    with, previous, of, this, events -> new MutatedFollower(client, health, watching, events));
            feed = begun;
            begun.start(confirmed ? null : saved);
            with.listen(status -> of.run(() -> onStatus(begun, status)));
        }

        /** As it is for a moment, also in peace, where one slow answer follows another. */
        boolean isFenced() {
            return feed != null && fenced;
        }

        private void hold(LeaseStatus.Held held) {
            changed = true;
            stored = held.lease();
            confirmed = held.confirmed();
            late = end().equals(Instant.MAX) ? Instant.MAX : end().plusSeconds(1);
        }

        private void onStatus(PeerFeed of, LeaseStatus status) {
            if (of != feed) {
                return;
            }
            if (status instanceof LeaseStatus.Held held) {
                hold(held);
                fenced = false;
                save();
            } else if (status instanceof LeaseStatus.Fenced) {
                changed = true;
                fenced = true;
            } else {
                reset();
                saved = null;
                acquire(Objects.requireNonNull(loop));
            }
        }

        void crash() {
            queues.forEach(VirtualTime.Queue::kill);
            queues.clear();
            client.close();
            reset();
            awake = Instant.MIN;
            looked = Instant.MIN;
            running = false;
        }

        void suspend(Duration length) {
            if (!time.instant().isBefore(awake)) {
                queues.forEach(queue -> queue.suspend(length));
                changed = true;
                awake = time.instant().plus(length);
                looked = awake.plusSeconds(1);
            }
        }

        private void reset() {
            if (feed != null) {
                feed.close();
            }
            changed = true;
            feed = null;
            stored = null;
            peers = List.of();
            fenced = false;
        }

        /** Whether packets leave from its subnet. */
        boolean sends() {
            return feed != null && !fenced && !time.instant().isBefore(awake);
        }

        private boolean uses(PodSubnets subnets) {
            return sends() && subnets.equals(previous);
        }

        /** Whether it had a second to look at its lease since it was suspended. */
        boolean isAwake() {
            return time.instant().isAfter(looked);
        }

        /** When its lease ends, as it knows itself. */
        Instant end() {
            Instant end = stored == null ? null : stored.lease().expiresAt();
            return end == null ? Instant.MAX : end;
        }

        PodSubnets own() {
            return Objects.requireNonNull(previous);
        }

        /** Compared once as long as neither changes: this is asked after every step. */
        @SuppressWarnings("ReferenceEquality") // the same object has not changed
        boolean isApartFrom(Node other) {
            PodSubnets theirs = other.own();
            if (apart[other.number] != theirs) {
                if (own().overlaps(theirs)) {
                    return false;
                }
                apart[other.number] = theirs;
            }
            return true;
        }

        /** Looked up again only after something was written. */
        boolean isInStore() {
            if (inStoreAt != store.changes && store.holds(own(), attributes)) {
                inStoreAt = store.changes;
            }
            return inStoreAt == store.changes;
        }

        private void save() {
            if (stored != null && feed != null && feed.revision() > 0) {
                saved = new LeaseCache("store", time.instant(), "{}", stored, List.copyOf(peers), feed.revision());
            }
        }

        @Override
        public void onPeers(Collection<Lease> now) {
            changed = true;
            peers = List.copyOf(now);
            StringBuilder all = trace;
            if (all != null) {
                all.append(time.instant())
                        .append(' ')
                        .append(this)
                        .append(peers.size())
                        .append('\n');
            }
            if (!fenced) {
                save();
            }
        }

        @Override
        public void onConfig(String document) {}

        @Override
        public String toString() {
            return "node " + number + (previous == null ? "" : " with " + previous);
        }
    }
}
