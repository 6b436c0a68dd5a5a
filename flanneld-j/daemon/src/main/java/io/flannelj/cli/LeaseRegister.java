package io.flannelj.cli;

import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Admission;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.pool.PoolUsage;
import io.flannelj.lease.pool.SubnetChooser;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PerFamily;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The leases as an operator sees and orders them. Calls block. */
public final class LeaseRegister {
    private final SubnetManager store;

    public LeaseRegister(SubnetManager store) {
        this.store = store;
    }

    /**
     * One lease.
     *
     * @param left until it ends unless renewed; null for a reservation, or where the store does not say
     * @param problem why no node obeys it, with the remedy; null when it is good
     */
    public record Entry(
            StoredLease lease,
            @Nullable Duration left,
            @Nullable String problem) {}

    /**
     * All of it.
     *
     * @param entries by subnet
     * @param unreadable what stands among the leases and is none
     * @param judged by what they were judged
     * @param usage of the pool; null where the store gives nodes their subnets, and while no network config can be read
     */
    public record Contents(
            List<Entry> entries,
            List<Refusal> unreadable,
            Judged judged,
            @Nullable PoolUsage usage) {
        /** How many no node obeys. */
        public long refused() {
            return unreadable.size()
                    + entries.stream().filter(entry -> entry.problem() != null).count();
        }
    }

    /** What is known of the leases that can be read. */
    public enum Judged {
        BY_NETWORK_CONFIG,
        /** There is no network config that could be read: they may be good or not. */
        NOT_AT_ALL
    }

    public Contents read() throws StoreException {
        List<StoredLease> leases = new ArrayList<>(store.list().leases());
        leases.sort(Comparator.comparing(lease -> LeaseRegister.first(lease.subnets())));
        NetworkConfig config = config();
        Map<Lease, String> problems = new HashMap<>();
        if (config != null) {
            Admission.Rules rules = new Admission.Rules(config, store.assigns(), null, List.of());
            Admission.judge(leases.stream().map(StoredLease::lease).toList(), rules)
                    .refused()
                    .forEach(refusal -> problems.put(refusal.lease(), refusal.problem()));
        }
        List<Entry> entries = new ArrayList<>();
        for (StoredLease lease : leases) {
            entries.add(new Entry(lease, store.remaining(lease).orElse(null), problems.get(lease.lease())));
        }
        PoolUsage usage = config == null || store.assigns()
                ? null
                : PoolUsage.of(config, leases.stream().map(StoredLease::subnets).toList());
        return new Contents(
                entries, store.unreadable(), config == null ? Judged.NOT_AT_ALL : Judged.BY_NETWORK_CONFIG, usage);
    }

    /** Null while none can be read: the daemon says so, and the leases can be shown all the same. */
    private @Nullable NetworkConfig config() {
        try {
            Optional<String> document = store.fetchNetworkConfig();
            return document.isPresent() ? NetworkConfig.parse(document.get()) : null;
        } catch (ConfigException | StoreException e) {
            return null;
        }
    }

    private static IpAddress first(PodSubnets subnets) {
        return subnets.all().get(0).address();
    }

    /**
     * Keeps subnets for a node, for good.
     *
     * @param publicIps of the node
     * @throws RefusedException when they lie outside of the pool or another node has them, or the node has others
     */
    public StoredLease reserve(PodSubnets subnets, PerFamily<IpAddress> publicIps)
            throws StoreException, ConfigException, RefusedException {
        refuseWhereTheyAreGiven(subnets);
        if (publicIps.isEmpty()) {
            throw new RefusedException("--public-ip: says which node the subnets are for; give one");
        }
        Optional<String> document = store.fetchNetworkConfig();
        if (document.isEmpty()) {
            throw new RefusedException(
                    "there is no network config at " + store.configLocation() + "; " + store.configRemedy());
        }
        NetworkConfig config = NetworkConfig.parse(document.get());
        if (!SubnetChooser.fits(config, subnets)) {
            throw new RefusedException(
                    subnets + " is not one of the subnets that nodes lease: " + SubnetChooser.describe(config));
        }
        LeaseAttributes attributes = new LeaseAttributes(
                publicIps, LeaseAttributes.typeOf(config.backend().type()));
        LeaseAttributes node = attributes;
        StoredLease known = null;
        for (StoredLease lease : store.list().leases()) {
            boolean theirs = lease.hasAddressOf(node);
            if (lease.subnets().equals(subnets) && theirs) {
                known = lease;
                attributes = lease.lease().attributes();
            } else if (lease.subnets().overlaps(subnets)) {
                throw new RefusedException(lease.subnets() + " is leased to "
                        + LeaseJson.format(lease.lease().attributes())
                        + "; release it first: flanneld-j leases release "
                        + lease.subnets());
            } else if (theirs) {
                throw new RefusedException("this node has " + lease.subnets()
                        + " already, and would go on with it; stop it, and release that first: flanneld-j leases"
                        + " release "
                        + lease.subnets());
            }
        }
        return store.reserve(subnets, attributes, known)
                .orElseThrow(() -> new RefusedException(
                        subnets + " was written by another client of the store at this moment; try again"));
    }

    /**
     * Deletes a lease or a reservation.
     *
     * @return what it was
     * @throws RefusedException when there is none, or the store gives nodes their subnets
     */
    public StoredLease release(PodSubnets subnets) throws StoreException, RefusedException {
        refuseWhereTheyAreGiven(subnets);
        for (StoredLease lease : store.list().leases()) {
            if (lease.subnets().equals(subnets)) {
                if (!store.delete(lease)) {
                    throw new RefusedException(
                            subnets + " was written by another client of the store at this moment; try again");
                }
                return lease;
            }
        }
        throw new RefusedException("nobody has " + subnets + "; see flanneld-j leases list");
    }

    private void refuseWhereTheyAreGiven(PodSubnets subnets) throws RefusedException {
        if (store.assigns()) {
            throw new RefusedException(
                    subnets + ": " + store.location() + " gives each node its subnets, which last as long as the node;"
                            + " change the node's podCIDRs there, or take it out of the"
                            + " overlay by deleting its annotation kube-subnet-manager");
        }
    }
}
