package io.flannelj.datapath;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * What stands between the outer UDP header and the inner IP packet. Stateless, allocation-free, and safe for any number
 * of workers.
 */
public interface Encapsulator {
    /** Bytes in front of each inner packet, the outer UDP header not counted. */
    int headerBytes();

    /** Bytes in front of the inner packet of a datagram that passed {@link #check}; with what others put there. */
    default int headerBytes(ByteBuf datagram, int offset) {
        return headerBytes();
    }

    /** Whether the tunnel is a hop of its own that takes one off the inner time to live at each end. */
    boolean isHop();

    /**
     * Writes the header for {@code peer} into the {@link #headerBytes()} bytes that begin at {@code offset}; the inner
     * IP packet stands right behind them.
     */
    void wrap(ByteBuf packet, int offset, Peer peer);

    /**
     * Checks the header of a datagram that begins at {@code offset}.
     *
     * @param length bytes of the whole datagram
     * @return null when an inner IP packet stands behind {@link #headerBytes(ByteBuf, int)} bytes, else why not
     */
    @Nullable
    DropReason check(ByteBuf datagram, int offset, int length);
}
