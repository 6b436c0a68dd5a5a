package io.flannelj.bench;

import io.flannelj.device.Iovecs;
import io.flannelj.device.ReceiveVector;
import io.flannelj.device.SendVector;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/**
 * TUN queue and UDP socket in one, without a kernel: hands over the same packets each round and takes whatever comes out.
 *
 * <p>Payload is written where the data path wants it only the first time, for the kernel's copying is not what is measured;
 * headers, which the data path changes, are written each time. Never allocates after construction.
 */
final class PacketLoop implements TunQueue, UnderlaySocket {
    private static final int HEADER_BYTES = 128;

    private final ByteBuf[] fromPods;
    private final int[] writtenAt;
    private final ByteBuf fromWire;
    private final int segmentBytes;
    private final int wireSource;
    private int nextFromPods;
    private boolean received;
    private boolean payloadReceived;

    /**
     * @param fromPods packets behind their virtio headers
     * @param fromWire a run of datagrams of {@code segmentBytes} each; may be empty
     * @param wireSource the IPv4 address they come from
     */
    PacketLoop(ByteBuf[] fromPods, ByteBuf fromWire, int segmentBytes, int wireSource) {
        this.fromPods = fromPods.clone();
        this.writtenAt = new int[fromPods.length];
        Arrays.fill(writtenAt, -1);
        this.fromWire = fromWire;
        this.segmentBytes = segmentBytes;
        this.wireSource = wireSource;
        this.nextFromPods = fromPods.length;
        this.received = true;
    }

    /** The next round may begin. */
    void refill() {
        nextFromPods = 0;
        received = fromWire.readableBytes() == 0;
    }

    @Override
    public int fd() {
        return -1;
    }

    @Override
    public int read(ByteBuf into, int offset, int room) {
        if (nextFromPods == fromPods.length) {
            return 0;
        }
        int index = nextFromPods++;
        ByteBuf packet = fromPods[index];
        int length = packet.readableBytes();
        boolean there = writtenAt[index] == offset;
        writtenAt[index] = offset;
        into.setBytes(offset, packet, 0, there ? Math.min(HEADER_BYTES, length) : length);
        return length;
    }

    @Override
    public int write(Iovecs packet) {
        return 0;
    }

    @Override
    public IpFamily family() {
        return IpFamily.IPV4;
    }

    @Override
    public int send(SendVector messages, int from, int count) {
        return count;
    }

    @Override
    public int receive(ReceiveVector slots) {
        if (received) {
            return 0;
        }
        received = true;
        int bytes = fromWire.readableBytes();
        ByteBuf data = slots.data();
        int start = slots.offset(0);
        if (payloadReceived) {
            for (int at = 0; at < bytes; at += segmentBytes) {
                data.setBytes(start + at, fromWire, at, Math.min(HEADER_BYTES, Math.min(segmentBytes, bytes - at)));
            }
        } else {
            data.setBytes(start, fromWire, 0, bytes);
            payloadReceived = true;
        }
        slots.fill(0, 0, Integer.toUnsignedLong(wireSource), bytes, segmentBytes, 0);
        return 1;
    }

    @Override
    public void close() {
        for (ByteBuf packet : fromPods) {
            packet.release();
        }
        fromWire.release();
    }
}
