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
import java.util.function.Consumer;

/** One way to carry pod traffic between nodes. Chosen by name. */
public interface BackendProvider {
    /** The {@code Backend.Type} value in the network config, lower case, e.g. {@code "vxlan"}. */
    String type();

    /**
     * Whether this would be one tunnel, which can stand beside tunnels of other kinds. Asking has no effect: nothing is made,
     * written or run.
     *
     * @throws IOException when the kernel cannot be asked
     */
    default boolean isTunnel(NetworkConfig config) throws IOException {
        return false;
    }

    /**
     * Makes what must exist before a lease can be asked for: keys, a VTEP's MAC.
     *
     * @throws IOException when the host refuses; names the device or file, and the remedy
     */
    Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException;

    /** Prepared but not carrying traffic. The types make the order of steps impossible to get wrong. */
    interface Prepared {
        /** What our lease tells the peers. */
        LeaseAttributes attributes();

        /**
         * Starts to carry traffic for the leased subnets, to no peer yet.
         *
         * @param onLost told once, on any thread, what the backend has lost and cannot bring back by itself; it must be
         *     closed and started anew
         * @throws IOException when the host refuses; names the device and the remedy, and leaves nothing behind
         */
        Backend start(Lease own, Consumer<String> onLost) throws IOException;

        /** The one tunnel that this is, where it can stand beside tunnels of other kinds; empty where it cannot. */
        default Optional<Tunnel.Spec> tunnel() {
            return Optional.empty();
        }
    }

    /** Carries traffic until closed. Confined to the control thread. */
    interface Backend extends AutoCloseable {
        /** The interfaces that pod traffic to other nodes leaves by, the most important first; none when there are none. */
        List<String> deviceNames();

        /** Where tunnel packets of other nodes arrive on this one; none where no tunnel is ours. Any thread. */
        default List<TunnelEndpoint> endpoints() {
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
         * The peers of the last {@link #apply} that nothing is sent to, and why, with the remedy; for people. Any thread.
         */
        default Map<PodSubnets, String> unreachable() {
            return Map.of();
        }

        /** Our own packet paths and their counters: none where others carry packets, or one for each family. */
        default List<Datapath> datapaths() {
            return List.of();
        }

        /** What its packet paths did, those that it has closed among them; grows only. */
        default List<TrafficCounters> counters() {
            return datapaths().stream().map(Datapath::counters).toList();
        }

        /** Leaves the host as it was found. */
        @Override
        void close();

        /** Ends instead of {@link #close}, and leaves in force what the kernel carries by itself; the next start takes it over. */
        default void leave() {
            close();
        }
    }
}
