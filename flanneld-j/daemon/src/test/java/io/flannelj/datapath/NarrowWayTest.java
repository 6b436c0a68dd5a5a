package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.udp.BareIpEncapsulator;
import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.device.TunFeatures;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets to and from a peer whose path takes less than the tunnel. */
class NarrowWayTest {
    private static final int POD = IpAddress.parse("10.5.1.2").ipv4Bits();
    private static final int PEER_POD = IpAddress.parse("10.5.2.3").ipv4Bits();
    private static final int NODE = IpAddress.parse("192.168.0.2").ipv4Bits();
    private static final int MTU = 1450;
    private static final int NARROW = 1350;
    private static final int SYN = 0x02;

    private final MemoryTun tun = new MemoryTun();
    private final MemoryUnderlaySocket socket = new MemoryUnderlaySocket();
    private final Peer peer = new Peer(Cidr.parse("10.5.2.0/24"), IpAddress.ofIpv4(NODE), 8285, 0);
    private final Worker worker = new Worker(
            UnpooledByteBufAllocator.DEFAULT,
            0,
            tun,
            socket,
            new TunnelEnd(
                    new BareIpEncapsulator(),
                    Cidr.parse("10.5.1.0/24"),
                    IpAddress.parse("10.5.1.0"),
                    MTU,
                    TunFeatures.ALL,
                    Duration.ZERO,
                    false),
            refused -> {});

    NarrowWayTest() {
        worker.route(RouteTable.of(List.of(peer)));
        peer.limit(NARROW, true);
    }

    @AfterEach
    void release() {
        worker.close();
    }

    @Test
    void aPacketThatMustNotBeCutIsAnsweredWithThePathsMtu() {
        read(Packets.plain(Packets.tcp(Tcp.data(POD, PEER_POD), new byte[NARROW - 51])));

        ByteBuf answer = Unpooled.wrappedBuffer(tun.written().get(0));
        assertThat(answer.getUnsignedShort(VirtioNetHeader.BYTES + 26)).isEqualTo(NARROW);
        assertThat(socket.sent()).isEmpty();
        assertThat(worker.counters().dropped(DropReason.TOO_BIG)).isEqualTo(1);
        WorkerTest.closes(worker.counters());
    }

    @Test
    void oneThatMayBeCutGoesOnAndSoDoesOneThatFits() {
        byte[] mayBeCut = Packets.tcp(Tcp.data(POD, PEER_POD), new byte[NARROW]);
        ByteBuf header = Unpooled.wrappedBuffer(mayBeCut);
        header.setShort(6, 0);
        Ipv4Header.updateChecksum(header, 0);
        read(Packets.plain(mayBeCut), Packets.plain(Packets.tcp(Tcp.data(POD, PEER_POD), new byte[NARROW - 52])));

        assertThat(socket.sent()).hasSize(2);
        assertThat(tun.written()).isEmpty();
    }

    @Test
    void whenTheSenderCannotBeToldThePacketGoesOn() {
        byte[] packet = Packets.echo(POD, PEER_POD, 64, NARROW);
        packet[20] = 3; // an ICMP error, which is never answered
        Unpooled.wrappedBuffer(packet).setShort(6, Ipv4Header.DONT_FRAGMENT);
        read(Packets.plain(packet));

        assertThat(tun.written()).isEmpty();
        assertThat(socket.sent()).hasSize(1);
        WorkerTest.closes(worker.counters());
    }

    @Test
    void aTcpSuperPacketIsCutToWhatPasses() {
        Tcp tcp = Tcp.data(POD, PEER_POD);
        byte[] whole = Packets.tcp(tcp, Packets.random(1, 20_000));
        read(Packets.superPacket(whole, VirtioNetHeader.GSO_TCPV4, tcp.headerBytes(), MTU - tcp.headerBytes()));

        assertThat(socket.sent())
                .hasSize((20_000 + NARROW - 53) / (NARROW - 52))
                .allSatisfy(datagram -> assertThat(datagram.payload().length).isLessThanOrEqualTo(NARROW));
        assertThat(socket.sent().stream()
                        .mapToInt(datagram -> datagram.payload().length - tcp.headerBytes())
                        .sum())
                .isEqualTo(20_000);
        assertThat(socket.sent())
                .allSatisfy(
                        datagram -> assertThat(isValidTcp(datagram.payload())).isTrue());
        assertThat(tun.written()).isEmpty();
        assertThat(worker.counters().get(Counter.OUT_PACKETS))
                .isEqualTo(socket.sent().size());
        WorkerTest.closes(worker.counters());
    }

