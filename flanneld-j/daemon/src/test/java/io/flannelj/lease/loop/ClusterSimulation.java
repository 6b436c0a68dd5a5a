package io.flannelj.lease.loop;

import io.flannelj.lease.Lease;
import io.flannelj.lease.StoredLease;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * One cluster's life, decided by a seed alone: nodes with the real {@link LeaseLoop} and {@link PeerFeed} over one
 * {@link FaultyStore}, in virtual time. Faults for some minutes, then peace; what must hold is looked at after every step,
 * and what must come about at the end.
 */
final class ClusterSimulation {
    private final long seed;
    private final SimulatedWorld world;
    private final SplittableRandom random;
    private final VirtualTime time;
    private final FaultyStore store;
    private final List<SimulatedNode> nodes = new ArrayList<>();
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
        this.seed = seed;
        this.world = new SimulatedWorld(seed, mutation);
        this.random = world.random;
        this.time = world.time;
        this.store = world.store;
        for (int i = 1; i <= world.size; i++) {
            nodes.add(new SimulatedNode(world, i));
        }
    }

    /** From now on what happens is written there: every table that any node is told of, with its time. */
    ClusterSimulation tracingTo(StringBuilder all) {
        world.trace = all;
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
        Duration rest = world.patient
                ? Duration.ofMinutes(2)
                : world.timeToLive.multipliedBy(2).plusSeconds(60);
        Instant awake = nodes.stream()
                .map(node -> node.awake)
                .reduce(time.instant(), (one, other) -> one.isAfter(other) ? one : other);
        time.runUntil(awake.plus(rest), this::check); // a suspended machine takes no part in anything until it resumes
        if (world.patient && isKeptWaiting()) {
            time.runUntil(time.instant().plus(world.timeToLive).plusSeconds(60), this::check);
        }
        if (nodes.stream().anyMatch(SimulatedNode::isFenced)) {
            time.runUntil(time.instant().plus(world.timeToLive), this::check);
        }
        checkConverged();
    }

    /** A write without an answer may leave a lease that nobody uses, which keeps its subnet from others until it ends. */
    private boolean isKeptWaiting() {
        return !nodes.stream().allMatch(SimulatedNode::sends)
                && !store.leases().stream()
                        .allMatch(lease -> nodes.stream().anyMatch(node -> node.uses(lease.subnets())));
    }

    private void fault() {
        SimulatedNode node = nodes.get(random.nextInt(nodes.size()));
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
                if (!world.patient && random.nextBoolean()) {
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
                if (!world.patient && random.nextInt(3) == 0) {
                    forced = true;
                    store.restore();
                }
            }
            default -> {
                List<StoredLease> leases = store.leases();
                if (!world.patient && !leases.isEmpty() && random.nextInt(3) == 0) {
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
        for (SimulatedNode node : nodes) {
            node.client.partition(false);
            node.boot();
        }
    }

    /** After every step; looks only where the step has changed something, or time has. */
    private void check() {
        if (!world.changed && storeChanges == store.changes && time.instant().isBefore(checkAgain)) {
            return;
        }
        world.changed = false;
        storeChanges = store.changes;
        checkAgain = Instant.MAX;
        for (SimulatedNode one : nodes) {
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
            for (SimulatedNode other : nodes) {
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
        for (SimulatedNode node : nodes) {
            require(
                    Duration.between(node.health.status().lastContact(), time.instant())
                                    .compareTo(Duration.ofSeconds(30))
                            < 0,
                    () -> node + " has heard nothing of a healthy store since "
                            + node.health.status().lastContact());
            Set<Object> known = new HashSet<>();
            node.peers.forEach(lease -> known.add(peer(lease)));
            for (SimulatedNode other : nodes) {
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
}
