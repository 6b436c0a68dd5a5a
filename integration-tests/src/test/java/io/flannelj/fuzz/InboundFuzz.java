package io.flannelj.fuzz;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.TrafficCounters;
import io.flannelj.net.IpAddress;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What comes from the wire: one byte says which tunnel, then message by message its sender (1 byte), the size of the datagrams
 * that the kernel joined (2; 0 when it joined none), its length (2), and its bytes.
 *
 * <p>Every datagram is delivered or counted under one reason; what reaches the node is well-formed, for our own subnet, and
 * agrees with its virtio header; nothing depends on what stood in memory before; buffers stay as they were.
 */
public final class InboundFuzz {
    static final int MAX_MESSAGES = 8;
    private static final int CHECKSUM = 1;
    private static final Map<TunnelFixture.Kind, TunnelFixture> TUNNELS = new EnumMap<>(TunnelFixture.Kind.class);

    private InboundFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        TunnelFixture.Kind[] kinds = TunnelFixture.Kind.values();
        TunnelFixture tunnel = TUNNELS.computeIfAbsent(kinds[new Input(data).u8() % kinds.length], TunnelFixture::new);
        Outcome first = carry(tunnel, data, (byte) 0);
        Outcome second = carry(tunnel, data, (byte) 0x45); // the beginning of an IPv4 header
        Promise.same(first, second, "memory behind a datagram matters");
    }

    private record Outcome(Traffic traffic, List<ByteBuffer> written) {}

    private static Outcome carry(TunnelFixture tunnel, byte[] data, byte stale) {
        Input input = new Input(data);
        input.u8();
        tunnel.stale.fillWith(stale);
        int messages = 0;
        int datagrams = 0;
        for (int i = 0; i < MAX_MESSAGES && !input.isEmpty(); i++) {
            IpAddress sender = tunnel.sender(input.u8());
            int segment = input.u16();
            byte[] message = input.bytes(input.u16());
            boolean joined = segment > 0 && segment < message.length;
            tunnel.socket.arrive(sender, message, joined ? segment : message.length);
            messages++;
            datagrams += joined ? (message.length + segment - 1) / segment : 1;
        }
        TrafficCounters before = tunnel.worker.counters().frozen();
        tunnel.worker.run();
        Traffic traffic = Traffic.between(before, tunnel.worker.counters(), DropReason.Direction.IN);
        traffic.checkSum();
        // A message that is one packet as a whole was never cut.
        Promise.holds(
                messages <= traffic.packets() && traffic.packets() <= datagrams,
                datagrams + " datagrams came in " + messages + " messages: " + traffic);
        tunnel.checkMemory();
        return new Outcome(traffic, written(tunnel, traffic.delivered()));
    }

    private static List<ByteBuffer> written(TunnelFixture tunnel, long delivered) {
        List<ByteBuffer> written = new ArrayList<>();
        long most = 0;
        for (byte[] packet : tunnel.tun.written()) {
            most += check(packet, tunnel);
            written.add(ByteBuffer.wrap(packet));
        }
        tunnel.tun.written().clear();
        Promise.holds(
                written.size() <= delivered && delivered <= most,
                delivered + " packets delivered, in " + written.size() + " that stand for " + most + " at most");
        return written;
    }

    /** As the kernel does (include/linux/virtio_net.h): how many packets it stands for at most. */
    private static int check(byte[] packet, TunnelFixture tunnel) {
        ByteBuf view = Unpooled.wrappedBuffer(packet);
        int ip = VirtioNetHeader.BYTES;
        int length = packet.length - ip;
        Promise.holds(tunnel.ip.isWellFormed(view, ip, length), "written and not well-formed");
        Promise.holds(tunnel.subnet.contains(tunnel.destination(packet, ip)), "written and not for our subnet");
        int gso = VirtioNetHeader.gsoType(view, 0);
        if ((view.getByte(0) & CHECKSUM) != 0) {
            int start = VirtioNetHeader.checksumStart(view, 0);
            Promise.holds(
                    start + VirtioNetHeader.checksumOffset(view, 0) + 2 <= length, "a checksum outside its packet");
        } else {
            Promise.holds(gso == VirtioNetHeader.GSO_NONE, "a super-packet without a checksum to be made");
        }
        if (gso == VirtioNetHeader.GSO_NONE) {
            return 1;
        }
        int header = view.getUnsignedShortLE(2);
        int size = VirtioNetHeader.gsoSize(view, 0);
        Promise.holds(size > 0 && header > 0 && header < length, "a super-packet without segments");
        return (length - header + size - 1) / size;
    }
}
