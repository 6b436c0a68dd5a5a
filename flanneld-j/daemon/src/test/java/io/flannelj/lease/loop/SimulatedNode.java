package io.flannelj.lease.loop;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.machine.Goal;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.net.IpAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One node: what the daemon does around its lease and its peers, without a host. */
final class SimulatedNode implements PeerFeed.Listener {
    private final SimulatedWorld world;
    final int number;
    private int machine;
    LeaseAttributes attributes;
    FaultyStore.Client client;
    StoreHealth health;
    private final List<VirtualTime.Queue> queues = new ArrayList<>();
    private @Nullable LeaseCache saved;
    private @Nullable PodSubnets previous;
    private final @Nullable PodSubnets[] apart = new PodSubnets[SimulatedWorld.MAX_NODES + 1];
    private long inStoreAt = -1;

    @Nullable
    LeaseLoop loop;

    private @Nullable PeerFeed feed;
    private @Nullable StoredLease stored;
    Collection<Lease> peers = List.of();
    private TaskQueue control;
    boolean confirmed;
    private boolean fenced;
    private boolean running;
    Instant awake = Instant.MIN;

    /** A second after it resumed, for it had that second to look at its lease; kept, for it is asked after every step. */
    Instant looked = Instant.MIN;

    /** A second after the end of its lease, as it knows that itself; kept likewise. */
    Instant late = Instant.MAX;

    SimulatedNode(SimulatedWorld world, int number) {
        this.world = world;
        this.number = number;
        this.client = world.store.new Client();
        this.health = new StoreHealth(world.time, "store");
        this.control = queue();
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
        world.changed = true;
    }

    void boot() {
        if (running) {
            return;
        }
        running = true;
        client = world.store.new Client();
        client.revokesUnanswered = world.mutation == Mutation.UNANSWERED_WRITE_IS_REVOKED;
        client.ignoresProgress = world.mutation == Mutation.PROGRESS_IS_IGNORED;
        Clock clock = world.time.moving(world.random.split());
        health = new StoreHealth(clock, "store");
        VirtualTime.Queue calls = queue();
        VirtualTime.Queue turns = queue();
        turns.slow = calls;
        control = queue();
        loop = new MutatedLoop(world, client, health, clock, turns, calls);
        acquire(loop);
    }

    private VirtualTime.Queue queue() {
        VirtualTime.Queue queue = world.time.new Queue(world.random.split());
        queues.add(queue);
        return queue;
    }

    private void acquire(LeaseLoop with) {
        TaskQueue of = control;
        with.acquire(
                new Goal(world.config, attributes, previous, saved, false),
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
                with, previous, of, this, events -> new MutatedFollower(world, client, health, watching, events));
        feed = begun;
        begun.start(confirmed ? null : saved);
        with.listen(status -> of.run(() -> onStatus(begun, status)));
    }

    /** As it is for a moment, also in peace, where one slow answer follows another. */
    boolean isFenced() {
        return feed != null && fenced;
    }

    private void hold(LeaseStatus.Held held) {
        world.changed = true;
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
            world.changed = true;
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
        if (!world.time.instant().isBefore(awake)) {
            queues.forEach(queue -> queue.suspend(length));
            world.changed = true;
            awake = world.time.instant().plus(length);
            looked = awake.plusSeconds(1);
        }
    }

    private void reset() {
        if (feed != null) {
            feed.close();
        }
        world.changed = true;
        feed = null;
        stored = null;
        peers = List.of();
        fenced = false;
    }

    /** Whether packets leave from its subnet. */
    boolean sends() {
        return feed != null && !fenced && !world.time.instant().isBefore(awake);
    }

    boolean uses(PodSubnets subnets) {
        return sends() && subnets.equals(previous);
    }

    /** Whether it had a second to look at its lease since it was suspended. */
    boolean isAwake() {
        return world.time.instant().isAfter(looked);
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
    boolean isApartFrom(SimulatedNode other) {
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
        if (inStoreAt != world.store.changes && world.store.holds(own(), attributes)) {
            inStoreAt = world.store.changes;
        }
        return inStoreAt == world.store.changes;
    }

    private void save() {
        if (stored != null && feed != null && feed.revision() > 0) {
            saved = new LeaseCache("store", world.time.instant(), "{}", stored, List.copyOf(peers), feed.revision());
        }
    }

    @Override
    public void onPeers(Collection<Lease> now) {
        world.changed = true;
        peers = List.copyOf(now);
        StringBuilder all = world.trace;
        if (all != null) {
            all.append(world.time.instant())
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
