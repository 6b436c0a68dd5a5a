package io.flannelj.datapath;

import io.flannelj.device.TunQueue;
import io.flannelj.device.UdpPort;
import io.netty.buffer.ByteBufAllocator;
import java.util.function.Consumer;

/**
 * One event loop's share of the traffic: a TUN queue, a UDP port, and both ways between them. A packet never changes
 * threads. Readiness is level-triggered, so a wake-up may stop at its budget and be called again, and neither direction
 * starves the other.
 *
 * <p>Confined to its event loop, except for {@link #counters}.
 */
public final class Worker implements AutoCloseable {
    private static final int BATCHES_PER_WAKEUP = 4;

    private final Counters counters = new Counters();
    private final Outbound outbound;
    private final Inbound inbound;
    private volatile RouteTable routes = RouteTable.EMPTY;

    /**
     * @param onSegmentationRefused told once for each peer on whose path the kernel refuses UDP segmentation
     */
    public Worker(
            ByteBufAllocator allocator,
            TunQueue tun,
            UdpPort port,
            TunnelEnd end,
            Consumer<Peer> onSegmentationRefused) {
        this.outbound = new Outbound(allocator, tun, port, end, counters, onSegmentationRefused);
        this.inbound = new Inbound(allocator, tun, port, end, counters);
    }

    /** Takes a new table; from any thread. */
    void route(RouteTable table) {
        routes = table;
    }

    /**
     * The TUN queue has packets.
     *
     * @return the errno with which it refused to be read, or 0
     */
    public int onTunReadable() {
        RouteTable table = routes;
        for (int i = 0; i < BATCHES_PER_WAKEUP; i++) {
            if (!outbound.pump(table)) {
                return outbound.readErrno();
            }
        }
        return 0;
    }

    /** The UDP port has datagrams. */
    public void onPortReadable() {
        RouteTable table = routes;
        for (int i = 0; i < BATCHES_PER_WAKEUP; i++) {
            if (!inbound.pump(table)) {
                return;
            }
        }
    }

    public Counters counters() {
        return counters;
    }

    @Override
    public void close() {
        outbound.close();
        inbound.close();
    }
}
