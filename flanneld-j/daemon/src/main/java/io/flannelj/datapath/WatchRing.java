package io.flannelj.datapath;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.netty.util.internal.PlatformDependent;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Copies of packets on their way from one worker to somebody who watches: a ring of bytes with one writer and one reader. The
 * writer never waits: a packet for which there is no room, or which is above the limit, is counted and left out.
 *
 * <p>A copy lies in one piece, at a multiple of eight bytes, its size in front; a negative size sends the reader to the ring's
 * begin.
 */
final class WatchRing {
    /** Of one packet: the longest super-packet, and a tunnel's header. */
    static final int MOST_KEPT_BYTES = 65_536 + 256;

    private static final int SIZE_BYTES = 8;
    private static final int SKIP = -1;
    /** Enough for the headers that the filter looks at. */
    private static final int LOOKED_AT_BYTES = 256;

    private final WatchFilter filter;
    private final InnerFilter inner;
    private final IpFamily underlay;
    private final int points;
    private final byte[] memory;
    private final ByteBuffer view;
    private final long intervalNanos;
    private final AtomicLong written = new AtomicLong();
    private final AtomicLong read = new AtomicLong();
    private final AtomicLong lost = new AtomicLong();
    private final AtomicLong leftOut = new AtomicLong();

    private long earliest;
    private int open;
    private int wanted;
    private int used;
    private long opensAt;
    private boolean isJudged;
    private boolean isWanted;

    /**
     * @param underlay family of the peers' addresses
     * @param bytes of the ring, a power of two
     * @param now by {@link System#nanoTime}
     */
    WatchRing(WatchFilter filter, IpFamily underlay, int bytes, long now) {
        this.filter = filter;
        this.inner = new InnerFilter(filter);
        this.underlay = underlay;
        this.points = filter.points().stream().mapToInt(TracePoint::bit).reduce(0, (a, b) -> a | b);
        this.memory = new byte[bytes];
        this.view = ByteBuffer.wrap(memory);
        this.intervalNanos = filter.perSecond() == 0 ? 0 : 1_000_000_000L / filter.perSecond();
        this.earliest = now;
    }

    boolean watches(TracePoint point) {
        return (points & point.bit()) != 0;
    }

    /** Begins a copy, if it is wanted as far as that is known; then parts are added, and it is completed. */
    boolean begin(TraceContext context, long dropsSoFar, long nowNanos) {
        if (!watches(context.point) || !isOfPeer(context)) {
            return false;
        }
        wanted = Math.min(Math.min(context.bytes, filter.keptBytes()), MOST_KEPT_BYTES);
        int size = SIZE_BYTES + CopyLayout.HEADER_BYTES + wanted + 7 & ~7;
        long from = written.getPlain();
        int at = (int) (from & memory.length - 1);
        int skipped = memory.length - at < size ? memory.length - at : 0;
        if (from + skipped + size - read.getAcquire() > memory.length) {
            isWanted = false;
            open = -1;
        } else {
            if (skipped > 0) {
                view.putInt(at, SKIP);
                at = 0;
            }
            open = at;
            opensAt = from + skipped;
            view.putInt(at, size);
            CopyLayout.write(view, at + SIZE_BYTES, nowNanos, context, dropsSoFar, wanted);
        }
        used = 0;
        isJudged = inner.takesAll();
        isWanted = true;
        return true;
    }

    private boolean isOfPeer(TraceContext context) {
        IpAddress peer = filter.peer();
        return peer == null
                || context.hasPeer && context.peerHigh == peer.highBits() && context.peerLow == peer.lowBits();
    }

    /** Adds a part of the packet, by its address in memory. */
    void add(long address, int bytes, int innerAt) {
        if (open < 0) {
            return;
        }
        int rest = Math.min(bytes, wanted - used);
        long from = address;
        if (!isJudged && used < LOOKED_AT_BYTES) {
            int looked = Math.min(rest, LOOKED_AT_BYTES - used);
            copy(from, looked);
            from += looked;
            rest -= looked;
            judge(innerAt, false);
        }
        if (isWanted && rest > 0) {
            copy(from, rest);
        }
    }

    private void copy(long address, int bytes) {
        if (bytes > 0) {
            PlatformDependent.copyMemory(address, memory, dataAt() + used, bytes);
            used += bytes;
        }
    }

    private int dataAt() {
        return open + SIZE_BYTES + CopyLayout.HEADER_BYTES;
    }

    private void judge(int innerAt, boolean isWhole) {
        int known = used - Math.max(0, innerAt);
        if (isWhole || known >= InnerFilter.HEADER_BYTES) {
            isWanted = inner.takes(view, dataAt() + Math.max(0, innerAt), known);
            isJudged = true;
        }
    }

    /** Shows the copy to the reader, or forgets it where it is not wanted. */
    void complete(int innerAt, long nowNanos) {
        if (open < 0) {
            lost.setOpaque(lost.getPlain() + 1);
            return;
        }
        if (!isJudged) {
            judge(innerAt, true);
        }
        if (!isWanted) {
            return;
        }
        if (intervalNanos > 0 && earliest - nowNanos > 100 * intervalNanos) {
            leftOut.setOpaque(leftOut.getPlain() + 1);
            return;
        }
        earliest = Math.max(earliest, nowNanos) + intervalNanos;
        written.setRelease(opensAt + view.getInt(open));
    }

    /** The next copy; null where there is none. From one thread, the reader's. */
    @Nullable
    PacketCopy poll() {
        long at = read.getPlain();
        if (at == written.getAcquire()) {
            return null;
        }
        int index = (int) (at & memory.length - 1);
        int size = view.getInt(index);
        if (size == SKIP) {
            at += memory.length - index;
            index = 0;
            size = view.getInt(0);
        }
        PacketCopy copy = CopyLayout.read(view, index + SIZE_BYTES, underlay);
        read.setRelease(at + size);
        return copy;
    }

    /** Packets for which there was no room. */
    long lost() {
        return lost.getOpaque();
    }

    /** Packets above the filter's limit. */
    long leftOut() {
        return leftOut.getOpaque();
    }
}
