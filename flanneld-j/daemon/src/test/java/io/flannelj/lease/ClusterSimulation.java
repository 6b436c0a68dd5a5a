package io.flannelj.lease;

import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One cluster's life, decided by a seed alone: nodes with the real {@link LeaseKeeper} and {@link Tenure} over one
 * {@link FaultyStore}, in virtual time. Faults for some minutes, then peace; what must hold is looked at after every step,
 * and what must come about at the end.
 */
final class ClusterSimulation {
    private final long seed;
    private final SplittableRandom random;
    private final VirtualTime time = new VirtualTime();
    private final FaultyStore store;
    private final NetworkConfig config;
    private final Duration timeToLive;
    private final List<Node> nodes = new ArrayList<>();
    private final StringBuilder trace = new StringBuilder();

    /** An operator took leases away by force: two nodes may then believe in one subnet until they hear of it. */
    private boolean forced;

    ClusterSimulation(long seed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
        this.store = new FaultyStore(time, random.split());
        int count = 2 + random.nextInt(5);
        boolean dual = random.nextInt(3) == 0;
        // Pools as tight as can be make nodes meet: whoever comes anew waits for what another one lost.
        int spare = random.nextInt(3);
        this.config = new NetworkConfig(
                pool("10.5.0.0/20", 24, count + spare),
                dual ? pool("fd00:5::/60", 64, count + random.nextInt(3)) : null,
                false,
                new BackendConfig.Udp(8285));
        this.timeToLive = Duration.ofSeconds(15 + random.nextInt(45));
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

    /** What happened, for comparison: every table that any node was told of, with its time. */
    String trace() {
        return trace.toString();
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
        time.runUntil(time.instant().plus(timeToLive.multipliedBy(2)).plusSeconds(60), this::check);
        checkConverged();
    }

    private void fault() {
        Node node = nodes.get(random.nextInt(nodes.size()));
        Duration length = Duration.ofMillis(random.nextInt(random.nextBoolean() ? 5_000 : 120_000));
        switch (random.nextInt(8)) {
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
                if (random.nextBoolean()) {
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
            case 6 -> {
                if (random.nextInt(3) == 0) {
                    forced = true;
                    store.restore();
                }
            }
            default -> {
                List<StoredLease> leases = store.leases();
                if (!leases.isEmpty() && random.nextInt(3) == 0) {
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

    private void check() {
        for (Node one : nodes) {
            require(!one.fenced || one.peers.isEmpty(), () -> one + " sends although its lease has ended");
            if (forced || !one.sends()) {
                continue;
            }
            for (Node other : nodes) {
                if (other != one && other.sends()) {
                    require(!one.own().overlaps(other.own()), () -> one + " and " + other + " both use " + one.own());
                }
            }
        }
    }

    private void checkConverged() {
        Set<Object> inStore = new HashSet<>();
        for (StoredLease lease : store.leases()) {
            inStore.add(peer(lease.lease()));
        }
        for (Node node : nodes) {
            require(node.sends(), () -> node + " holds no lease in the end");
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

    /** One node: what Session and Daemon do around a tenure, without a host. */
    private final class Node implements Tenure.Host {
        private final int number;
        private int machine;
        private LeaseAttributes attributes;
        private FaultyStore.Client client = store.new Client();
        private final List<VirtualTime.Queue> queues = new ArrayList<>();
        private @Nullable SavedLeases saved;
        private @Nullable PodSubnets previous;
        private @Nullable LeaseKeeper keeper;
        private @Nullable Tenure tenure;
        private Collection<Lease> peers = List.of();
        private boolean fenced;
        private boolean running;

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
        }

        void boot() {
            if (running) {
                return;
            }
            running = true;
            client = store.new Client();
            keeper = new LeaseKeeper(
                    client,
                    new StoreHealth(time, "store"),
                    time,
                    random.split(),
                    new LeaseKeeper.Terms(timeToLive, Duration.ofSeconds(10)));
            acquire(keeper, queue());
        }

        private VirtualTime.Queue queue() {
            VirtualTime.Queue queue = time.new Queue(random.split());
            queues.add(queue);
            return queue;
        }

        private void acquire(LeaseKeeper with, TaskQueue main) {
            Optional<Lease> lease = with.attempt(config, attributes, previous, saved);
            if (lease.isEmpty()) {
                main.after(with.nextPause(), () -> acquire(with, main));
                return;
            }
            previous = lease.get().subnets();
            tenure = new Tenure(
                    client,
                    new StoreHealth(time, "store"),
                    with,
                    attributes,
                    previous,
                    new Tenure.Queues(queue(), queue(), queue()),
                    random.split(),
                    this);
            tenure.start(with.isFromDisk() ? saved : null);
        }

        void crash() {
            queues.forEach(VirtualTime.Queue::kill);
            queues.clear();
            client.close();
            reset();
            running = false;
        }

        private void reset() {
            tenure = null;
            peers = List.of();
            fenced = false;
        }

        boolean sends() {
            return tenure != null && !fenced;
        }

        PodSubnets own() {
            return Objects.requireNonNull(previous);
        }

        private void save() {
            if (keeper != null && keeper.stored() != null && tenure != null && tenure.revision() > 0) {
                saved = new SavedLeases(
                        "store", time.instant(), "{}", keeper.stored(), List.copyOf(peers), tenure.revision());
            }
        }

        @Override
        public void onPeers(Collection<Lease> now) {
            peers = List.copyOf(now);
            trace.append(time.instant())
                    .append(' ')
                    .append(this)
                    .append(peers.size())
                    .append('\n');
            if (!fenced) {
                save();
            }
        }

        @Override
        public void onOwn(Lease own) {
            save();
        }

        @Override
        public void onFenced(boolean now) {
            fenced = now;
            if (now) {
                peers = List.of();
            }
        }

        @Override
        public void onLost() {
            if (tenure != null && keeper != null) {
                tenure.close();
            }
            queues.forEach(VirtualTime.Queue::kill);
            queues.clear();
            reset();
            saved = null;
            LeaseKeeper with = Objects.requireNonNull(keeper);
            TaskQueue main = queue();
            main.run(() -> acquire(with, main));
        }

        @Override
        public void onConfig(String document) {}

        @Override
        public String toString() {
            return "node " + number + (previous == null ? "" : " with " + previous);
        }
    }
}
