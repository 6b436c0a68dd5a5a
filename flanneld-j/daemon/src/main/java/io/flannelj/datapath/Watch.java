package io.flannelj.datapath;

import java.util.List;
import java.util.function.Consumer;

/**
 * Copies of a data path's packets, for one who watches. Read and closed by one thread; until it is closed each packet that is
 * wanted is copied once.
 */
public final class Watch implements AutoCloseable {
    private final List<WatchRing> rings;
    private final Consumer<Watch> onClose;

    Watch(List<WatchRing> rings, Consumer<Watch> onClose) {
        this.rings = List.copyOf(rings);
        this.onClose = onClose;
    }

    /** The ring of each worker. */
    WatchRing ring(int worker) {
        return rings.get(worker);
    }

    /**
     * Hands over copies that wait; those of one worker in their order.
     *
     * @param most at most so many of each worker
     * @return how many there were
     */
    public int poll(int most, Consumer<PacketCopy> to) {
        int polled = 0;
        for (WatchRing ring : rings) {
            for (int i = 0; i < most; i++) {
                PacketCopy copy = ring.poll();
                if (copy == null) {
                    break;
                }
                to.accept(copy);
                polled++;
            }
        }
        return polled;
    }

    /** Packets that were wanted and for which there was no room. */
    public long lost() {
        return rings.stream().mapToLong(WatchRing::lost).sum();
    }

    /** Packets that were wanted and were more than the filter's limit. */
    public long leftOut() {
        return rings.stream().mapToLong(WatchRing::leftOut).sum();
    }

    @Override
    public void close() {
        onClose.accept(this);
    }
}
