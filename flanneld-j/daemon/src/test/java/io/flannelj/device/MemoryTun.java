package io.flannelj.device;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A TUN queue without a kernel: packets to be read are put in, packets written are kept. */
public class MemoryTun implements TunQueue {
    private final Deque<byte[]> toRead = new ArrayDeque<>();
    private final List<byte[]> written = new ArrayList<>();
    private int refuseWritesWith;
    private int refuseReadsWith;

    /** Queues one packet, its virtio header first. */
    public void offer(byte[] packet) {
        toRead.add(packet);
    }

    /** Packets written so far, virtio header first. */
    public List<byte[]> written() {
        return written;
    }

    /** From now on writes fail with this errno; 0 ends it. */
    public void refuseWrites(int errno) {
        refuseWritesWith = errno;
    }

    /** From now on reads of an empty queue fail with this errno; 0 ends it. */
    public void refuseReads(int errno) {
        refuseReadsWith = errno;
    }

    @Override
    public int fd() {
        return -1;
    }

    @Override
    public int read(ByteBuf into, int offset, int room) {
        byte[] packet = toRead.poll();
        if (packet == null) {
            return -refuseReadsWith;
        }
        into.setBytes(offset, packet);
        return packet.length;
    }

    @Override
    public int write(Iovecs packet) {
        if (refuseWritesWith == 0) {
            byte[] bytes = new byte[packet.bytes()];
            int at = 0;
            for (int i = 0; i < packet.count(); i++) {
                at = Memory.copy(packet.partAddress(i), bytes, at, packet.length(i));
            }
            written.add(bytes);
        }
        return refuseWritesWith;
    }

    @Override
    public void close() {}
}
