package io.flannelj.probe.loop;

import io.flannelj.device.SendVector;
import io.flannelj.linux.EchoSocket;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.IcmpEcho;
import io.flannelj.packet.IpHeader;
import io.flannelj.probe.PathState;
import io.flannelj.probe.Probe;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;

/**
 * Pings to peers of one family whose packets the kernel carries. The kernel routes them as it routes pods' packets, so they
 * take the same tunnel device or gateway. Confined to the prober's thread.
 */
final class RoutedPings implements Way, AutoCloseable {
    private static final int LONGEST = 128;

    private final IpFamily family;
    private final int identifier;
    private final EchoSocket socket;
    private final SendVector messages;
    private final ByteBuf data;

    /** @param socket that takes the answers, too */
    RoutedPings(IpFamily family, int identifier, EchoSocket socket) {
        this.family = family;
        this.identifier = identifier;
        this.socket = socket;
        this.messages = new SendVector(PooledByteBufAllocator.DEFAULT, family, 1, 1);
        this.data = PooledByteBufAllocator.DEFAULT.directBuffer(LONGEST);
    }

    @Override
    public int send(Probe probe) {
        int bytes = Math.min(LONGEST, probe.bytes() - IpHeader.of(family).minBytes());
        IcmpEcho.writeBare(data, 0, bytes, family, identifier, probe.tokens().get(0));
        IpAddress target = probe.path().target();
        messages.clear();
        messages.open(target.highBits(), target.lowBits(), 0);
        messages.add(data.memoryAddress(), bytes);
        messages.complete(bytes, 1, 0);
        int sent = socket.sendmmsg(messages.entryAddress(0), 1);
        return sent < 0 ? -sent : 0;
    }

    @Override
    public long heard() {
        return 0;
    }

    @Override
    public void use(PathState state) {}

    @Override
    public void close() {
        messages.close();
        data.release();
    }
}
