package io.flannelj.fuzz;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.linux.Errno;
import io.flannelj.net.IpAddress;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What comes from pods: one byte says which tunnel, one how the kernel sends, then packet by packet its virtio header (10
 * bytes), its length (2), and its bytes.
 *
 * <p>Every packet is sent or counted under one reason; what is sent is what the far end takes, for a subnet of its own; ICMP
 * answers are well-formed; nothing depends on what stood in memory before; buffers stay as they were.
 */
public final class OutboundFuzz {
    private static final int MAX_PACKETS = 70; // more than one batch
    private static final int[] ERRNOS = {
        0, Errno.EAGAIN, Errno.EMSGSIZE, Errno.EINVAL, Errno.EIO, Errno.EPERM, Errno.ENETUNREACH, Errno.ENOBUFS
    };
    private static final Map<TunnelFixture.Kind, TunnelFixture> TUNNELS = new EnumMap<>(TunnelFixture.Kind.class);

    private OutboundFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        TunnelFixture.Kind[] kinds = TunnelFixture.Kind.values();
        TunnelFixture tunnel = TUNNELS.computeIfAbsent(kinds[new Input(data).u8() % kinds.length], TunnelFixture::new);
        Outcome first = carry(tunnel, data, (byte) 0);
        Outcome second = carry(tunnel, data, (byte) 0x45); // the beginning of an IPv4 header
        Promise.same(first, second, "memory behind a packet matters");
    }

    private record Outcome(Traffic traffic, List<ByteBuffer> sent) {}

    private static Outcome carry(TunnelFixture tunnel, byte[] data, byte stale) {
        Input input = new Input(data);
        input.u8();
        int mood = input.u8();
        tunnel.socket.refuse(ERRNOS[mood % ERRNOS.length], (mood & 0x80) != 0);
        tunnel.stale.fillWith(stale);
        for (int i = 0; i < MAX_PACKETS && !input.isEmpty(); i++) {
            byte[] virtio = input.bytes(VirtioNetHeader.BYTES);
            byte[] packet = input.bytes(input.u16());
            byte[] whole = Arrays.copyOf(virtio, VirtioNetHeader.BYTES + packet.length);
            System.arraycopy(packet, 0, whole, VirtioNetHeader.BYTES, packet.length);
            tunnel.tun.offer(whole);
        }
        TrafficCounters before = tunnel.worker.counters().frozen();
        tunnel.worker.run();
        Traffic traffic = Traffic.between(before, tunnel.worker.counters(), DropReason.Direction.OUT);
        traffic.checkSum();
        tunnel.checkMemory();
        for (byte[] answer : tunnel.tun.written()) {
            Promise.holds(
                    tunnel.ip.isWellFormed(
                            Unpooled.wrappedBuffer(answer),
                            VirtioNetHeader.BYTES,
                            answer.length - VirtioNetHeader.BYTES),
                    "an answer that is not well-formed");
        }
        tunnel.tun.written().clear();
        List<ByteBuffer> sent = new ArrayList<>();
        for (MemoryUnderlaySocket.Datagram datagram : tunnel.socket.sent()) {
            check(datagram.address(), datagram.payload(), tunnel);
            sent.add(ByteBuffer.wrap(datagram.payload()));
        }
        tunnel.socket.sent().clear();
        Promise.holds(sent.size() == traffic.delivered(), sent.size() + " datagrams were sent: " + traffic);
        return new Outcome(traffic, sent);
    }

    private static void check(IpAddress to, byte[] datagram, TunnelFixture tunnel) {
        ByteBuf view = Unpooled.wrappedBuffer(datagram);
        DropReason refused = tunnel.farEnd.check(view, 0, datagram.length);
        Promise.holds(refused == null, "the far end refuses what we send: " + refused);
        int ip = tunnel.farEnd.headerBytes(view, 0);
        Promise.holds(tunnel.ip.isWellFormed(view, ip, datagram.length - ip), "sent and not well-formed");
        IpAddress destination = tunnel.destination(datagram, ip);
        Promise.holds(
                tunnel.peers.stream()
                        .filter(peer -> peer.underlayAddress().equals(to))
                        .map(Peer::subnet)
                        .anyMatch(subnet -> subnet.contains(destination)),
                "sent to another than whose it is");
    }
}
