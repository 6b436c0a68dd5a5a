package io.flannelj.datapath;

import io.flannelj.device.TunQueue;
import io.flannelj.device.UnderlaySocket;
import io.netty.buffer.ByteBufAllocator;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One event loop's share of the traffic: a TUN queue, a UDP socket, and both ways between them. A packet never changes
 * threads. Readiness is level-triggered, so a wake-up may stop at its budget and be called again, and neither direction
 * starves the other.
 *
 * <p>Going to sleep and being woken costs more than carrying a packet, and an answer often follows within microseconds;
 * so a worker that usually carries little at a time goes on asking for a short while before it returns to its event loop.
 * One that carries much sleeps at once: others need the processor, and what gathers meanwhile goes in one batch.
 *
 * <p>Confined to its event loop, except for {@link #counters}, {@link #trace} and {@link #route}.
 */
public final class Worker implements AutoCloseable {
    private static final int BATCHES_PER_WAKEUP = 16;
    private static final long SPARSE_BYTES = 1024;

    private final Counters counters;
    private final PacketTrace trace;
    private final Outbound outbound;
    private final Inbound inbound;
    private final Recorded recorded;
    private final long busyPollNanos;
    private long usualBytes;
    private volatile RouteTable routes = RouteTable.EMPTY;

    /** One whose packets all leave by the socket. */
    public Worker(
            ByteBufAllocator allocator,
            int queue,
            TunQueue tun,
            UnderlaySocket socket,
            TunnelEnd end,
            Consumer<Peer> onSegmentationRefused) {
        this(allocator, queue, tun, socket, end, onSegmentationRefused, null);
    }

    /**
     * @param queue number of this worker, from 0 on
     * @param onSegmentationRefused told once for each peer on whose path the kernel refuses UDP segmentation
     * @param tunnelSegmentation by which super-packets leave uncut; null where all leave by the socket
     */
    public Worker(
            ByteBufAllocator allocator,
            int queue,
            TunQueue tun,
            UnderlaySocket socket,
            TunnelEnd end,
            Consumer<Peer> onSegmentationRefused,
            @Nullable TunnelSegmentation tunnelSegmentation) {
        this.counters = new Counters(queue);
        this.recorded = new Recorded(counters);
        this.trace = new PacketTrace(counters, recorded, socket.family());
        this.outbound =
                new Outbound(allocator, tun, socket, end, counters, trace, onSegmentationRefused, tunnelSegmentation);
        this.inbound = new Inbound(allocator, tun, socket, end, counters, trace);
        this.busyPollNanos = end.busyPoll().toNanos();
    }

    /** Takes a new table; from any thread. */
    public void route(RouteTable table) {
        routes = table;
    }

    /**
     * Either descriptor is readable: carries traffic both ways until nothing waits, or the budget is used up.
     *
     * @return the errno with which the TUN device was lost for good, or 0
     */
    public int run() {
        RouteTable table = routes;
        long before = carriedBytes();
        int batches = 0;
        long idleSince = 0;
        while (batches < BATCHES_PER_WAKEUP) {
            trace.beginBatch();
            recorded.in.open();
            long begin = System.nanoTime();
            int received = inbound.pump(table);
            long middle = System.nanoTime();
            recorded.in.close(received);
            recorded.out.open();
            int read = outbound.pump(table);
            recorded.out.close(read);
            if (received > 0) {
                counters.add(Counter.IN_BUSY_NANOS, middle - begin);
            }
            if (read > 0) {
                counters.add(Counter.OUT_BUSY_NANOS, System.nanoTime() - middle);
            }
            if (received + read > 0) {
                batches++;
                idleSince = 0;
            } else if (busyPollNanos == 0
                    || usualBytes > SPARSE_BYTES
                    || outbound.refusals().isRefusing()) {
                break;
            } else if (idleSince == 0) {
                idleSince = System.nanoTime();
            } else if (System.nanoTime() - idleSince > busyPollNanos) {
                break;
            } else {
                Thread.onSpinWait();
            }
        }
        usualBytes += (carriedBytes() - before - usualBytes) / 8;
        return outbound.refusals().lostWith();
    }

    private long carriedBytes() {
        return counters.get(Counter.OUT_BYTES) + counters.get(Counter.IN_BYTES);
    }

    public Counters counters() {
        return counters;
    }

    /** What others may see of the packets. */
    PacketTrace trace() {
        return trace;
    }

    @Override
    public void close() {
        outbound.close();
        inbound.close();
    }
}
