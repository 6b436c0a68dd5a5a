package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.device.TunFeatures;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
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

/** Super-packets that nobody has cut on their way: one datagram, whose inner checksum is partial. */
class UncutArrivalTest {
    private static final IpAddress PEER_NODE = IpAddress.parse("192.168.0.2");
    private static final int POD = IpAddress.parse("10.5.1.2").ipv4Bits();
    private static final int PEER_POD = IpAddress.parse("10.5.2.3").ipv4Bits();
    private static final byte[] VXLAN = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};

    private final MemoryTun tun = new MemoryTun();
    private final MemoryUnderlaySocket socket = new MemoryUnderlaySocket();
    private final Tcp tcp = Tcp.data(PEER_POD, POD);
    private final byte[] stream = Packets.tcp(tcp, Packets.random(1, 40_000));
    private final byte[] datagrams = Packets.udp(PEER_POD, POD, 0x1234_5678, Packets.random(2, 5_500));
    private final Worker worker = worker();

    @AfterEach
    void release() {
        worker.close();
    }

    @Test
    void itGoesToThePodsInOneWriteAsItIs() {
        byte[] partial = partial(stream, VirtioNetHeader.GSO_TCPV4, tcp.headerBytes());

        arrive(partial, 0);

        ByteBuf written = written();
        assertThat(VirtioNetHeader.needsChecksum(written, 0)).isTrue();
        assertThat(VirtioNetHeader.gsoType(written, 0)).isEqualTo(VirtioNetHeader.GSO_TCPV4);
        assertThat(VirtioNetHeader.gsoSize(written, 0)).isEqualTo(1450 - tcp.headerBytes());
        assertThat(packet(written)).isEqualTo(partial);
        WorkerTest.closes(worker.counters());
    }

    @Test
    void datagramsThatWereSentTogetherKeepTheirLength() {
        byte[] partial = partial(datagrams, VirtioNetHeader.GSO_UDP_L4, 28);

        arrive(partial, 1100); // the kernel tells the inner segment size as it would that of a run

        ByteBuf written = written();
        assertThat(VirtioNetHeader.gsoType(written, 0)).isEqualTo(VirtioNetHeader.GSO_UDP_L4);
        assertThat(VirtioNetHeader.gsoSize(written, 0)).isEqualTo(1100);
        assertThat(packet(written)).isEqualTo(partial);
        assertThat(worker.counters().get(Counter.IN_PACKETS)).isEqualTo(1);
        WorkerTest.closes(worker.counters());
    }

    @Test
    void aWrongChecksumIsNotMadeARightOne() {
        for (int bit = 0; bit < 16; bit++) {
            byte[] wrong = partial(stream, VirtioNetHeader.GSO_TCPV4, tcp.headerBytes());
            wrong[36 + bit / 8] ^= (byte) (1 << bit % 8);
            arrive(wrong, 0);
            byte[] wrongDatagrams = partial(datagrams, VirtioNetHeader.GSO_UDP_L4, 28);
            wrongDatagrams[26 + bit / 8] ^= (byte) (1 << bit % 8);
            arrive(wrongDatagrams, 1100);
        }

        assertThat(tun.written()).isEmpty();
        assertThat(worker.counters().dropped(DropReason.BAD_INNER_CHECKSUM)).isEqualTo(32);
    }

    @Test
    void aDamagedPacketWithACompleteChecksumIsDropped() {
        byte[] damaged = stream.clone();
        damaged[20_000] ^= 1;

        arrive(damaged, 0);

        assertThat(worker.counters().dropped(DropReason.BAD_INNER_CHECKSUM)).isEqualTo(1);
    }

    @Test
    void aRunOfDatagramsIsStillARun() {
        byte[] one = Packets.behind(VXLAN, Packets.tcp(tcp, Packets.random(3, 1000)));
        byte[] next = Packets.behind(VXLAN, Packets.tcp(tcp.sequence(2000), Packets.random(4, 1000)));

        socket.arrive(PEER_NODE, Packets.behind(one, next), one.length);
        worker.run();

        assertThat(worker.counters().get(Counter.IN_PACKETS)).isEqualTo(2);
        assertThat(Ipv4Header.totalBytes(written(), VirtioNetHeader.BYTES)).isEqualTo(tcp.headerBytes() + 2000);
    }

    @Test
    void aRunWhoseDatagramsClaimMoreThanThereIsIsMalformed() {
        byte[] one = Packets.behind(VXLAN, Packets.tcp(tcp, Packets.random(3, 1000)));
        Unpooled.wrappedBuffer(one).setShort(VXLAN.length + 2, 60_000);

        socket.arrive(PEER_NODE, Packets.behind(one, one), one.length);
        worker.run();

        assertThat(tun.written()).isEmpty();
        assertThat(worker.counters().dropped(DropReason.MALFORMED_INNER)).isEqualTo(2);
    }

    private static byte[] partial(byte[] packet, int gsoType, int headerBytes) {
        byte[] read = Packets.superPacket(packet, gsoType, headerBytes, 1000);
        return Arrays.copyOfRange(read, VirtioNetHeader.BYTES, read.length);
    }

    private void arrive(byte[] inner, int segment) {
        byte[] datagram = Packets.behind(VXLAN, inner);
        socket.arrive(PEER_NODE, datagram, segment == 0 ? datagram.length : segment);
        worker.run();
    }

    private ByteBuf written() {
        assertThat(tun.written()).hasSize(1);
        return Unpooled.wrappedBuffer(tun.written().get(0));
    }

    private static byte[] packet(ByteBuf written) {
        byte[] packet = new byte[written.readableBytes() - VirtioNetHeader.BYTES];
        written.getBytes(VirtioNetHeader.BYTES, packet);
        return packet;
    }

    private Worker worker() {
        TunnelEnd end = new TunnelEnd(
                new VxlanEncapsulator(1, MacAddress.parse("02:00:00:00:00:01")),
                Cidr.parse("10.5.1.0/24"),
                IpAddress.parse("10.5.1.0"),
                1450,
                TunFeatures.ALL,
                Duration.ZERO,
                true);
        Worker made = new Worker(UnpooledByteBufAllocator.DEFAULT, 0, tun, socket, end, refused -> {});
        made.route(RouteTable.of(List.of(new Peer(Cidr.parse("10.5.2.0/24"), PEER_NODE, 8472, 0x0200_0000_0002L))));
        return made;
    }
}
