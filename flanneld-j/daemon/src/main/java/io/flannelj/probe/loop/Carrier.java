package io.flannelj.probe.loop;

import io.flannelj.backend.TestedPath;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.TunnelEnd;
import io.flannelj.device.DontFragment;
import io.flannelj.device.SendVector;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.IcmpEcho;
import io.flannelj.probe.Probe;
import io.flannelj.probe.Probe.Kind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.util.List;

/**
 * Sends probes into one tunnel: pings from the tunnel's own address, wrapped as the workers wrap packets, by two sockets that
 * differ in the outer DF bit. Confined to the prober's thread.
 *
 * <p>What makes a padded probe long stands behind the inner packet, where receivers cut it off, so that its answer is short and
 * the way back does not count. In a train the inner packets grow by one byte each, with padding that makes the outer ones
 * equal: the answers differ in length, and no run can be made of them.
 */
final class Carrier implements AutoCloseable {
    private static final int MAX_DATAGRAMS = 4;

    private final TunnelEnd end;
    private final Encapsulator encapsulator;
    private final IpFamily family;
    private final int identifier;
    private final UnderlaySocket plain;
    private final UnderlaySocket whole;
    private final SendVector messages;
    private final ByteBuf data;
    private DontFragment dontFragment;

    private Carrier(TestedPath path, int identifier, UnderlaySocket plain, UnderlaySocket whole) {
        this.end = path.end();
        this.encapsulator = end.encapsulator();
        this.family = end.subnet().family();
        this.identifier = identifier;
        this.plain = plain;
        this.dontFragment = path.link().dontFragment();
        this.whole = whole;
        PooledByteBufAllocator allocator = PooledByteBufAllocator.DEFAULT;
        this.messages = new SendVector(allocator, plain.family(), MAX_DATAGRAMS, MAX_DATAGRAMS);
        int room = encapsulator.headerBytes()
                + Math.max(end.mtuBytes(), IcmpEcho.minBytes(end.subnet().family()) + MAX_DATAGRAMS);
        this.data = allocator.directBuffer(MAX_DATAGRAMS * room);
    }

    /** Opens its sockets. */
    static Carrier open(TestedPath path, int identifier) throws IOException {
        UnderlaySocket plain = path.link().opening().openToSend(path.link().dontFragment());
        try {
            return new Carrier(path, identifier, plain, path.link().opening().openToSend(DontFragment.PROBE));
        } catch (IOException | RuntimeException e) {
            plain.close();
            throw e;
        }
    }

    /**
     * Sends a probe.
     *
     * @param isSummed whether packets of pods get an outer checksum there, and so whatever does not try that
     * @return 0, or the errno with which the kernel refused its first datagram
     */
    int send(Probe probe, Peer peer, boolean isSummed) {
        List<Long> tokens = probe.tokens();
        int stride = encapsulator.headerBytes() + probe.bytes();
        for (int i = 0; i < tokens.size(); i++) {
            int inner = switch (probe.kind()) {
                case ECHO -> probe.bytes();
                case WHOLE -> Math.min(IcmpEcho.minBytes(end.subnet().family()), probe.bytes());
                case SEGMENTED, SEPARATE, UNSUMMED -> probe.bytes() - (tokens.size() - 1 - i);
            };
            write(i * stride, inner, probe, peer, tokens.get(i));
        }
        messages.clear();
        if (probe.kind() == Kind.SEGMENTED) {
            open(peer);
            messages.add(data.memoryAddress(), stride * tokens.size());
            messages.complete(stride, tokens.size(), 0);
        } else {
            for (int i = 0; i < tokens.size(); i++) {
                open(peer);
                messages.add(data.memoryAddress() + (long) i * stride, stride);
                messages.complete(stride, 1, 0);
            }
        }
        UnderlaySocket socket = probe.kind() == Kind.WHOLE ? whole : plain;
        socket.fillChecksums(
                switch (probe.kind()) {
                    case ECHO, WHOLE -> isSummed;
                    case SEGMENTED, SEPARATE -> true;
                    case UNSUMMED -> false;
                });
        int sent = socket.send(messages, 0, messages.count());
        return sent < 0 ? -sent : 0;
    }

    /** Whether what is sent as data is may be cut. */
    DontFragment dontFragment() {
        return dontFragment;
    }

    void dontFragment(DontFragment outer) {
        dontFragment = outer;
        plain.dontFragment(outer);
    }

    private void open(Peer peer) {
        IpAddress node = peer.underlayAddress();
        messages.open(node.highBits(), node.lowBits(), peer.port());
    }

    private void write(int offset, int innerBytes, Probe probe, Peer peer, long token) {
        int ip = offset + encapsulator.headerBytes();
        IpAddress from = end.address();
        IpAddress to = probe.path().target();
        data.setZero(ip + innerBytes, probe.bytes() - innerBytes);
        if (family == IpFamily.IPV6) {
            IcmpEcho.writeIpv6(
                    data,
                    ip,
                    innerBytes,
                    from.highBits(),
                    from.lowBits(),
                    to.highBits(),
                    to.lowBits(),
                    identifier,
                    token);
        } else {
            boolean dontFragment = probe.kind() == Kind.WHOLE; // ipip passes it on to the outer header
            IcmpEcho.write(data, ip, innerBytes, from.ipv4Bits(), to.ipv4Bits(), identifier, token, dontFragment);
        }
        encapsulator.wrap(data, offset, peer);
    }

    @Override
    public void close() {
        plain.close();
        whole.close();
        messages.close();
        data.release();
    }
}
