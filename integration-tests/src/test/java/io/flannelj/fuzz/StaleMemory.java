package io.flannelj.fuzz;

import io.flannelj.device.Iovecs;
import io.flannelj.device.ReceiveVector;
import io.flannelj.device.SendVector;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/**
 * Fills the memory that a packet is about to be read into, and some behind it, with one byte: what earlier packets left there
 * must not matter. A reader that looks behind its packet behaves differently with different bytes.
 */
final class StaleMemory {
    private static final int BYTES = 10 * 1024; // more than an input is long

    private final TunQueue tun;
    private final UnderlaySocket socket;
    private final byte[] stale = new byte[BYTES];

    StaleMemory(TunQueue tun, UnderlaySocket socket) {
        this.tun = tun;
        this.socket = socket;
    }

    void fillWith(byte value) {
        Arrays.fill(stale, value);
    }

    private void fill(ByteBuf memory, int from, int bytes) {
        memory.setBytes(from, stale, 0, Math.min(Math.min(stale.length, bytes), memory.capacity() - from));
    }

    TunQueue tun() {
        return new TunQueue() {
            @Override
            public int fd() {
                return tun.fd();
            }

            @Override
            public int read(ByteBuf into, int offset, int room) {
                fill(into, offset, room);
                return tun.read(into, offset, room);
            }

            @Override
            public int write(Iovecs packet) {
                return tun.write(packet);
            }

            @Override
            public void close() {
                tun.close();
            }
        };
    }

    UnderlaySocket socket() {
        return new UnderlaySocket() {
            @Override
            public int fd() {
                return socket.fd();
            }

            @Override
            public IpFamily family() {
                return socket.family();
            }

            @Override
            public int send(SendVector messages, int from, int count) {
                return socket.send(messages, from, count);
            }

            @Override
            public int receive(ReceiveVector slots) {
                for (int slot = 0; slot < InboundFuzz.MAX_MESSAGES; slot++) {
                    fill(slots.data(), slots.offset(slot), BYTES);
                }
                return socket.receive(slots);
            }

            @Override
            public void close() {
                socket.close();
            }
        };
    }
}
