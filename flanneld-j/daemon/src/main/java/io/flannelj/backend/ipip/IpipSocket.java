package io.flannelj.backend.ipip;

import io.flannelj.backend.TunnelSpec.Opening;
import io.flannelj.device.DontFragment;
import io.flannelj.device.ReceiveVector;
import io.flannelj.device.SendVector;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.linux.Errno;
import io.flannelj.linux.RawIpSocket;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;

/**
 * The raw socket that IP-in-IP tunnels end in: what it sends and receives are outer packets, header and all. Confined to
 * one event loop; never allocates after construction.
 */
final class IpipSocket implements UnderlaySocket {
    private static final int BUFFER_BYTES = 8 << 20;
    private static final int SLOTS = 8;
    private static final int SLOT_BYTES = 65_536;

    private final RawIpSocket socket;
    private final ReceiveVector received;
    private final Resegmenter resegmenter;

    private IpipSocket(RawIpSocket socket, ReceiveVector received, Resegmenter resegmenter) {
        this.socket = socket;
        this.received = received;
        this.resegmenter = resegmenter;
    }

    /**
     * How the socket is opened.
     *
     * @param mtuBytes the longest inner packet that the wire carries
     */
    static Opening opening(ByteBufAllocator allocator, IpAddress local, int mtuBytes) {
        return new Opening() {
            /** Outer headers are ours to write, and forbid fragments where the inner ones do. */
            @Override
            public UnderlaySocket open(boolean shared, DontFragment dontFragment) throws IOException {
                RawIpSocket socket = RawIpSocket.open(local, IpipEncapsulator.PROTOCOL);
                socket.setBufferBytes(BUFFER_BYTES);
                socket.ignorePathMtu();
                ReceiveVector received = new ReceiveVector(allocator, IpFamily.IPV4, SLOTS, SLOT_BYTES);
                return new IpipSocket(socket, received, new Resegmenter(received, mtuBytes));
            }

            @Override
            public UnderlaySocket openToSend(DontFragment dontFragment) throws IOException {
                RawIpSocket socket = RawIpSocket.openToSend(local);
                socket.ignorePathMtu();
                ReceiveVector nothing = new ReceiveVector(allocator, IpFamily.IPV4, 1, 1);
                return new IpipSocket(socket, nothing, new Resegmenter(nothing, mtuBytes));
            }
        };
    }

    @Override
    public int fd() {
        return socket.fd();
    }

    @Override
    public IpFamily family() {
        return IpFamily.IPV4;
    }

    @Override
    public int send(SendVector messages, int from, int count) {
        return socket.sendmmsg(messages.entryAddress(from), count);
    }

    @Override
    public int receive(ReceiveVector slots) {
        received.clear();
        int messages = socket.recvmmsg(received.address(), Math.min(SLOTS, slots.slots() / 2));
        if (messages <= 0) {
            return messages == -Errno.EAGAIN ? 0 : messages;
        }
        return resegmenter.pass(messages, slots);
    }

    @Override
    public void close() {
        received.close();
        socket.close();
    }
}
