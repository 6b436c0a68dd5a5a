package io.flannelj.datapath;

import io.flannelj.device.Iovecs;
import io.flannelj.device.TunQueue;
import io.flannelj.packet.IcmpError;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * ICMP errors to pods whose packets do not go on, as many as {@link ErrorBudget} allows.
 *
 * <p>Owned by one worker. Never allocates after construction.
 */
final class PodErrors implements AutoCloseable {
    private final TunQueue tun;
    private final TunnelEnd end;
    private final Counters counters;
    private final IcmpError icmp;
    private final ByteBuf error;
    private final Iovecs parts;
    private final ErrorBudget budget = new ErrorBudget(System.nanoTime());

    PodErrors(ByteBufAllocator allocator, TunQueue tun, TunnelEnd end, Counters counters) {
        this.tun = tun;
        this.end = end;
        this.counters = counters;
        this.icmp = IcmpError.of(end.subnet().family());
        this.error = allocator.directBuffer(VirtioNetHeader.BYTES + IcmpError.MAX_BYTES);
        this.parts = new Iovecs(allocator, 1);
    }

    /**
     * Tells the sender that a packet does not go on.
     *
     * @param mtuBytes of the way, where the packet is too big
     * @return whether the sender is told
     */
    boolean answer(IcmpError.Reason reason, int mtuBytes, ByteBuf packet, int at, int length) {
        if (!icmp.mayAnswer(packet, at, length, reason) || !budget.take(System.nanoTime())) {
            return false;
        }
        int bytes = icmp.write(error, VirtioNetHeader.BYTES, reason, mtuBytes, end.address(), packet, at, length);
        VirtioNetHeader.writePlain(error, 0);
        parts.clear();
        parts.add(error.memoryAddress(), VirtioNetHeader.BYTES + bytes);
        boolean written = tun.write(parts) == 0;
        if (written) {
            counters.add(Counter.ICMP_ERRORS, 1);
        }
        return written;
    }

    @Override
    public void close() {
        error.release();
        parts.close();
    }
}
