package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.device.Iovecs;
import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.device.SendVector;
import io.flannelj.device.TunFeatures;
import io.flannelj.linux.Errno;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.EthernetHeader;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Ipv6Header;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Super-packets that leave uncut by a TAP device, and those that go by the socket all the same. */
class UncutTest {
    private static final int POD = IpAddress.parse("10.5.1.2").ipv4Bits();
    private static final int PEER_POD = IpAddress.parse("10.5.2.3").ipv4Bits();
    private static final int OTHER_POD = IpAddress.parse("10.5.3.3").ipv4Bits();
    private static final IpAddress NODE = IpAddress.parse("192.168.0.1");
    private static final IpAddress NODE_V6 = IpAddress.parse("fd00:99::1");
    private static final MacAddress OUR_MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final NextHop HOP = new NextHop(0x0a00_0000_0002L, 0x0a00_0000_0001L, 63, 1500);
    private static final int GSO_SIZE = 1398;
    private static final int VIRTIO = 24;
    private static final int INNER_AT = VIRTIO + 14 + 20 + 8 + 22;

    private final MemoryTun tun = new MemoryTun();
    private final List<String> order = new ArrayList<>();
    private final MemoryTun tap = new MemoryTun() {
        @Override
        public int write(Iovecs packet) {
            order.add("tap");
            return super.write(packet);
        }
    };
    private final MemoryUnderlaySocket socket = new MemoryUnderlaySocket() {
        @Override
        public int send(SendVector messages, int from, int count) {
            for (int i = from; i < from + count; i++) {
                order.add(messages.destination(i).toString());
            }
            return super.send(messages, from, count);
        }
    };
    private final List<String> refusals = new ArrayList<>();
    private final Peer peer = peer("10.5.2.0/24", "192.168.0.2");
    private final Peer other = peer("10.5.3.0/24", "192.168.0.3");
    private final Tcp tcp = Tcp.data(POD, PEER_POD);
    private final byte[] whole = Packets.tcp(tcp, Packets.random(1, 20_000));
    private Worker worker = worker(NODE);

    @AfterEach
    void release() {
        worker.close();
    }

    @Test
    void aSuperPacketLeavesWholeBehindAllItsHeaders() {
        peer.leadTo(HOP);

        read(superPacket(whole));

        assertThat(socket.sent()).isEmpty();
        ByteBuf frame = frame();
        int udpBytes = 8 + 22 + whole.length;
        assertThat(frame.readableBytes()).isEqualTo(INNER_AT + whole.length);
        assertThat(frame.getUnsignedByte(0))
                .as("inner and outer checksum to complete")
                .isEqualTo((short) 9);
        assertThat(frame.getUnsignedByte(1))
                .as("TCP over IPv4, in UDP over IPv4")
                .isEqualTo((short) 0x21);
        assertThat(frame.getUnsignedShortLE(2)).as("all headers").isEqualTo(INNER_AT - VIRTIO + tcp.headerBytes());
        assertThat(frame.getUnsignedShortLE(4)).isEqualTo(GSO_SIZE);
        assertThat(frame.getUnsignedShortLE(6)).as("inner TCP").isEqualTo(INNER_AT - VIRTIO + 20);
        assertThat(frame.getUnsignedShortLE(8)).isEqualTo(16);
        assertThat(frame.getUnsignedShortLE(20)).as("outer UDP").isEqualTo(34);
        assertThat(frame.getUnsignedShortLE(22)).as("inner IP").isEqualTo(INNER_AT - VIRTIO);
        assertThat(EthernetHeader.destination(frame, VIRTIO)).isEqualTo(HOP.destination());
        assertThat(EthernetHeader.source(frame, VIRTIO)).isEqualTo(HOP.source());
        assertThat(EthernetHeader.type(frame, VIRTIO)).isEqualTo(EthernetHeader.TYPE_IPV4);
        int ip = VIRTIO + 14;
        assertThat(Ipv4Header.CODEC.isWellFormed(frame, ip, 20 + udpBytes)).isTrue();
        assertThat(Ipv4Header.hasValidChecksum(frame, ip)).isTrue();
        assertThat(Ipv4Header.timeToLive(frame, ip)).isEqualTo(63);
        assertThat(Ipv4Header.flagsAndOffset(frame, ip))
                .as("may be cut by routers")
                .isZero();
        assertThat(Ipv4Header.source(frame, ip)).isEqualTo(NODE.ipv4Bits());
        assertThat(Ipv4Header.destination(frame, ip))
                .isEqualTo(IpAddress.parse("192.168.0.2").ipv4Bits());
        assertThat(frame.getUnsignedShort(ip + 20)).isEqualTo(8472);
        assertThat(frame.getUnsignedShort(ip + 22)).isEqualTo(8472);
        assertThat(frame.getUnsignedShort(ip + 24)).isEqualTo(udpBytes);
        assertThat(frame.getUnsignedShortLE(ip + 26))
                .as("the pseudo header's sum")
                .isEqualTo(InternetChecksum.fold(Ipv4Header.CODEC.pseudoHeaderSum(frame, ip, 17, udpBytes)));
        byte[] vxlan = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
        assertThat(bytes(frame, INNER_AT - 22, 22)).isEqualTo(vxlan);
        assertThat(bytes(frame, INNER_AT, whole.length))
                .isEqualTo(Arrays.copyOfRange(superPacket(whole), VirtioNetHeader.BYTES, 10 + whole.length));
        assertThat(worker.counters().get(Counter.OUT_PACKETS)).isEqualTo(15);
        assertThat(worker.counters().get(Counter.OUT_DELIVERED)).isEqualTo(15);
        assertThat(worker.counters().get(Counter.OUT_UNCUT_WRITES)).isEqualTo(1);
    }

