package io.flannelj.lease;

import io.flannelj.config.NetworkConfig;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The store of network config and leases, under flannel's name for it. Every write is a compare-and-swap: it changes
 * nothing unless the store still holds what the caller last saw.
 *
 * <p>Calls block, for a bounded time, and may be made from any thread; never from the control thread.
 */
public interface SubnetManager extends AutoCloseable {
    /** Where the store is, human-readable. */
    String location();

    /**
     * The network config document; empty when nobody has written it yet.
     *
     * @throws StoreException when the store does not answer
     */
    Optional<String> fetchNetworkConfig() throws StoreException;

    /** Why this store cannot hold leases of such a network; empty when it can. */
    default Optional<String> objectionTo(NetworkConfig config) {
        return Optional.empty();
    }

    /** Where the network config is looked for, human-readable. */
    String configLocation();

    /** How to write a network config there, where there is none: one command with an example, or one clause. */
    default String configRemedy() {
        return "write one";
    }

    /**
     * Every live lease, at one moment.
     *
     * @param leases all that could be read; see {@link #unreadable} for the others
     * @param revision of the store at that moment
     */
    record Listing(List<StoredLease> leases, long revision) {
        public Listing {
            leases = List.copyOf(leases);
        }
    }

    Listing list() throws StoreException;

    /** The leases alone. Leaves {@link #unreadable} to whoever lists and watches meanwhile: this listing may be older. */
    default List<StoredLease> leases() throws StoreException {
        return list().leases();
    }

    /** What stands among the leases and cannot be read, by the last {@link #list} and the watch since. */
    default List<Refusal> unreadable() {
        return List.of();
    }

    /** How long a lease lasts unless renewed; empty for a reservation, or where the store does not say. */
    default Optional<Duration> remaining(StoredLease lease) throws StoreException {
        return Optional.empty();
    }

    /**
     * By how many revisions the watch is behind the newest that any answer of the store has shown. A watch without changes is
     * only known to be up to date when it was asked last ({@link Watch#requestProgress}), so that it may lag for as long though
     * it has missed nothing.
     *
     * @return empty before the first {@link #list}, and where the store's versions cannot be subtracted, as in Kubernetes
     */
    default OptionalLong lagRevisions() {
        return OptionalLong.empty();
    }

    /** How long a watch may run before everything is listed again, in case it went deaf without noticing. */
    default Duration relistAfter() {
        return Duration.ofMinutes(5);
    }

    /** What the store knows of this node already; nothing where nodes are known by their leases only. */
    default NodeNotes notes() throws StoreException {
        return NodeNotes.NONE;
    }

    /**
     * The subnets that the store gives this node; empty where nodes choose for themselves. Where they are given,
     * {@link #create} writes what the node says of itself, as often as it is called, and is never outrun.
     *
     * @throws UnassignedException while the store has none for this node
     */
    default Optional<PodSubnets> assigned(NetworkConfig config) throws StoreException {
        return Optional.empty();
    }

    /** Whether this store gives nodes their subnets; they choose for themselves otherwise. */
    default boolean assigns() {
        return false;
    }

    /**
     * This node has another way to the store: connections from an address or a device that is gone hear no answer any more, and
     * would be waited for until a call's time is over. They are given up; calls and watches that wait for them end.
     */
    default void reconnect() {}

    /** This node carries traffic now. Returns at once; a store that tells others so tries until it has. */
    default void onReady() {}

    /**
     * Claims subnets that nobody holds.
     *
     * @return the lease, or empty when somebody was faster
     */
    Optional<StoredLease> create(PodSubnets subnets, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException;

    /**
     * Rewrites a lease, with a fresh time to live unless it is a reservation.
     *
     * @return the lease, or empty when it is gone or was changed meanwhile
     */
    Optional<StoredLease> update(StoredLease known, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException;

    /**
     * Claims subnets for good, for whoever has the public address that {@code attributes} name.
     *
     * @param known the lease that stands there already and shall never end; null when nothing does
     * @return the reservation, or empty when somebody was faster
     * @throws StoreException also where the store knows no reservations
     */
    default Optional<StoredLease> reserve(PodSubnets subnets, LeaseAttributes attributes, @Nullable StoredLease known)
            throws StoreException {
        throw new StoreException(location() + " knows no reservations");
    }

    /**
     * Gives a lease up.
     *
     * @return false when it is gone or was changed meanwhile
     */
    boolean delete(StoredLease known) throws StoreException;

    /**
     * Follows changes.
     *
     * @param fromRevision first revision to be told of
     * @param onEvent told of each change, in order, on a thread of the store's
     * @param onEnd told once when the watch is over for any reason; what it missed is unknown then
     */
    Watch watch(long fromRevision, Consumer<LeaseEvent> onEvent, Consumer<String> onEnd) throws StoreException;

    /** A running watch. */
    interface Watch extends AutoCloseable {
        /**
         * Asks for a {@link LeaseEvent.Progress}, where the store does not send it often by itself.
         *
         * @return whether an answer is to be expected: a watch that stays silent then has been lost
         */
        default boolean requestProgress() {
            return false;
        }

        @Override
        void close();
    }

    @Override
    void close();
}
