package io.flannelj.datapath;

import io.flannelj.net.IpFamily;
import io.netty.util.internal.PlatformDependent;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The last packets that a worker dropped, each with its beginning: always on. Every reason has slots of its own and a limit of
 * its own, so that a flood of one reason displaces neither the others nor, for at least a minute, what was kept of itself.
 *
 * <p>One writer, the worker, which never waits and never allocates. Anybody may read: each slot has a sequence number, odd
 * while it is being written, by which a reader knows that what it copied was whole (a seqlock).
 */
@SuppressWarnings("EnumOrdinal") // an index into this process's own memory, never stored or sent
final class DropRing {
    /** Copies of each reason. */
    static final int SLOTS = 64;

    /** Copies of one reason at once; afterwards one each {@link #REFILL_NANOS}. */
    static final int BURST = 32;

    /** With {@link #BURST}, fewer in a minute than {@link #SLOTS}. */
    static final long REFILL_NANOS = 2_000_000_000L;

    /** Of a packet, its tunnel's header included. */
    static final int KEPT_BYTES = 192;

    private static final int SLOT_BYTES = CopyLayout.HEADER_BYTES + KEPT_BYTES;
    private static final int REASONS = DropReason.values().length;

    private final byte[] memory = new byte[REASONS * SLOTS * SLOT_BYTES];
    private final ByteBuffer view = ByteBuffer.wrap(memory);
    private final AtomicLongArray sequences = new AtomicLongArray(REASONS * SLOTS);
    private final long[] earliest = new long[REASONS];
    private final int[] next = new int[REASONS];
    private int open = -1;
    private int used;

    /** @param now by {@link System#nanoTime} */
    DropRing(long now) {
        for (int reason = 0; reason < REASONS; reason++) {
            earliest[reason] = now;
        }
    }

    /**
     * Begins a copy, if the reason's limit allows one; then its parts are added, and it is completed.
     *
     * @param dropsSoFar packets dropped for this reason, this one included
     */
    boolean begin(DropReason reason, TraceContext context, long dropsSoFar, long nowNanos) {
        int row = reason.ordinal();
        long due = Math.max(0, earliest[row] - nowNanos);
        if (due > (BURST - 1) * REFILL_NANOS) {
            return false;
        }
        earliest[row] = nowNanos + due + REFILL_NANOS;
        open = row * SLOTS + next[row];
        next[row] = (next[row] + 1) % SLOTS;
        used = 0;
        sequences.setOpaque(open, sequences.getPlain(open) + 1);
        VarHandle.storeStoreFence();
        int kept = Math.min(context.bytes, KEPT_BYTES);
        CopyLayout.write(view, open * SLOT_BYTES, nowNanos, context, dropsSoFar, kept);
        return true;
    }

    /** Adds a part of the packet, by its address in memory; what is beyond {@link #KEPT_BYTES} is left out. */
    void add(long address, int bytes) {
        int taken = Math.min(bytes, KEPT_BYTES - used);
        if (taken > 0) {
            int at = open * SLOT_BYTES + CopyLayout.HEADER_BYTES + used;
            PlatformDependent.copyMemory(address, memory, at, taken);
            used += taken;
        }
    }

    void complete() {
        sequences.setRelease(open, sequences.getPlain(open) + 1);
    }

    /** Whole copies, in no order. From any thread. */
    List<PacketCopy> read(IpFamily underlay) {
        List<PacketCopy> copies = new ArrayList<>();
        byte[] slot = new byte[SLOT_BYTES];
        ByteBuffer copy = ByteBuffer.wrap(slot);
        for (int i = 0; i < sequences.length(); i++) {
            long before = sequences.getAcquire(i);
            if (before == 0 || (before & 1) != 0) {
                continue;
            }
            System.arraycopy(memory, i * SLOT_BYTES, slot, 0, SLOT_BYTES);
            VarHandle.loadLoadFence();
            if (sequences.getOpaque(i) == before) {
                copies.add(CopyLayout.read(copy, 0, underlay));
            }
        }
        return copies;
    }
}
