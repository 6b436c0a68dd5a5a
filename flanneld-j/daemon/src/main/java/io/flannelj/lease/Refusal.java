package io.flannelj.lease;

import io.flannelj.net.PlainText;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A lease in the store that this node does not obey.
 *
 * @param key where it stands: a key of etcd, or a Kubernetes node; printable
 * @param lease what it says; null when it cannot be read
 * @param reason what kind of fault it has
 * @param problem the fault and its remedy, human-readable; printable
 */
public record Refusal(String key, @Nullable Lease lease, Reason reason, String problem) {
    private static final int LONGEST_KEY = 200;
    private static final int LONGEST_PROBLEM = 600;

    public Refusal {
        key = PlainText.shorten(PlainText.escape(key), LONGEST_KEY);
        problem = PlainText.shorten(PlainText.escape(problem), LONGEST_PROBLEM);
    }

    /** Of a lease that was read. */
    static Refusal of(Lease lease, Reason reason, String problem) {
        String key = lease.origin().key();
        return new Refusal(key.isEmpty() ? lease.subnets().toString() : key, lease, reason, problem);
    }

    /** Kinds of faults; each is a label of the metric. */
    public enum Reason {
        /** Key or value cannot be read. */
        UNREADABLE,
        /** Key or value is larger than any lease. */
        TOO_LARGE,
        /** There are more leases than are kept. */
        TOO_MANY,
        /** The subnet is not in the pod network. */
        OUTSIDE_NETWORK,
        /** The subnet is not of the length that the network config gives. */
        SUBNET_LENGTH,
        /** The subnet shares addresses with this node's own. */
        OVERLAPS_OWN,
        /** The subnet shares addresses with a network that this node is on. */
        OVERLAPS_HOST,
        /** The subnet shares addresses with an older lease. */
        OVERLAPS_OLDER,
        /** The public address is none that another node can have. */
        PUBLIC_ADDRESS,
        /** The MAC address of the tunnel's end is none that a node can have. */
        MAC,
        /** The network identifier is out of range, or another one than this network's. */
        VNI;

        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
