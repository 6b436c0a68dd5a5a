package io.flannelj.datapath;

import static io.flannelj.datapath.MemoryNode.OUR_HEADER;
import static io.flannelj.datapath.MemoryNode.PEER_NODE;
import static io.flannelj.datapath.MemoryNode.PEER_POD;
import static io.flannelj.datapath.MemoryNode.POD;
import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.linux.Errno;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import io.flannelj.packet.VirtioNetHeader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is shown of a worker's packets. */
class PacketTraceTest {
    private static final IpAddress STRANGER = IpAddress.parse("192.168.0.99");

    private final WatchRing watch = new WatchRing(WatchFilter.ALL, IpFamily.IPV4, 1 << 20, 0);
    private final MemoryNode node = new MemoryNode();
    private final MemoryTun tun = node.tun;
    private final MemoryUnderlaySocket socket = node.socket;
    private final Worker worker = node.worker;

    @AfterEach
    void release() {
        node.close();
    }

    private void read(byte[]... packets) {
        Arrays.stream(packets).forEach(tun::offer);
        worker.run();
    }

    private void receive(IpAddress source, byte[] datagram) {
        socket.arrive(source, datagram, datagram.length);
        worker.run();
    }

    private List<PacketCopy> watched() {
        List<PacketCopy> all = new ArrayList<>();
        for (PacketCopy copy = watch.poll(); copy != null; copy = watch.poll()) {
            all.add(copy);
        }
        return all;
    }

    private PacketCopy onlyDrop() {
        List<PacketCopy> drops = worker.trace().drops();
        assertThat(drops).hasSize(1);
        return drops.get(0);
    }

    @Test
    void aPodsPacketThatIsDroppedIsKept() {
        byte[] packet = Packets.echo(POD, IpAddress.parse("10.5.77.1").ipv4Bits(), 64, 56);
        read(Packets.plain(packet));

        PacketCopy copy = onlyDrop();
        assertThat(copy.reason()).isEqualTo(DropReason.NO_ROUTE);
        assertThat(copy.peer()).isNull();
        assertThat(copy.innerAt()).isZero();
        assertThat(copy.encapsulated()).isFalse();
        assertThat(copy.data()).isEqualTo(packet);
    }

    @Test
    void aDatagramThatIsDroppedIsKeptWithItsSender() {
        byte[] inner = Packets.echo(IpAddress.parse("10.5.9.9").ipv4Bits(), POD, 64, 56);
        receive(PEER_NODE, Packets.behind(OUR_HEADER, inner));

        PacketCopy copy = onlyDrop();
        assertThat(copy.reason()).isEqualTo(DropReason.SPOOFED);
        assertThat(copy.peer()).isEqualTo(PEER_NODE);
        assertThat(copy.innerAt()).isEqualTo(OUR_HEADER.length);
        assertThat(copy.encapsulated()).isTrue();
        assertThat(copy.data()).isEqualTo(Packets.behind(OUR_HEADER, inner));
    }

    @Test
    void aStrangersDatagramIsKeptThoughNobodyLooksInside() {
        receive(STRANGER, Packets.behind(OUR_HEADER, Packets.echo(PEER_POD, POD, 64, 56)));

        assertThat(onlyDrop().reason()).isEqualTo(DropReason.UNKNOWN_PEER);
        assertThat(onlyDrop().peer()).isEqualTo(STRANGER);
        assertThat(onlyDrop().innerAt()).isEqualTo(-1);
    }

    @Test
    void aMessageThatTheKernelRefusesIsKeptByItsFirstDatagram() {
        socket.refuse(Errno.EPERM, false);
        Tcp tcp = Tcp.data(POD, PEER_POD);
        byte[] whole = Packets.tcp(tcp, Packets.random(1, 5000));
        read(Packets.superPacket(whole, VirtioNetHeader.GSO_TCPV4, tcp.headerBytes(), 1398));

        PacketCopy copy = onlyDrop();
        assertThat(copy.reason()).isEqualTo(DropReason.SEND_FORBIDDEN);
        assertThat(copy.peer()).isEqualTo(PEER_NODE);
        assertThat(copy.packets()).isEqualTo(4);
        assertThat(copy.length()).isEqualTo(22 + tcp.headerBytes() + 1398);
        assertThat(copy.innerAt()).isEqualTo(22);
        assertThat(Arrays.copyOfRange(copy.data(), 22 + 12, 22 + 20)).isEqualTo(Arrays.copyOfRange(whole, 12, 20));
    }

