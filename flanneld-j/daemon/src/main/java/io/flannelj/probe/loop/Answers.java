package io.flannelj.probe.loop;

import io.flannelj.device.ReceiveVector;
import io.flannelj.linux.EchoSocket;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.IcmpEcho;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;

/**
 * Receives the answers of one family, so many at a time and no more: a flood of them costs what it is worth. Confined to the
 * prober's thread.
 */
final class Answers implements AutoCloseable {
    private static final int SLOTS = 64;
    private static final int SLOT_BYTES = 128; // an IPv4 header with options, ICMP header and token
    private static final int READS = 8;

    private final IpFamily family;
    private final RoutedPings pings;
    private final EchoSocket socket;
    private final ReceiveVector slots;

    /** Takes answers. */
    interface Listener {
        /**
         * One came.
         *
         * @param arrivedAtNanos time of day; -1 where the kernel does not tell
         */
        void onAnswer(long token, IpAddress from, long arrivedAtNanos);
    }

    /**
     * Opens a socket for them.
     *
     * @param identifier of our pings
     */
    Answers(IpFamily family, int identifier) throws SyscallException {
        this.family = family;
        this.socket = EchoSocket.open(family, identifier);
        this.pings = new RoutedPings(family, identifier, socket);
        this.slots = new ReceiveVector(PooledByteBufAllocator.DEFAULT, family, SLOTS, SLOT_BYTES);
    }

    /** How pings are sent by the same socket. */
    RoutedPings pings() {
        return pings;
    }

    /** Passes on what waits. */
    void receive(Listener listener) {
        ByteBuf data = slots.data();
        for (int read = 0, received = SLOTS; read < READS && received == SLOTS; read++) {
            slots.clear();
            received = socket.recvmmsg(slots.address(), SLOTS);
            for (int slot = 0; slot < received; slot++) {
                int bytes = Math.min(slots.bytes(slot), SLOT_BYTES);
                int offset = slots.offset(slot);
                int message = IcmpEcho.messageAt(data, offset, family);
                if (IcmpEcho.hasToken(offset + bytes - message)) {
                    listener.onAnswer(IcmpEcho.token(data, message), slots.source(slot), slots.arrivedAtNanos(slot));
                }
            }
        }
    }

    @Override
    public void close() {
        pings.close();
        socket.close();
        slots.close();
    }
}