    @Test
    void identificationsOfPiecesDoNotMeet() {
        peer.leadTo(HOP);

        read(superPacket(whole), superPacket(whole));

        int first = Ipv4Header.CODEC.identification(
                Unpooled.wrappedBuffer(tap.written().get(0)), VIRTIO + 14);
        int second = Ipv4Header.CODEC.identification(
                Unpooled.wrappedBuffer(tap.written().get(1)), VIRTIO + 14);
        assertThat((second - first) & 0xffff).isEqualTo(15);
    }

    @Test
    void overIpv6TheHeaderIsLonger() {
        worker.close();
        worker = worker(NODE_V6);
        Peer far = peer("10.5.2.0/24", "fd00:99::2");
        worker.route(RouteTable.of(List.of(far)));
        far.leadTo(HOP);

        read(superPacket(whole, GSO_SIZE - 20));

        ByteBuf frame = frame();
        int ip = VIRTIO + 14;
        int udpBytes = 8 + 22 + whole.length;
        assertThat(frame.getUnsignedByte(1))
                .as("TCP over IPv4, in UDP over IPv6")
                .isEqualTo((short) 0x41);
        assertThat(frame.getUnsignedShortLE(20)).isEqualTo(54);
        assertThat(EthernetHeader.type(frame, VIRTIO)).isEqualTo(EthernetHeader.TYPE_IPV6);
        assertThat(Ipv6Header.CODEC.isWellFormed(frame, ip, 40 + udpBytes)).isTrue();
        assertThat(Ipv6Header.hopLimit(frame, ip)).isEqualTo(63);
        assertThat(Ipv6Header.CODEC.sourceLow(frame, ip)).isEqualTo(NODE_V6.lowBits());
        assertThat(frame.getUnsignedShortLE(ip + 46))
                .isEqualTo(InternetChecksum.fold(Ipv6Header.CODEC.pseudoHeaderSum(frame, ip, 17, udpBytes)));
        assertThat(bytes(frame, ip + 48 + 22, 20)).isEqualTo(Arrays.copyOf(whole, 20));
    }

    @Test
    void theCongestionMarkStandsOutsideAsWell() {
        peer.leadTo(HOP);
        byte[] marked = whole.clone();
        Ipv4Header.CODEC.setEcn(Unpooled.wrappedBuffer(marked), 0, 2);

        read(superPacket(marked));

        assertThat(IpHeader.of(IpFamily.IPV4).ecn(frame(), VIRTIO + 14)).isEqualTo(2);
        assertThat(Ipv4Header.hasValidChecksum(frame(), VIRTIO + 14)).isTrue();
    }

