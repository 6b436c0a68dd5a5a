package io.flannelj.lease.etcd;

import io.flannelj.lease.Refusal;
import io.flannelj.lease.Refusal.Reason;
import io.flannelj.lease.StoredLease;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which leases are kept in memory: the oldest, so many and no more, of those with long values so many bytes, and those that this
 * process has written itself. Whoever may write the store could otherwise fill the memory of every node, or push out older leases
 * by keys that sort before theirs. What is left out comes in by a later listing, once older ones are gone. For several threads.
 */
final class OldestLeases {
    /**
     * More than the largest cluster has nodes, and little enough for the memory that the daemon is started with: of a lease it has
     * about four kilobytes for each family, in the data path, the probes, the events and what is saved, and more while it saves them.
     */
    static final int MOST = 1 << 13;

    /**
     * What all values longer than {@link #USUAL_VALUE} may have together, in bytes, each weighed by {@link LeaseDecoder#weight}: once read,
     * they take five times as much memory. Leases of ordinary weight are not counted, however many there are.
     */
    static final int MOST_LONG_VALUES = 4 << 20;

    static final int USUAL_VALUE = 256;

    private static final Comparator<Kept> OLDEST_FIRST = Comparator.comparingLong(
                    (Kept kept) -> kept.lease.lease().origin().created())
            .thenComparing(kept -> kept.lease.lease().origin().key());

    private final String prefix;
    private final Set<String> own = new HashSet<>();
    /** By key, the weight of its value, or 0 where that is ordinary. */
    private Map<String, Integer> kept = new HashMap<>();

    private int longBytes;
    private boolean leavesOutLeases;
    private boolean leavesOutLongOnes;

    private record Kept(StoredLease lease, int longBytes) {}

    /** @param prefix what keys of leases begin with, human-readable */
    OldestLeases(String prefix) {
        this.prefix = prefix;
    }

    /** This process is about to write that lease. */
    synchronized void write(String key) {
        own.add(key);
    }

    /**
     * A lease was written, at this moment or later than all others; whether it is kept.
     *
     * @param valueBytes weight of its value
     */
    synchronized boolean take(String key, int valueBytes) {
        int bytes = countedBytes(valueBytes);
        if (own.contains(key)) {
            forget(key);
            kept.put(key, 0);
            return true;
        }
        int before = kept.getOrDefault(key, 0);
        boolean hasRoom = kept.containsKey(key) || kept.size() < MOST;
        boolean fits = bytes <= before || longBytes - before + bytes <= MOST_LONG_VALUES;
        leavesOutLeases |= !hasRoom;
        leavesOutLongOnes |= hasRoom && !fits;
        forget(key);
        if (!hasRoom || !fits) {
            return false;
        }
        kept.put(key, bytes);
        longBytes += bytes;
        return true;
    }

    /** A lease is gone. */
    synchronized void forget(String key) {
        Integer bytes = kept.remove(key);
        longBytes -= bytes == null ? 0 : bytes;
    }

    /** What is to be said of those that are left out; empty when none is. */
    synchronized List<Refusal> objections() {
        List<Refusal> objections = new ArrayList<>();
        if (leavesOutLeases) {
            objections.add(refusal("there are more than " + MOST + " leases, and the newest are left out"));
        }
        if (leavesOutLongOnes) {
            objections.add(refusal("the leases whose values have more than " + USUAL_VALUE
                    + " bytes, or as many parts as take more memory than such, have too many together, and the newest of"
                    + " them are left out"));
        }
        return objections;
    }

    private Refusal refusal(String problem) {
        return new Refusal(prefix, null, Reason.TOO_MANY, problem + "; delete those that no node has written");
    }

    /** For another thread that lists, too. */
    synchronized OldestLeases copy() {
        OldestLeases copy = new OldestLeases(prefix);
        copy.own.addAll(own);
        return copy;
    }

    /** Begins to read all that there are. */
    Listing list() {
        return new Listing();
    }

    private synchronized boolean isOwn(String key) {
        return own.contains(key);
    }

    private synchronized void replace(Map<String, Integer> all, boolean withoutLeases, boolean withoutLongOnes) {
        kept = all;
        longBytes = all.values().stream().mapToInt(Integer::intValue).sum();
        leavesOutLeases = withoutLeases;
        leavesOutLongOnes = withoutLongOnes;
    }

    private static int countedBytes(int valueBytes) {
        return valueBytes > USUAL_VALUE ? valueBytes : 0;
    }

    /** All leases at one moment, of which the oldest are kept. Confined to one thread. */
    final class Listing {
        private final TreeSet<Kept> oldest = new TreeSet<>(OLDEST_FIRST);
        private final TreeSet<Kept> longOnes = new TreeSet<>(OLDEST_FIRST);
        private final List<StoredLease> ours = new ArrayList<>();
        private int bytes;
        private boolean leavesOutLeases;
        private boolean leavesOutLongOnes;

        /** @param valueBytes weight of its value */
        void add(StoredLease lease, int valueBytes) {
            if (isOwn(lease.lease().origin().key())) {
                ours.add(lease);
                return;
            }
            Kept added = new Kept(lease, countedBytes(valueBytes));
            oldest.add(added);
            if (added.longBytes > 0) {
                longOnes.add(added);
                bytes += added.longBytes;
            }
            while (bytes > MOST_LONG_VALUES) {
                remove(longOnes.last());
                leavesOutLongOnes = true;
            }
            if (oldest.size() > MOST) {
                remove(oldest.last());
                leavesOutLeases = true;
            }
        }

        private void remove(Kept newest) {
            oldest.remove(newest);
            if (longOnes.remove(newest)) {
                bytes -= newest.longBytes;
            }
        }

        /** There are no more. */
        List<StoredLease> end() {
            Map<String, Integer> all = new HashMap<>();
            oldest.forEach(one -> all.put(one.lease.lease().origin().key(), one.longBytes));
            ours.forEach(lease -> all.put(lease.lease().origin().key(), 0));
            replace(all, leavesOutLeases, leavesOutLongOnes);
            List<StoredLease> leases = new ArrayList<>(ours);
            oldest.forEach(one -> leases.add(one.lease));
            leases.sort(Comparator.comparing(lease -> lease.lease().origin().key()));
            return leases;
        }
    }
}
