package io.flannelj.datapath;

import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Peers by IPv6 prefixes of one length: open addressing, half full at most, 128-bit keys as pairs of longs. Immutable
 * once built; a lookup allocates nothing.
 */
final class Ipv6Prefixes {
    private final long highMask;
    private final long lowMask;
    private final int slotShift;
    private final long[] keys;
    private final @Nullable Peer[] values;

    /**
     * @param length prefix length in bits
     * @param high how the upper half of a peer's key is read
     * @param low the same for the lower half
     */
    Ipv6Prefixes(int length, List<Peer> peers, ToLongFunction<Peer> high, ToLongFunction<Peer> low) {
        this.highMask = highMask(length);
        this.lowMask = lowMask(length);
        int bits = Math.max(1, 33 - Integer.numberOfLeadingZeros(Math.max(1, peers.size())));
        this.slotShift = 64 - bits;
        this.keys = new long[2 << bits];
        this.values = new Peer[1 << bits];
        for (Peer peer : peers) {
            put(high.applyAsLong(peer), low.applyAsLong(peer), peer);
        }
    }

    static long highMask(int length) {
        return length == 0 ? 0 : length >= 64 ? -1L : -1L << (64 - length);
    }

    static long lowMask(int length) {
        return length <= 64 ? 0 : -1L << (128 - length);
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

    private void put(long high, long low, Peer peer) {
        int slot = slot(high, low);
        while (values[slot] != null && !(keys[2 * slot] == high && keys[2 * slot + 1] == low)) {
            slot = slot + 1 & values.length - 1;
        }
        keys[2 * slot] = high;
        keys[2 * slot + 1] = low;
        values[slot] = peer;
    }

    /** Prefixes differ in their last bits, which may stand anywhere; multiplying and folding moves them to the top. */
    private int slot(long high, long low) {
        long mixed = (high ^ high >>> 32) * 0x9e37_79b9_7f4a_7c15L + (low ^ low >>> 32);
        return (int) ((mixed ^ mixed >>> 29) * 0xbf58_476d_1ce4_e5b9L >>> slotShift);
    }
}
