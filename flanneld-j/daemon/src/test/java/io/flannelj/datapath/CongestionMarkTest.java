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
import io.flannelj.packet.Ecn;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv6Packets;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Congestion marks from the inner header to the outer one and back, over the whole way through a worker. */
class CongestionMarkTest {
    private static final int HEADERS = 22; // VXLAN and Ethernet
    private static final MacAddress OUR_MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress PEER_MAC = MacAddress.parse("02:00:00:00:00:02");

    private final MemoryTun tun = new MemoryTun();
    private final List<Worker> workers = new ArrayList<>();

    /** One family's addresses and packets. */
    private record Family(
            IpFamily family, IpAddress pod, IpAddress peerPod, IpAddress node, String subnet, String peers) {
        static Family of(IpFamily family) {
            return family == IpFamily.IPV6
                    ? new Family(
                            family,
                            ip("fd00:5:0:1::2"),
                            ip("fd00:5:0:2::3"),
                            ip("fd00:99::2"),
                            "fd00:5:0:1::/64",
                            "fd00:5:0:2::/64")
                    : new Family(
                            family, ip("10.5.1.2"), ip("10.5.2.3"), ip("192.168.0.2"), "10.5.1.0/24", "10.5.2.0/24");
        }

        private static IpAddress ip(String text) {
            return IpAddress.parse(text);
        }

        byte[] segment(boolean outwards, int sequence, int mark, int payload) {
            IpAddress from = outwards ? pod : peerPod;
            IpAddress to = outwards ? peerPod : pod;
            byte[] packet = family == IpFamily.IPV6
                    ? Ipv6Packets.tcp(from, to, 0x1234_5678, sequence, 0x10, Packets.random(1, payload))
                    : Packets.tcp(
                            Tcp.data(from.ipv4Bits(), to.ipv4Bits()).sequence(sequence), Packets.random(1, payload));
            ip().setEcn(Unpooled.wrappedBuffer(packet), 0, mark);
            return packet;
        }

        IpHeader ip() {
            return IpHeader.of(family);
        }

        int headerBytes() {
            return ip().minBytes() + 32;
        }
    }

    @AfterEach
    void release() {
        workers.forEach(Worker::close);
    }

    private Worker worker(Family family, MemoryUnderlaySocket socket) {
        TunnelEnd end = new TunnelEnd(
                new VxlanEncapsulator(1, OUR_MAC, family.family(), false),
                Cidr.parse(family.subnet()),
                Cidr.parse(family.subnet()).address(),
                1430,
                TunFeatures.ALL,
                Duration.ZERO,
                true);
        Worker worker = new Worker(UnpooledByteBufAllocator.DEFAULT, 0, tun, socket, end, refused -> {});
        worker.route(
                RouteTable.of(List.of(new Peer(Cidr.parse(family.peers()), family.node(), 8472, PEER_MAC.bits()))));
        workers.add(worker);
        return worker;
    }

    private static byte[] frame(Family family, byte[] packet) {
        byte[] header = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
        if (family.family() == IpFamily.IPV6) {
            header[20] = (byte) 0x86;
            header[21] = (byte) 0xdd;
        }
        return Packets.behind(header, packet);
    }

    @ParameterizedTest
    @CsvSource({"IPV4, 0, 0", "IPV4, 1, 1", "IPV4, 2, 2", "IPV4, 3, 2", "IPV6, 0, 0", "IPV6, 1, 1", "IPV6, 3, 2"})
    void theOuterHeaderCarriesTheMarkOfTheInnerOne(IpFamily ip, int inner, int outer) {
        Family family = Family.of(ip);
        MemoryUnderlaySocket socket = new MemoryUnderlaySocket(ip);
        Worker worker = worker(family, socket);
        byte[] large = family.segment(true, 1000, inner, 20_000);
        int gso = family.ip().tcpGsoType();

        tun.offer(Packets.plain(family.segment(true, 1, inner, 100)));
        tun.offer(Packets.superPacket(large, gso, family.headerBytes(), 1300));
        worker.run();

        assertThat(socket.sent()).hasSizeGreaterThan(10).allSatisfy(datagram -> {
            assertThat(datagram.trafficClass()).isEqualTo(outer);
            assertThat(family.ip().ecn(Unpooled.wrappedBuffer(datagram.payload()), HEADERS))
                    .as("the inner mark stays")
                    .isEqualTo(inner);
        });
    }

