package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.device.TunFeatures;
import io.flannelj.linux.Errno;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.Icmpv6Error;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.Ipv6Header;
import io.flannelj.packet.Ipv6Packets;
import io.flannelj.packet.Packets;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** IPv6 inside and outside. */
class Ipv6WorkerTest {
    private static final IpAddress POD = IpAddress.parse("fd00:5:0:1::2");
    private static final IpAddress PEER_POD = IpAddress.parse("fd00:5:0:2::3");
    private static final IpAddress NOWHERE = IpAddress.parse("fd00:5:0:77::1");
    private static final IpAddress PEER_NODE = IpAddress.parse("fd00:99::2");
    private static final IpAddress STRANGER = IpAddress.parse("fd00:99::99");
    private static final IpAddress TUNNEL = IpAddress.parse("fd00:5:0:1::");
    private static final MacAddress OUR_MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress PEER_MAC = MacAddress.parse("02:00:00:00:00:02");
    private static final int MTU = 1430;
    private static final int IP = VirtioNetHeader.BYTES;

    private final MemoryTun tun = new MemoryTun();
    private final MemoryUnderlaySocket socket = new MemoryUnderlaySocket(IpFamily.IPV6);
    private final Worker worker = new Worker(
            UnpooledByteBufAllocator.DEFAULT,
            0,
            tun,
            socket,
            new TunnelEnd(
                    new VxlanEncapsulator(1, OUR_MAC, IpFamily.IPV6, false),
                    Cidr.parse("fd00:5:0:1::/64"),
                    TUNNEL,
                    MTU,
                    TunFeatures.ALL,
                    Duration.ZERO,
                    true),
            peer -> {});

    {
        worker.route(RouteTable.of(List.of(
                new Peer(Cidr.parse("fd00:5:0:2::/64"), PEER_NODE, 8472, PEER_MAC.bits()),
                new Peer(Cidr.parse("fd00:5:0:3::/64"), IpAddress.parse("fd00:99::3"), 8472, 3))));
    }

    @AfterEach
    void release() {
        WorkerTest.closes(worker.counters());
        worker.close();
    }