    @Test
    void aPacketThatTheNodeRefusesIsKept() {
        tun.refuseWrites(Errno.EIO);
        byte[] inner = Packets.echo(PEER_POD, POD, 64, 56);
        receive(PEER_NODE, Packets.behind(OUR_HEADER, inner));

        assertThat(onlyDrop().reason()).isEqualTo(DropReason.TUN_REFUSED);
        assertThat(onlyDrop().peer()).isEqualTo(PEER_NODE);
        assertThat(onlyDrop().encapsulated()).isFalse();
        assertThat(onlyDrop().data()).isEqualTo(inner);
    }

    @Test
    void whatIsDroppedWithoutLossIsNotKept() {
        byte[] first = Packets.tcp(new Tcp(POD, PEER_POD, 0x1234_5678, 1000, 0x10, 7, 0), new byte[0]);
        byte[] second = first.clone();
        second[31]++; // acknowledges one byte more
        read(Packets.plain(first), Packets.plain(second));

        assertThat(worker.counters().dropped(DropReason.ACK_FILTERED)).isEqualTo(1);
        assertThat(worker.trace().drops()).isEmpty();
    }

    @Test
    void nothingIsShownUnlessSomebodyWatches() {
        read(Packets.plain(Packets.echo(POD, PEER_POD, 64, 56)));
        assertThat(watched()).isEmpty();
        worker.trace().watches(List.of(watch));
        read(Packets.plain(Packets.echo(POD, PEER_POD, 64, 56)));
        assertThat(watched()).extracting(PacketCopy::point).containsExactly(TracePoint.FROM_POD, TracePoint.TO_WIRE);
        worker.trace().watches(List.of());
        read(Packets.plain(Packets.echo(POD, PEER_POD, 64, 56)));
        assertThat(watched()).isEmpty();
    }

    @Test
    void aSuperPacketIsShownWholeBeforeEncapsulationAndByDatagramsAfter() {
        worker.trace().watches(List.of(watch));
        Tcp tcp = Tcp.data(POD, PEER_POD);
        byte[] whole = Packets.tcp(tcp, Packets.random(1, 20_000));
        byte[] given = Packets.superPacket(whole, VirtioNetHeader.GSO_TCPV4, tcp.headerBytes(), 1398);
        read(given);

        List<PacketCopy> copies = watched();
        assertThat(copies).hasSize(16);
        assertThat(copies.get(0).data()).isEqualTo(Arrays.copyOfRange(given, VirtioNetHeader.BYTES, given.length));
        assertThat(copies.get(0).packets()).isEqualTo(15);
        assertThat(copies.get(0).segmentBytes()).isEqualTo(1398);
        assertThat(copies.get(0).peer()).isEqualTo(PEER_NODE);
        for (int i = 0; i < 15; i++) {
            assertThat(copies.get(i + 1).data())
                    .as("datagram %d", i)
                    .isEqualTo(socket.sent().get(i).payload());
            assertThat(copies.get(i + 1).innerAt()).isEqualTo(22);
            assertThat(copies.get(i + 1).port()).isEqualTo(8472);
        }
    }

    @Test
    void segmentsAreShownAsTheyComeAndJoinedAsTheyGoToThePod() {
        worker.trace().watches(List.of(watch));
        byte[] first = Packets.behind(OUR_HEADER, Packets.tcp(Tcp.data(PEER_POD, POD), new byte[1000]));
        socket.arrive(PEER_NODE, first, first.length);
        worker.run();

        List<PacketCopy> copies = watched();
        assertThat(copies).extracting(PacketCopy::point).containsExactly(TracePoint.FROM_WIRE, TracePoint.TO_POD);
        assertThat(copies.get(0).data()).isEqualTo(first);
        byte[] written = tun.written().get(0);
        assertThat(copies.get(1).data()).isEqualTo(Arrays.copyOfRange(written, VirtioNetHeader.BYTES, written.length));
        assertThat(copies.get(1).peer()).isEqualTo(PEER_NODE);
    }

    @Test
    void aDropIsShownToThoseWhoWatch() {
        worker.trace().watches(List.of(watch));
        byte[] packet = Packets.echo(POD, PEER_POD, 64, 3000);
        read(Packets.plain(packet));

        List<PacketCopy> copies = watched();
        assertThat(copies).hasSize(1);
        assertThat(copies.get(0).reason()).isEqualTo(DropReason.TOO_BIG);
        assertThat(copies.get(0).data()).isEqualTo(packet);
    }
}