    @ParameterizedTest
    @EnumSource
    void datagramsOfDifferentMarksShareNoMessage(IpFamily ip) {
        Family family = Family.of(ip);
        MemoryUnderlaySocket socket = new MemoryUnderlaySocket(ip);
        Worker worker = worker(family, socket);

        for (int mark : new int[] {2, 2, 0, 0, 2}) {
            tun.offer(Packets.plain(family.segment(true, 1, mark, 500)));
        }
        worker.run();

        assertThat(socket.messages()).isEqualTo(3);
        assertThat(socket.sent())
                .extracting(MemoryUnderlaySocket.Datagram::trafficClass)
                .containsExactly(2, 2, 0, 0, 2);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsSentOneByOneKeepsItsMark(IpFamily ip) {
        Family family = Family.of(ip);
        MemoryUnderlaySocket socket = new MemoryUnderlaySocket(ip);
        Worker worker = worker(family, socket);
        socket.refuse(Errno.EINVAL, true);

        tun.offer(Packets.plain(family.segment(true, 1, 2, 500)));
        tun.offer(Packets.plain(family.segment(true, 501, 2, 500)));
        worker.run();

        assertThat(socket.sent())
                .extracting(MemoryUnderlaySocket.Datagram::trafficClass)
                .containsExactly(2, 2);
    }

    @ParameterizedTest
    @CsvSource({"IPV4, 3, 2, 3", "IPV4, 0, 2, 2", "IPV4, 1, 2, 1", "IPV6, 3, 1, 3", "IPV6, 2, 2, 2"})
    void aMarkOfTheNetworkReachesEveryPacketOfATrain(IpFamily ip, int outer, int inner, int expected) {
        Family family = Family.of(ip);
        MemoryUnderlaySocket socket = new MemoryUnderlaySocket(ip);
        Worker worker = worker(family, socket);
        byte[] one = frame(family, family.segment(false, 1000, inner, 500));
        byte[] two = frame(family, family.segment(false, 1500, inner, 500));

        socket.arrive(family.node(), Packets.behind(one, two), one.length, 0xb8 | outer);
        worker.run();

        assertThat(tun.written()).as("one super-packet").hasSize(1);
        byte[] written = tun.written().get(0);
        assertThat(VirtioNetHeader.gsoSize(Unpooled.wrappedBuffer(written), 0)).isEqualTo(500);
        assertThat(family.ip().ecn(Unpooled.wrappedBuffer(written), VirtioNetHeader.BYTES))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource
    void markedAndUnmarkedSegmentsAreNotJoined(IpFamily ip) {
        Family family = Family.of(ip);
        MemoryUnderlaySocket socket = new MemoryUnderlaySocket(ip);
        Worker worker = worker(family, socket);
        for (int i = 0; i < 3; i++) {
            byte[] frame = frame(family, family.segment(false, 1000 + i * 500, Ecn.ECT_0, 500));
            socket.arrive(family.node(), frame, frame.length, i == 1 ? Ecn.CE : Ecn.ECT_0);
        }
        worker.run();

        assertThat(tun.written())
                .extracting(packet -> family.ip().ecn(Unpooled.wrappedBuffer(packet), VirtioNetHeader.BYTES))
                .containsExactly(Ecn.ECT_0, Ecn.CE, Ecn.ECT_0);
    }

    @Test
    void aMarkThatItsSenderWouldNotSeeBecomesALoss() {
        Family family = Family.of(IpFamily.IPV4);
        MemoryUnderlaySocket socket = new MemoryUnderlaySocket();
        Worker worker = worker(family, socket);
        byte[] frame = frame(family, family.segment(false, 1000, Ecn.NOT_ECT, 500));

        socket.arrive(family.node(), frame, frame.length, Ecn.CE);
        worker.run();

        assertThat(tun.written()).isEmpty();
        assertThat(worker.counters().dropped(DropReason.BAD_CONGESTION_MARK)).isEqualTo(1);
        WorkerTest.closes(worker.counters());
    }
}
