package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.flannelj.backend.geneve.GeneveEncapsulator;
import io.flannelj.backend.ipip.IpipEncapsulator;
import io.flannelj.backend.udp.BareIpEncapsulator;
import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.device.Iovecs;
import io.flannelj.device.ReceiveVector;
import io.flannelj.device.SendVector;
import io.flannelj.device.TunFeatures;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.Ipv6Packets;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Our own rooms allocate nothing per packet, on any path: delivered or dropped, whole or super, both ways.
 *
 * <p>Buffers here are without leak detection, which would allocate to do its work.
 */
class DatapathAllocationTest {
    private static final int POD = IpAddress.parse("10.5.1.2").ipv4Bits();
    private static final int PEER_POD = IpAddress.parse("10.5.2.3").ipv4Bits();
    private static final IpAddress PEER_NODE = IpAddress.parse("192.168.0.2");
    private static final IpAddress NODE = IpAddress.parse("192.168.0.1");
    private static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final Cidr PEER_SUBNET = Cidr.parse("10.5.2.0/24");
    private static final int ROUNDS = 3000;
    private static final int WINDOWS = 20;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);

    @Test
    void noPathAllocates() {
        Tcp tcp = Tcp.data(POD, PEER_POD);
        Tcp back = Tcp.data(PEER_POD, POD);
        byte[] large = Packets.superPacket(
                Packets.tcp(tcp, new byte[30_000]), VirtioNetHeader.GSO_TCPV4, tcp.headerBytes(), 1398);
        byte[] small = Packets.plain(Packets.echo(POD, PEER_POD, 64, 56));
        byte[] lost =
                Packets.plain(Packets.echo(POD, IpAddress.parse("10.5.77.1").ipv4Bits(), 64, 56));
        byte[] long_ = Packets.plain(Packets.echo(POD, PEER_POD, 64, 2000));
        MacAddress theirMac = MacAddress.parse("02:00:00:00:00:02");
        Map<Encapsulator, Encapsulator> theirs = Map.of(
                new VxlanEncapsulator(1, MAC), new VxlanEncapsulator(1, theirMac),
                new GeneveEncapsulator(1, MAC), new GeneveEncapsulator(1, theirMac),
                new IpipEncapsulator(NODE), new IpipEncapsulator(PEER_NODE),
                new BareIpEncapsulator(), new BareIpEncapsulator());
        for (Encapsulator encapsulator : theirs.keySet()) {
            byte[] joinable = wrapped(theirs.get(encapsulator), Packets.tcp(back, new byte[1000]));
            byte[] garbage = Packets.random(1, 64);
            byte[][] out = {large, small, lost, long_, acknowledgement(100), acknowledgement(200)};
            Loop loop = new Loop(PEER_NODE, out, new byte[][] {joinable, joinable, garbage});
            try (Worker worker =
                    worker(encapsulator, loop, null, new Peer(PEER_SUBNET, PEER_NODE, 8472, 0x0200_0000_0002L))) {
                nothingIsAllocatedBy(worker, loop);
            }
        }
    }

    /** Whoever watches pays for reading; the worker copies without allocation, and goes on when nobody reads. */
    @Test
    void packetsAreShownWithoutAllocation() {
        byte[] small = Packets.plain(Packets.echo(POD, PEER_POD, 64, 56));
        byte[] lost =
                Packets.plain(Packets.echo(POD, IpAddress.parse("10.5.77.1").ipv4Bits(), 64, 56));
        Encapsulator ours = new VxlanEncapsulator(1, MAC);
        byte[] back = wrapped(
                new VxlanEncapsulator(1, MacAddress.parse("02:00:00:00:00:02")),
                Packets.tcp(Tcp.data(PEER_POD, POD), new byte[1000]));
        Loop loop = new Loop(PEER_NODE, new byte[][] {small, lost}, new byte[][] {back, Packets.random(1, 64)});
        WatchRing ring = new WatchRing(WatchFilter.ALL, IpFamily.IPV4, 4 << 20, System.nanoTime());
        try (Worker worker = worker(ours, loop, null, new Peer(PEER_SUBNET, PEER_NODE, 8472, 0x0200_0000_0002L))) {
            worker.trace().watches(List.of(ring));
            nothingIsAllocatedBy(worker, loop);
        }
        assertThat(ring.poll()).as("the first packet shown").isNotNull();
        assertThat(ring.lost()).as("packets for which there was no room").isPositive();
    }

    @Test
    void uncutPacketsAllocateNothing() {
        Tcp tcp = Tcp.data(POD, PEER_POD);
        byte[] large = Packets.superPacket(
                Packets.tcp(tcp, new byte[30_000]), VirtioNetHeader.GSO_TCPV4, tcp.headerBytes(), 1398);
        byte[] small = Packets.plain(Packets.echo(POD, PEER_POD, 64, 56));
        for (String local : List.of("192.168.0.1", "fd00:99::1")) {
            IpAddress from = IpAddress.parse(local);
            Peer peer = new Peer(PEER_SUBNET, from.isIpv4() ? PEER_NODE : IpAddress.parse("fd00:99::2"), 8472, 2);
            peer.leadTo(new NextHop(2, 1, 64, 1520));
            Loop loop = new Loop(peer.underlayAddress(), new byte[][] {small, large, large}, new byte[0][]);
            TunnelSegmentation way = new TunnelSegmentation(loop, from, 8472, (refused, errno) -> {});
            try (Worker worker = worker(new VxlanEncapsulator(1, MAC), loop, way, peer)) {
                nothingIsAllocatedBy(worker, loop);
                assertThat(worker.counters().get(Counter.OUT_UNCUT_WRITES))
                        .as("super-packets that left uncut")
                        .isGreaterThan(2 * ROUNDS - 1);
            }
        }
    }

    @Test
    void noIpv6PathAllocates() {
        IpAddress pod = IpAddress.parse("fd00:5:0:1::2");
        IpAddress peerPod = IpAddress.parse("fd00:5:0:2::3");
        IpAddress peerNode = IpAddress.parse("fd00:99::2");
        byte[] large = Packets.superPacket(
                Ipv6Packets.tcp(pod, peerPod, 1, 1, TcpHeader.ACK, new byte[30_000]),
                VirtioNetHeader.GSO_TCPV6,
                72,
                1358);
        byte[] small = Packets.plain(Ipv6Packets.echo(pod, peerPod, 64, 56));
        byte[] lost = Packets.plain(Ipv6Packets.echo(pod, IpAddress.parse("fd00:5:0:77::1"), 64, 56));
        byte[] long_ = Packets.plain(Ipv6Packets.echo(pod, peerPod, 64, 2000));
        byte[] header = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, (byte) 0x86, (byte) 0xdd};
        byte[] joinable = Packets.behind(header, Ipv6Packets.tcp(peerPod, pod, 1, 1, TcpHeader.ACK, new byte[1000]));
        Loop loop = new Loop(peerNode, new byte[][] {large, small, lost, long_}, new byte[][] {
            joinable, joinable, Packets.random(1, 64)
        });
        TunnelEnd end = new TunnelEnd(
                new VxlanEncapsulator(1, MAC, IpFamily.IPV6, false),
                Cidr.parse("fd00:5:0:1::/64"),
                IpAddress.parse("fd00:5:0:1::"),
                1430,
                TunFeatures.ALL,
                Duration.ZERO,
                true);
        try (Worker worker = new Worker(allocator, 0, loop, loop, end, peer -> {})) {
            worker.route(
                    RouteTable.of(List.of(new Peer(Cidr.parse("fd00:5:0:2::/64"), peerNode, 8472, 0x0200_0000_0002L))));
            nothingIsAllocatedBy(worker, loop);
        }
    }

    private static byte[] acknowledgement(int number) {
        byte[] packet = Packets.tcp(new Tcp(POD, PEER_POD, 0x1234_5678, 1000, TcpHeader.ACK, 7, 0), new byte[0]);
        Unpooled.wrappedBuffer(packet).setInt(28, number);
        return Packets.plain(packet);
    }

    /** What a peer sends to us. */
    private static byte[] wrapped(Encapsulator theirs, byte[] inner) {
        ByteBuf datagram = Unpooled.buffer(theirs.headerBytes() + inner.length);
        datagram.setBytes(theirs.headerBytes(), inner);
        theirs.wrap(datagram, 0, new Peer(Cidr.parse("10.5.1.0/24"), NODE, 8472, MAC.bits()));
        return ByteBufUtil.getBytes(datagram, 0, theirs.headerBytes() + inner.length);
    }

    private void nothingIsAllocatedBy(Worker worker, Loop loop) {
        long bytes = allocatedBy(() -> {
            loop.refill();
            worker.run();
            worker.run();
        });
        assertThat(loop.sent).as("datagrams sent").isGreaterThan(ROUNDS);
        assertThat(loop.written).as("packets written").isGreaterThan(ROUNDS);
        assertThat(bytes).as("bytes allocated in %d rounds", ROUNDS).isZero();
    }

    private Worker worker(Encapsulator encapsulator, Loop loop, @Nullable TunnelSegmentation way, Peer peer) {
        TunnelEnd end = new TunnelEnd(
                encapsulator,
                Cidr.parse("10.5.1.0/24"),
                IpAddress.parse("10.5.1.0"),
                1450,
                TunFeatures.ALL,
                Duration.ZERO,
                true);
        Worker worker = new Worker(allocator, 0, loop, loop, end, refused -> {}, way);
        worker.route(RouteTable.of(List.of(peer)));
        return worker;
    }

    /** The best of several windows: the runtime allocates now and then on any thread, a packet path in every one. */
    private long allocatedBy(Runnable round) {
        long id = Thread.currentThread().getId();
        long least = Long.MAX_VALUE;
        for (int window = 0; window < WINDOWS && least > 0; window++) {
            long before = threads.getThreadAllocatedBytes(id);
            for (int i = 0; i < ROUNDS; i++) {
                round.run();
            }
            least = Math.min(least, threads.getThreadAllocatedBytes(id) - before);
        }
        return least;
    }

    /** TUN and wire in one, without allocating: the same packets again and again. */
    private static final class Loop implements TunQueue, UnderlaySocket {
        private final IpAddress source;
        private final byte[][] fromPods;
        private final byte[][] fromWire;
        private int nextFromPods;
        private boolean received;
        long sent;
        long written;

        Loop(IpAddress source, byte[][] fromPods, byte[][] fromWire) {
            this.source = source;
            this.fromPods = fromPods;
            this.fromWire = fromWire;
        }

        void refill() {
            nextFromPods = 0;
            received = false;
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
            byte[] packet = fromPods[nextFromPods++];
            into.setBytes(offset, packet);
            return packet.length;
        }

        @Override
        public int write(Iovecs packet) {
            written++;
            return 0;
        }

        @Override
        public IpFamily family() {
            return source.family();
        }

        @Override
        public int send(SendVector messages, int from, int count) {
            for (int i = from; i < from + count; i++) {
                sent += messages.datagrams(i);
            }
            return count;
        }

        @Override
        public int receive(ReceiveVector slots) {
            if (received) {
                return 0;
            }
            received = true;
            for (int i = 0; i < fromWire.length; i++) {
                slots.data().setBytes(slots.offset(i), fromWire[i]);
                int bytes = fromWire[i].length;
                slots.fill(i, source.highBits(), source.lowBits(), bytes, bytes, 2);
            }
            return fromWire.length;
        }

        @Override
        public void close() {}
    }
}
