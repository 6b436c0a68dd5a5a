package io.flannelj.datapath;

import io.flannelj.net.Cidr;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Peers by prefixes of one family and one length: open addressing, half full at most. An address is two longs, the upper one of
 * an IPv4 address 0. Immutable once built; a lookup allocates nothing.
 */
final class PrefixTable {
    private final long highMask;
    private final long lowMask;
    private final int slotShift;
    private final long[] keys;
    private final @Nullable Peer[] values;

    /**
     * @param peers one at least; of two with the same prefix the later one counts
     * @param prefix how a peer's prefix is read, which has the same length for all
     */
    PrefixTable(List<Peer> peers, Function<Peer, Cidr> prefix) {
        Cidr any = prefix.apply(peers.get(0));
        this.highMask = any.mask().highBits();
        this.lowMask = any.mask().lowBits();
        int bits = 33 - Integer.numberOfLeadingZeros(peers.size());
        this.slotShift = 64 - bits;
        this.keys = new long[2 << bits];
        this.values = new Peer[1 << bits];
        for (Peer peer : peers) {
            put(prefix.apply(peer), peer);
        }
    }

    @Nullable
    Peer get(long addressHigh, long addressLow) {
        long high = addressHigh & highMask;
        long low = addressLow & lowMask;
        int slot = slot(high, low);
        while (true) {
            Peer peer = values[slot];
            if (peer == null || keys[2 * slot] == high && keys[2 * slot + 1] == low) {
                return peer;
            }
            slot = slot + 1 & values.length - 1;
        }
    }

    private void put(Cidr prefix, Peer peer) {
        long high = prefix.address().highBits();
        long low = prefix.address().lowBits();
        int slot = slot(high, low);
        while (values[slot] != null && !(keys[2 * slot] == high && keys[2 * slot + 1] == low)) {
            slot = slot + 1 & values.length - 1;
        }
        keys[2 * slot] = high;
        keys[2 * slot + 1] = low;
        values[slot] = peer;
    }

    /** Fibonacci hashing, by the golden and the silver ratio: consecutive prefixes, the usual case, spread over the whole table. */
    private int slot(long high, long low) {
        long mixed = (low ^ low >>> 32) * 0x9e37_79b9_7f4a_7c15L + (high ^ high >>> 32) * 0x6a09_e667_f3bc_c909L;
        return (int) (mixed >>> slotShift);
    }
}
