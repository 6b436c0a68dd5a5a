package io.flannelj.backend;

import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.TunnelSenders;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Carries traffic until closed. Confined to the control thread. */
public interface Backend extends AutoCloseable {
    /** The interfaces that pod traffic to other nodes leaves by, the most important first; none when there are none. */
    List<String> deviceNames();

    /** Where tunnel packets of other nodes arrive on this one; none where no tunnel is ours. Any thread. */
    default List<TunnelEndpoint> endpoints() {
        return List.of();
    }

    /** Those of them that this process sends to by its own sockets; none where the kernel sends. Any thread. */
    default List<TunnelEndpoint> spokenByUs() {
        return List.of();
    }

    /** What peers may send from where the kernel carries packets, which does not check it; none where we check. */
    default List<PeerSource> uncheckedSources() {
        return List.of();
    }

    /** Who may send to each tunnel that the kernel unwraps, which asks nobody; none where we unwrap. */
    default List<TunnelSenders> uncheckedTunnels() {
        return List.of();
    }

    /** MTU for pod interfaces, in bytes. */
    int podMtuBytes();

    /**
     * Takes the peers as they are now, our own lease not among them. Idempotent: the same call repairs.
     *
     * @param peers every live lease of other nodes, whatever their backend
     * @throws IOException when the host refused a part of it; the rest is in force, and the next call tries again
     */
    void apply(Collection<Lease> peers) throws IOException;

    /**
     * Sends to nobody while our lease has ended. It says nothing of the peers; the next {@link #apply} goes on with them.
     *
     * @throws IOException as {@link #apply}
     */
    default void fence() throws IOException {
        apply(List.of());
    }

    /**
     * The peers of the last {@link #apply} that nothing is sent to, and why, with the remedy; human-readable. Any thread.
     */
    default Map<PodSubnets, String> unreachable() {
        return Map.of();
    }

    /**
     * Goes over to a newer network config, which differs in its backend, with the next {@link #apply}.
     *
     * @return why that takes a restart; empty when it does not
     */
    default Optional<String> migrate(NetworkConfig newer) {
        return Optional.of("only tunnels in user space can migrate");
    }

    /** The part of the reached peers that the primary tunnel sends to, 0 to 1; less than 1 during a migration. Any thread. */
    default double migrated() {
        return 1;
    }

    /** What our lease has to say from now on; empty where that stays as it was prepared. Changes with {@link #apply}. */
    default Optional<LeaseAttributes> announcement() {
        return Optional.empty();
    }

    /** Our own packet paths and their counters: none where others carry packets, or one for each family. */
    default List<Datapath> datapaths() {
        return List.of();
    }

    /** How super-packets leave by each of our packet paths, human-readable; none where others carry packets. Any thread. */
    default List<String> superPackets() {
        return List.of();
    }

    /** What can be tested of its packet paths; none where others carry packets. */
    default List<TestedPath> testedPaths() {
        return List.of();
    }

    /** The peers of the last {@link #apply} whose packets the kernel carries, past any data path of ours. */
    default List<KernelPath> kernelPaths() {
        return List.of();
    }

    /** What its packet paths did, those that it has closed among them; grows only. */
    default List<TrafficCounters> counters() {
        return datapaths().stream().map(Datapath::counters).toList();
    }

    /** Ends. What the kernel carries by itself, {@link Prepared#routedLinks}, stays in force until it is removed. */
    @Override
    void close();
}
