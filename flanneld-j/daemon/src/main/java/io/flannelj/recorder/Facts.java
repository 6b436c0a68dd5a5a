package io.flannelj.recorder;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a node knew and did at one moment.
 *
 * @param version of the daemon; empty while none ran
 * @param network pod networks and backend of the network config, human-readable
 * @param own this node's lease
 * @param peers leases of other nodes by their keys in the store, those that were not used among them
 * @param trouble what was wrong, human-readable; empty when nothing was
 */
public record Facts(String version, String network, Own own, SortedMap<String, Peer> peers, String trouble) {
    /** Before anything is known. */
    public static final Facts NONE = new Facts("", "", new Own("", Own.State.NONE, ""), new TreeMap<>(), "");

    /**
     * This node's lease.
     *
     * @param subnet what is leased; empty while nothing is
     * @param state whether it could be sent from
     * @param ends when it would end unless renewed, ISO 8601, or {@code never}
     */
    public record Own(String subnet, State state, String ends) {
        /** Whether this node could send from it. */
        public enum State {
            /** There was none. */
            NONE,
            /** It was this node's. */
            HELD,
            /** It had ended, and nothing was sent. */
            FENCED
        }
    }

    /**
     * A lease of another node.
     *
     * @param subnet what it says is leased; the key where that cannot be read
     * @param node where it says its tunnel ends
     * @param backend its type
     * @param problem why nothing was sent to it, with the remedy; empty when it was used
     */
    public record Peer(String subnet, String node, String backend, String problem) {
        public boolean isUsed() {
            return problem.isEmpty();
        }
    }

    public Facts {
        peers = Collections.unmodifiableSortedMap(new TreeMap<>(peers));
    }
}
