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
import java.nio.file.Path;
import java.time.Clock;
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
     * Whether this would be a tunnel that can be open beside tunnels of other types, so that a network migrates from one to
     * another while packets flow. Asking has no effect: nothing is made, written or run.
     *
     * @throws IOException when the kernel cannot be asked
     */
    default boolean canMigrate(NetworkConfig config) throws IOException {
        return false;
    }

    /**
     * Makes what must exist before a lease can be asked for: keys, a VTEP's MAC.
     *
     * @throws IOException when the host refuses; names the device or file, and the remedy
     */
    Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException;

    /**
     * Prepared but not carrying traffic: a tunnel through a data path of ours, or something else. The types make the order of
     * steps impossible to get wrong.
     */
    sealed interface Prepared permits TunnelSpec, PreparedBackend {
        /** What our lease tells the peers. */
        LeaseAttributes attributes();

        /**
         * The interfaces that routes to other nodes lead through: the uplink, and tunnel devices of the kernel's, which may
         * be there from an earlier run and be used again. None where somebody else makes the routes.
         */
        List<String> routedLinks();

        /**
         * Starts to carry traffic for the leased subnets, to no peer yet.
         *
         * @param onLost told once, on any thread, what the backend has lost and cannot bring back by itself; it must be closed
         *     and started anew
         * @throws IOException when the host refuses; names the device and the remedy, and leaves nothing behind
         */
        Backend start(Lease own, Context context, Consumer<String> onLost) throws IOException;
    }

    /** What carries packets without a data path of ours. */
    record PreparedBackend(LeaseAttributes attributes, List<String> routedLinks, Starter starter) implements Prepared {
        @Override
        public Backend start(Lease own, Context context, Consumer<String> onLost) throws IOException {
            return starter.start(own, onLost);
        }
    }

    /** How a {@link PreparedBackend} starts; see {@link Prepared#start}. */
    interface Starter {
        /** Starts it. */
        Backend start(Lease own, Consumer<String> onLost) throws IOException;
    }

    /**
     * What the daemon gives to every backend that starts.
     *
     * @param backends all that this daemon has
     * @param stateDirectory for what is to be kept over restarts
     */
    record Context(BackendRegistry backends, Clock clock, Path stateDirectory) {}

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

        /** What its packet paths did, those that it has closed among them; grows only. */
        default List<TrafficCounters> counters() {
            return datapaths().stream().map(Datapath::counters).toList();
        }

        /** Ends. What the kernel carries by itself, {@link Prepared#routedLinks}, stays in force until it is removed. */
        @Override
        void close();
    }
}