    @Test
    void aUdpSuperPacketIsAnswered() {
        byte[] whole = Packets.udp(POD, PEER_POD, 0x1234_5678, new byte[14_000]);
        Unpooled.wrappedBuffer(whole).setShort(6, Ipv4Header.DONT_FRAGMENT);
        read(Packets.superPacket(whole, VirtioNetHeader.GSO_UDP_L4, 28, 1400));

        assertThat(socket.sent()).isEmpty();
        assertThat(tun.written()).hasSize(1);
        WorkerTest.closes(worker.counters());
    }

    @ParameterizedTest
    @ValueSource(ints = {20, 21})
    void aSynSaysWhatThePathTakesBothWays(int optionAt) {
        read(Packets.plain(syn(POD, PEER_POD, optionAt, 1410)));
        assertThat(segment(socket.sent().get(0).payload(), optionAt)).isEqualTo(NARROW - 40);
        assertThat(isValidTcp(socket.sent().get(0).payload())).isTrue();

        arrive(syn(PEER_POD, POD, optionAt, 1410));
        byte[] delivered = delivered();
        assertThat(segment(delivered, optionAt)).isEqualTo(NARROW - 40);
        assertThat(isValidTcp(delivered)).isTrue();
    }

    @Test
    void aSmallerSizeStaysAndSoDoesEveryOneWhereThatIsTurnedOff() {
        arrive(syn(PEER_POD, POD, 20, 536));
        assertThat(segment(delivered(), 20)).isEqualTo(536);

        peer.limit(NARROW, false);
        arrive(syn(PEER_POD, POD, 20, 1410));
        assertThat(segment(delivered(), 20)).isEqualTo(1410);

        peer.limit(Integer.MAX_VALUE, true);
        arrive(syn(PEER_POD, POD, 20, 1410));
        assertThat(segment(delivered(), 20)).isEqualTo(1410);
    }

    @Test
    void aPartialChecksumIsLeftToWhoCompletesIt() {
        byte[] syn = syn(PEER_POD, POD, 20, 1410);
        ByteBuf packet = Unpooled.wrappedBuffer(syn);
        InternetChecksum.storePartial(packet, 36, Ipv4Header.CODEC.pseudoHeaderSum(packet, 0, 6, syn.length - 20));
        int partial = packet.getUnsignedShort(36);
        arrive(syn);

        assertThat(segment(delivered(), 20)).isEqualTo(NARROW - 40);
        assertThat(Unpooled.wrappedBuffer(delivered()).getUnsignedShort(36)).isEqualTo(partial);
    }

    @Test
    void paddingBehindAPacketIsCutOff() {
        byte[] echo = Packets.echo(PEER_POD, POD, 64, 56);
        arrive(Packets.behind(echo, new byte[1000]));

        assertThat(delivered()).hasSize(echo.length);
        WorkerTest.closes(worker.counters());
    }

    /** With options of 12 bytes, among them the segment size at that byte of the TCP header. */
    private static byte[] syn(int from, int to, int optionAt, int size) {
        byte[] packet = Packets.tcp(Tcp.data(from, to).flags(SYN), new byte[0]);
        ByteBuf buffer = Unpooled.wrappedBuffer(packet);
        for (int at = 40; at < 52; at++) {
            buffer.setByte(at, 1);
        }
        buffer.setByte(20 + optionAt, 2).setByte(20 + optionAt + 1, 4).setShort(20 + optionAt + 2, size);
        buffer.setShort(36, 0);
        long sum = Ipv4Header.CODEC.pseudoHeaderSum(buffer, 0, 6, packet.length - 20);
        InternetChecksum.store(buffer, 36, InternetChecksum.add(sum, buffer, 20, packet.length - 20));
        return packet;
    }

    private static int segment(byte[] packet, int optionAt) {
        return Unpooled.wrappedBuffer(packet).getUnsignedShort(20 + optionAt + 2);
    }

    private static boolean isValidTcp(byte[] packet) {
        ByteBuf buffer = Unpooled.wrappedBuffer(packet);
        long sum = Ipv4Header.CODEC.pseudoHeaderSum(buffer, 0, 6, packet.length - 20);
        return InternetChecksum.isValid(InternetChecksum.add(sum, buffer, 20, packet.length - 20));
    }

    private void read(byte[]... packets) {
        for (byte[] packet : packets) {
            tun.offer(packet);
        }
        worker.run();
    }

    private void arrive(byte[] packet) {
        socket.arrive(IpAddress.ofIpv4(NODE), packet, packet.length);
        worker.run();
    }

    /** The latest packet, without its virtio header. */
    private byte[] delivered() {
        byte[] last = tun.written().get(tun.written().size() - 1);
        return Arrays.copyOfRange(last, VirtioNetHeader.BYTES, last.length);
    }
}
