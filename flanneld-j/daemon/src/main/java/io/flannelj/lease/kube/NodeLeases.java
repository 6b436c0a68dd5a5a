package io.flannelj.lease.kube;

import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.client.Watcher;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.kube.NodeCodec.NoLeaseException;
import io.flannelj.net.IpFamily;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The leases that nodes make, by the name of the node; never whole nodes. Of nodes with the same pod CIDRs the oldest has the
 * lease. Any thread may ask.
 */
final class NodeLeases {
    private static final Comparator<Lease> BY_AGE = Comparator.comparing(Lease::origin);

    private final NodeCodec codec;
    private final Map<String, Refusal> unreadable = new ConcurrentHashMap<>();
    private volatile Set<IpFamily> families = EnumSet.allOf(IpFamily.class); // until a network config says which
    private volatile @Nullable Own own;
    private volatile Listed listed = new Listed(0, Map.of());
    private volatile Map<String, Lease> current = Map.of();

    /** What our node shall say, but for an operator's overwrites. */
    private record Own(String node, PodSubnets subnets, LeaseAttributes attributes) {}

    /** The leases of one listing, by node. */
    private record Listed(long revision, Map<String, Lease> leases) {}

    NodeLeases(NodeCodec codec) {
        this.codec = codec;
    }

    /** Which families of pod CIDRs count. */
    void useFamilies(Set<IpFamily> wanted) {
        families = wanted;
    }

    /** From now on the node's lease is told as one only while the node says exactly this. */
    void expectOwn(String node, PodSubnets subnets, LeaseAttributes attributes) {
        own = new Own(node, subnets, attributes);
    }

    /** No node is ours any more. */
    void expectNone() {
        own = null;
    }

    /** The lease that a node makes, if it makes one. */
    Optional<Lease> read(Node node) {
        String name = name(node);
        if (!codec.isManaged(node)) {
            unreadable.remove(name);
            return Optional.empty();
        }
        try {
            Lease lease = codec.lease(node, families);
            unreadable.remove(name);
            Own ours = own;
            boolean stale = ours != null && name.equals(ours.node()) && !isAsWritten(ours, lease, node);
            return stale ? Optional.empty() : Optional.of(lease);
        } catch (NoLeaseException e) {
            unreadable.put(
                    name,
                    new Refusal(
                            NodeCodec.nameOf(node),
                            null,
                            Refusal.Reason.UNREADABLE,
                            e.getMessage() + "; mend the node, or take it out of the overlay"));
            return Optional.empty();
        }
    }

    private boolean isAsWritten(Own ours, Lease lease, Node node) {
        return lease.subnets().equals(ours.subnets())
                && codec.missing(codec.overwritten(ours.attributes(), node), node)
                        .isEmpty();
    }

    /**
     * Takes a whole listing over.
     *
     * @param names of all nodes, also of those without a lease
     * @param leases by node
     * @return the youngest first, so that of nodes with the same pod CIDRs the oldest is the last to be told of, and stays
     */
    List<Lease> replace(long revision, Collection<String> names, Map<String, Lease> leases) {
        Listed all = new Listed(revision, Map.copyOf(leases));
        listed = all;
        current = all.leases();
        unreadable.keySet().retainAll(names);
        return leases.values().stream().sorted(BY_AGE.reversed()).toList();
    }

    /** What happens from a revision on: after a listing, the changes to it. */
    Changes changesAfter(long revision) {
        Listed from = listed;
        Changes changes = new Changes(from.revision() == revision ? from.leases() : Map.of());
        current = changes.leases;
        return changes;
    }

    /** Those that cannot be used, with the reason. */
    List<Refusal> refused() {
        List<Refusal> all = new ArrayList<>(unreadable.values());
        Map<PodSubnets, Lease> holders = new HashMap<>();
        current.values().stream().sorted(BY_AGE).forEach(lease -> {
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

    static String name(Node node) {
        return node.getMetadata().getName();
    }

    /** Makes events of changes to nodes. Confined to one watch. */
    final class Changes {
        private final Map<String, Lease> leases;

        private Changes(Map<String, Lease> before) {
            this.leases = new ConcurrentHashMap<>(before);
        }

        /** What one change of a node means; most mean nothing for leases. */
        List<LeaseEvent> of(Watcher.Action action, Node node) {
            if (action == Watcher.Action.BOOKMARK) {
                return List.of(new LeaseEvent.Progress());
            }
            boolean deleted = action == Watcher.Action.DELETED;
            if (deleted) {
                unreadable.remove(name(node));
            }
            Lease now = deleted ? null : read(node).orElse(null);
            Lease before = now == null ? leases.remove(name(node)) : leases.put(name(node), now);
            List<LeaseEvent> events = new ArrayList<>();
            if (before != null && (now == null || !now.subnets().equals(before.subnets()))) {
                events.add(oldest(before.subnets())
                        .<LeaseEvent>map(LeaseEvent.Added::new)
                        .orElseGet(() -> new LeaseEvent.Removed(before.subnets())));
            }
            if (now != null && !now.equals(before)) {
                events.add(new LeaseEvent.Added(oldest(now.subnets()).orElse(now)));
            }
            Own ours = own;
            if (now == null && before == null && ours != null && name(node).equals(ours.node())) {
                events.add(new LeaseEvent.Removed(ours.subnets())); // still not as it should be
            }
            return events;
        }

        /** Of nodes with the same pod CIDRs the oldest has them; the others are told of when it is gone. */
        private Optional<Lease> oldest(PodSubnets subnets) {
            return leases.values().stream()
                    .filter(lease -> lease.subnets().equals(subnets))
                    .min(BY_AGE);
        }
    }
}