    @Test
    void whatWasReadBeforeIsSentBefore() {
        peer.leadTo(HOP);
        byte[] small = Packets.plain(Packets.echo(POD, PEER_POD, 64, 56));
        byte[] toOther = Packets.plain(Packets.echo(POD, OTHER_POD, 64, 56));

        read(toOther, superPacket(whole), small, superPacket(whole), small);

        assertThat(order).containsExactly("tap", "192.168.0.3", "192.168.0.2", "tap", "192.168.0.2");
    }

    @Test
    void withoutANextHopItIsCutAndGoesByTheSocket() {
        read(superPacket(whole));

        assertThat(tap.written()).isEmpty();
        assertThat(socket.sent()).hasSize(15);
        assertThat(peer.superPackets()).isEqualTo(SuperPackets.SEGMENTED);
    }

    @Test
    void whatTheKernelWouldNotCutGoesByTheSocket() {
        peer.leadTo(HOP);
        byte[] datagrams = Packets.udp(POD, PEER_POD, 0x1234_5678, Packets.random(2, 6_500));
        byte[] single = Packets.tcp(tcp, Packets.random(3, 1000));
        byte[] longest = Packets.tcp(tcp, Packets.random(4, 65_535 - tcp.headerBytes()));

        read(
                Packets.superPacket(datagrams, VirtioNetHeader.GSO_UDP_L4, 28, 100),
                superPacket(single),
                superPacket(longest),
                Packets.plain(single));

        assertThat(tap.written()).isEmpty();
        assertThat(socket.sent()).hasSize(65 + 1 + 47 + 1);
    }

    @Test
    void datagramsThatWereSentTogetherLeaveTogether() {
        peer.leadTo(HOP);
        byte[] datagrams = Packets.udp(POD, PEER_POD, 0x1234_5678, Packets.random(2, 5_600));

        read(Packets.superPacket(datagrams, VirtioNetHeader.GSO_UDP_L4, 28, 1400));

        ByteBuf frame = frame();
        assertThat(socket.sent()).isEmpty();
        assertThat(frame.getUnsignedByte(1))
                .as("UDP datagrams, in UDP over IPv4")
                .isEqualTo((short) 0x25);
        assertThat(frame.getUnsignedShortLE(2)).as("all headers").isEqualTo(INNER_AT - VIRTIO + 28);
        assertThat(frame.getUnsignedShortLE(4)).isEqualTo(1400);
        assertThat(frame.getUnsignedShortLE(8)).as("checksum of UDP").isEqualTo(6);
        assertThat(worker.counters().get(Counter.OUT_DELIVERED)).isEqualTo(4);
    }

    @Test
    void datagramsThatAreTooLongForANarrowWayGoByTheSocketWhichKnowsOfIt() {
        peer.leadTo(HOP);
        peer.limit(1300, true);
        byte[] datagrams = Packets.udp(POD, PEER_POD, 0x1234_5678, Packets.random(2, 5_600));

        read(Packets.superPacket(datagrams, VirtioNetHeader.GSO_UDP_L4, 28, 1400));

        assertThat(tap.written()).isEmpty();
        assertThat(socket.sent()).hasSize(4);
    }

    @Test
    void anUplinkThatTakesLessThanASegmentGetsNone() {
        peer.leadTo(new NextHop(HOP.destination(), HOP.source(), 64, 1499));
        read(superPacket(whole));
        assertThat(tap.written()).isEmpty();

        peer.leadTo(new NextHop(HOP.destination(), HOP.source(), 64, 1500));
        read(superPacket(whole));
        assertThat(tap.written()).hasSize(1);
    }

    @Test
    void onANarrowWaySegmentsAreSmaller() {
        peer.leadTo(HOP);
        peer.limit(1300, true);

        read(superPacket(whole));

        assertThat(frame().getUnsignedShortLE(4)).isEqualTo(1300 - tcp.headerBytes());
        assertThat(worker.counters().get(Counter.OUT_DELIVERED)).isEqualTo(17);
    }