    @Test
    void aPacketGoesToItsPeerAsAnIpv6Frame() {
        byte[] packet = Ipv6Packets.echo(POD, PEER_POD, 64, 56);

        read(packet);

        MemoryUnderlaySocket.Datagram datagram = socket.sent().get(0);
        assertThat(datagram.address()).isEqualTo(PEER_NODE);
        assertThat(datagram.port()).isEqualTo(8472);
        byte[] header = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, (byte) 0x86, (byte) 0xdd};
        assertThat(datagram.payload()).isEqualTo(Packets.behind(header, packet));
    }

    @Test
    void aSuperPacketBecomesOneMessageOfManyDatagrams() {
        byte[] whole = Ipv6Packets.tcp(POD, PEER_POD, 1, 1, TcpHeader.ACK, Packets.random(1, 20_000));

        tun.offer(Packets.superPacket(whole, VirtioNetHeader.GSO_TCPV6, 72, 1358));
        worker.run();

        assertThat(socket.messages()).isEqualTo(1);
        assertThat(socket.sent()).hasSize(15);
        assertThat(worker.counters().get(Counter.OUT_PACKETS)).isEqualTo(15);
    }

    @Test
    void wherePathsRefuseSegmentationEachDatagramGoesAloneToTheSamePeer() {
        socket.refuse(Errno.EINVAL, true);
        byte[] whole = Ipv6Packets.tcp(POD, PEER_POD, 1, 1, TcpHeader.ACK, Packets.random(1, 5000));

        tun.offer(Packets.superPacket(whole, VirtioNetHeader.GSO_TCPV6, 72, 1358));
        worker.run();

        assertThat(socket.sent())
                .hasSize(4)
                .allSatisfy(datagram -> assertThat(datagram.address()).isEqualTo(PEER_NODE));
    }

    @Test
    void aPacketLongerThanTheTunnelTakesIsAnsweredWithTheMtu() {
        byte[] packet = Ipv6Packets.echo(POD, PEER_POD, 64, MTU);

        read(packet);

        ByteBuf answer = answer(Icmpv6Error.TYPE_PACKET_TOO_BIG, PEER_POD);
        assertThat(answer.getInt(IP + 44)).isEqualTo(MTU);
        assertThat(Arrays.copyOfRange(tun.written().get(0), IP + 48, IP + 1280))
                .as("as much of the packet as fits")
                .isEqualTo(Arrays.copyOf(packet, 1232));
        assertThat(worker.counters().dropped(DropReason.TOO_BIG)).isEqualTo(1);
    }

    @Test
    void withoutARouteThePodIsTold() {
        byte[] packet = Ipv6Packets.echo(POD, NOWHERE, 64, 56);

        read(packet);

        answer(Icmpv6Error.TYPE_UNREACHABLE, NOWHERE);
        assertThat(Arrays.copyOfRange(tun.written().get(0), IP + 48, IP + 48 + packet.length))
                .isEqualTo(packet);
        assertThat(worker.counters().dropped(DropReason.NO_ROUTE)).isEqualTo(1);
    }

    @Test
    void errorsRedirectsMulticastAndNobodyAreNeverAnswered() {
        byte[] error = Ipv6Packets.echo(POD, NOWHERE, 64, 56);
        error[40] = 1;
        byte[] redirect = Ipv6Packets.echo(POD, NOWHERE, 64, 56);
        redirect[40] = (byte) 137;
        byte[] cutOff = Ipv6Packets.echo(POD, NOWHERE, 64, 56);
        cutOff = Arrays.copyOf(cutOff, 40);
        cutOff[5] = 0;

        read(error, redirect, cutOff);
        read(
                Ipv6Packets.echo(POD, IpAddress.parse("ff02::2"), 64, 0),
                Ipv6Packets.echo(IpAddress.ofIpv6(0, 0), NOWHERE, 64, 0));

        assertThat(tun.written()).isEmpty();
        assertThat(worker.counters().dropped(DropReason.NO_ROUTE)).isEqualTo(5);
    }

    @Test
    void whatIsNoIpv6PacketIsCounted() {
        read(Packets.echo(1, 2, 64, 56), Arrays.copyOf(Ipv6Packets.echo(POD, PEER_POD, 64, 56), 60), new byte[] {0x60});

        assertThat(worker.counters().dropped(DropReason.UNSUPPORTED_FAMILY)).isEqualTo(1);
        assertThat(worker.counters().dropped(DropReason.MALFORMED)).isEqualTo(2);
        assertThat(socket.sent()).isEmpty();
    }

    @Test
    void aDatagramFromAPeerIsDelivered() {
        byte[] packet = Ipv6Packets.echo(PEER_POD, POD, 64, 56);
        byte[] fromTheNode = Ipv6Packets.echo(PEER_NODE, POD, 64, 56);

        receive(PEER_NODE, frame(packet));
        receive(PEER_NODE, frame(fromTheNode));

        assertThat(tun.written()).containsExactly(Packets.plain(packet), Packets.plain(fromTheNode));
    }

    @Test
    void eachFaultHasItsReason() {
        byte[] good = frame(Ipv6Packets.echo(PEER_POD, POD, 64, 56));
        byte[] damaged = frame(Ipv6Packets.udp(PEER_POD, POD, 1, new byte[100]));
        damaged[100] ^= 1;
        byte[] discovery = good.clone();
        discovery[8] = 0x33;
        discovery[9] = 0x33;
        byte[] ipv4 = good.clone();
        ipv4[20] = 8;
        ipv4[21] = 0;

        receive(PEER_NODE, frame(Ipv6Packets.echo(IpAddress.parse("fd00:5:0:3::3"), POD, 64, 0)));
        receive(PEER_NODE, frame(Ipv6Packets.echo(POD, POD, 64, 0)));
        receive(STRANGER, good);
        receive(PEER_NODE, frame(Ipv6Packets.echo(PEER_POD, NOWHERE, 64, 0)));
        receive(PEER_NODE, damaged);
        receive(PEER_NODE, discovery);
        receive(PEER_NODE, ipv4);
        receive(PEER_NODE, Arrays.copyOf(good, 50));

        Counters counters = worker.counters();
        assertThat(counters.dropped(DropReason.SPOOFED)).isEqualTo(2);
        assertThat(counters.dropped(DropReason.UNKNOWN_PEER)).isEqualTo(1);
        assertThat(counters.dropped(DropReason.NOT_OUR_SUBNET)).isEqualTo(1);
        assertThat(counters.dropped(DropReason.BAD_INNER_CHECKSUM)).isEqualTo(1);
        assertThat(counters.dropped(DropReason.WRONG_MAC)).isEqualTo(1);
        assertThat(counters.dropped(DropReason.NOT_IP)).isEqualTo(1);
        assertThat(counters.dropped(DropReason.MALFORMED_INNER)).isEqualTo(1);
        assertThat(tun.written()).isEmpty();
    }

    /** The one answer so far, its frame checked. */
    private ByteBuf answer(int type, IpAddress from) {
        byte[] bytes = tun.written().get(0);
        ByteBuf answer = Unpooled.wrappedBuffer(bytes);
        int length = bytes.length - IP;
        assertThat(Ipv6Header.CODEC.isWellFormed(answer, IP, length)).isTrue();
        assertThat(Ipv6Header.CODEC.sourceLow(answer, IP)).isEqualTo(from.lowBits());
        assertThat(Ipv6Header.CODEC.destinationLow(answer, IP)).isEqualTo(POD.lowBits());
        long sum = Ipv6Header.CODEC.pseudoHeaderSum(answer, IP, Ipv6Header.PROTOCOL_ICMPV6, length - 40);
        assertThat(InternetChecksum.isValid(InternetChecksum.add(sum, answer, IP + 40, length - 40)))
                .isTrue();
        assertThat((int) answer.getUnsignedByte(IP + 40)).isEqualTo(type);
        assertThat(length).isLessThanOrEqualTo(1280);
        return answer;
    }

    private void read(byte[]... packets) {
        for (byte[] packet : packets) {
            tun.offer(Packets.plain(packet));
        }
        worker.run();
    }

    private void receive(IpAddress source, byte[] datagram) {
        socket.arrive(source, datagram, datagram.length);
        worker.run();
    }

    private static byte[] frame(byte[] packet) {
        byte[] header = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, (byte) 0x86, (byte) 0xdd};
        return Packets.behind(header, packet);
    }
}