    @Test
    void aRefusalIsToldOnceAndThePacketGoesByTheSocket() {
        peer.leadTo(HOP);
        tap.refuseWrites(Errno.EINVAL);

        read(superPacket(whole), superPacket(whole));

        assertThat(refusals).containsExactly("192.168.0.2 22");
        assertThat(socket.sent()).hasSize(30);
        assertThat(order).filteredOn("tap"::equals).as("tries").hasSize(1);
        assertThat(worker.counters().get(Counter.UNCUT_FALLBACKS)).isEqualTo(1);
        assertThat(worker.counters().get(Counter.OUT_DELIVERED)).isEqualTo(30);
        byte[] sentFirst = socket.sent().get(0).payload();
        byte[] segment = Arrays.copyOfRange(sentFirst, 22, sentFirst.length);
        ByteBuf view = Unpooled.wrappedBuffer(segment);
        long sum = Ipv4Header.CODEC.pseudoHeaderSum(view, 0, 6, segment.length - 20);
        assertThat(InternetChecksum.isValid(InternetChecksum.add(sum, view, 20, segment.length - 20)))
                .isTrue();

        tap.refuseWrites(0);
        peer.tryRunsAgain(System.nanoTime() + Duration.ofSeconds(61).toNanos());
        read(superPacket(whole));
        assertThat(tap.written()).as("after a minute").hasSize(1);
    }

    @Test
    void aFullBufferDropsAndRefusesNothing() {
        peer.leadTo(HOP);
        tap.refuseWrites(Errno.EAGAIN);

        read(superPacket(whole));

        assertThat(worker.counters().dropped(DropReason.SEND_BUFFER_FULL)).isEqualTo(15);
        assertThat(socket.sent()).isEmpty();
        assertThat(peer.superPackets()).isEqualTo(SuperPackets.UNCUT);
    }

    @Test
    void whatAPacketFilterForbidsDoesNotGoPastIt() {
        peer.leadTo(HOP);
        socket.refuse(Errno.EPERM, false);

        read(Packets.plain(Packets.echo(POD, PEER_POD, 64, 56)));
        read(superPacket(whole));

        assertThat(tap.written()).isEmpty();
        assertThat(worker.counters().dropped(DropReason.SEND_FORBIDDEN)).isEqualTo(16);
    }

    @Test
    void aPeerWhoseRunsAreNotSegmentedGetsNone() {
        peer.leadTo(HOP);
        peer.damageRuns(true);

        read(superPacket(whole));

        assertThat(tap.written()).isEmpty();
        assertThat(socket.messages()).isEqualTo(15);
        assertThat(peer.superPackets()).isEqualTo(SuperPackets.SEPARATE);
    }

    private static Peer peer(String subnet, String node) {
        return new Peer(Cidr.parse(subnet), IpAddress.parse(node), 8472, 0x0200_0000_0002L);
    }

    private Worker worker(IpAddress local) {
        TunnelEnd end = new TunnelEnd(
                new VxlanEncapsulator(1, OUR_MAC),
                Cidr.parse("10.5.1.0/24"),
                IpAddress.parse("10.5.1.0"),
                1450,
                TunFeatures.ALL,
                Duration.ZERO,
                true);
        TunnelSegmentation way = new TunnelSegmentation(
                tap, local, 8472, (refused, errno) -> refusals.add(refused.underlayAddress() + " " + errno));
        MemoryUnderlaySocket wire = local.isIpv4() ? socket : new MemoryUnderlaySocket(IpFamily.IPV6);
        Worker made = new Worker(UnpooledByteBufAllocator.DEFAULT, 0, tun, wire, end, refused -> {}, way);
        made.route(RouteTable.of(List.of(peer, other)));
        return made;
    }

    private void read(byte[]... packets) {
        for (byte[] packet : packets) {
            tun.offer(packet);
        }
        worker.run();
    }

    private byte[] superPacket(byte[] packet) {
        return superPacket(packet, GSO_SIZE);
    }

    private byte[] superPacket(byte[] packet, int gsoSize) {
        return Packets.superPacket(packet, VirtioNetHeader.GSO_TCPV4, tcp.headerBytes(), gsoSize);
    }

    private ByteBuf frame() {
        assertThat(tap.written()).hasSize(1);
        byte[] written = tap.written().get(0);
        return Unpooled.wrappedBuffer(written);
    }

    private static byte[] bytes(ByteBuf buffer, int at, int length) {
        byte[] bytes = new byte[length];
        buffer.getBytes(at, bytes);
        return bytes;
    }
}
