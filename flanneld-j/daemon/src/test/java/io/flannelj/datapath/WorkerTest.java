package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.udp.BareIpEncapsulator;
import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.device.TunFeatures;
import io.flannelj.linux.Errno;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.Icmpv4Error;
import io.flannelj.packet.Ipv4Header;
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
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class WorkerTest {
    private static final int POD = bits("10.5.1.2");
    private static final int PEER_POD = bits("10.5.2.3");
    private static final int PEER_NODE = bits("192.168.0.2");
    private static final int STRANGER = bits("192.168.0.99");
    private static final MacAddress OUR_MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress PEER_MAC = MacAddress.parse("02:00:00:00:00:02");
    private static final int MTU = 1450;

    private final MemoryTun tun = new MemoryTun();
    private final MemoryUnderlaySocket socket = new MemoryUnderlaySocket();
    private final List<Peer> fallbacks = new ArrayList<>();
    private final List<Worker> workers = new ArrayList<>();
    private List<Peer> peers = List.of();

    @AfterEach
    void release() {
        workers.forEach(Worker::close);
    }

    @Nested
    class Outwards {
        @Test
        void aPacketGoesToItsPeerBehindAVxlanHeader() {
            Worker worker = vxlan();
            byte[] packet = Packets.echo(POD, PEER_POD, 64, 56);

            read(worker, Packets.plain(packet));

            assertThat(socket.sent()).hasSize(1);
            MemoryUnderlaySocket.Datagram datagram = socket.sent().get(0);
            assertThat(datagram.address()).isEqualTo(IpAddress.ofIpv4(PEER_NODE));
            assertThat(datagram.port()).isEqualTo(8472);
            byte[] header = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
            assertThat(datagram.payload()).isEqualTo(Packets.behind(header, packet));
            closes(worker.counters());
        }

        @Test
        void timeIsCountedForBatchesThatHavePackets() {
            Worker worker = vxlan();
            worker.run();
            assertThat(worker.counters().get(Counter.OUT_BUSY_NANOS)).isZero();
            assertThat(worker.counters().get(Counter.IN_BUSY_NANOS)).isZero();

            read(worker, Packets.plain(Packets.echo(POD, PEER_POD, 64, 56)));

            assertThat(worker.counters().get(Counter.OUT_BUSY_NANOS)).isPositive();
            assertThat(worker.counters().get(Counter.IN_BUSY_NANOS)).isZero();

            receive(worker, PEER_NODE, new byte[20]);

            assertThat(worker.counters().get(Counter.IN_BUSY_NANOS)).isPositive();
        }

        @Test
        void theUdpTunnelIsAHopAndHasNoHeader() {
            Worker worker = udp();

            read(worker, Packets.plain(Packets.echo(POD, PEER_POD, 64, 56)));

            assertThat(socket.sent().get(0).payload()).isEqualTo(Packets.echo(POD, PEER_POD, 63, 56));
        }

        @Test
        void aSuperPacketBecomesOneMessageOfManyDatagrams() {
            Worker worker = vxlan();
            Tcp tcp = Tcp.data(POD, PEER_POD);
            byte[] whole = Packets.tcp(tcp, Packets.random(1, 20_000));

            read(worker, Packets.superPacket(whole, VirtioNetHeader.GSO_TCPV4, tcp.headerBytes(), 1398));

            assertThat(socket.messages()).isEqualTo(1);
            assertThat(socket.sent()).hasSize(15);
            assertThat(worker.counters().get(Counter.OUT_PACKETS)).isEqualTo(15);
            closes(worker.counters());
        }

        @Test
        void ofAcknowledgementsThatWaitTogetherTheLastIsSentAndNothingOvertakes() {
            Worker worker = vxlan();
            byte[] echo = Packets.echo(POD, PEER_POD, 64, 56);

            read(
                    worker,
                    Packets.plain(acknowledgement(100)),
                    Packets.plain(acknowledgement(200)),
                    Packets.plain(echo),
                    Packets.plain(acknowledgement(300)));

            assertThat(socket.sent())
                    .extracting(datagram -> Arrays.copyOfRange(datagram.payload(), 22, datagram.payload().length))
                    .containsExactly(acknowledgement(200), echo, acknowledgement(300));
            assertThat(worker.counters().dropped(DropReason.ACK_FILTERED)).isEqualTo(1);
            closes(worker.counters());
        }

        private byte[] acknowledgement(int number) {
            byte[] packet = Packets.tcp(new Tcp(POD, PEER_POD, 0x1234_5678, 1000, 0x10, 7, 0), new byte[0]);
            Unpooled.wrappedBuffer(packet).setInt(28, number);
            return packet;
        }

        @Test
        void superPacketsOfMoreSegmentsThanABatchHoldsAreSentInParts() {
            Worker worker = vxlan();
            Tcp tcp = Tcp.data(POD, PEER_POD);
            byte[] packet = Packets.superPacket(
                    Packets.tcp(tcp, Packets.random(1, 60_000)), VirtioNetHeader.GSO_TCPV4, tcp.headerBytes(), 40);

            read(worker, packet, packet.clone());

            assertThat(socket.sent()).hasSize(2 * 1500);
            assertThat(socket.sent())
                    .allSatisfy(datagram -> assertThat(datagram.payload()).hasSize(22 + 52 + 40));
            closes(worker.counters());
        }

        @Test
        void withoutARouteThePodIsTold() {
            Worker worker = vxlan();
            byte[] packet = Packets.echo(POD, bits("10.5.77.1"), 64, 56);

            read(worker, Packets.plain(packet));

            assertThat(worker.counters().dropped(DropReason.NO_ROUTE)).isEqualTo(1);
            ByteBuf answer = Unpooled.wrappedBuffer(tun.written().get(0));
            int ip = VirtioNetHeader.BYTES;
            assertThat(Ipv4Header.hasValidChecksum(answer, ip)).isTrue();
            assertThat(Ipv4Header.source(answer, ip))
                    .as("not an address of this node, which the kernel would take for a martian")
                    .isEqualTo(bits("10.5.77.1"));
            assertThat(Ipv4Header.destination(answer, ip)).isEqualTo(POD);
            assertThat(answer.getByte(ip + 20)).isEqualTo((byte) Icmpv4Error.TYPE_UNREACHABLE);
            assertThat(answer.getByte(ip + 21)).isZero();
            byte[] quoted = Arrays.copyOf(packet, 28);
            assertThat(Arrays.copyOfRange(tun.written().get(0), ip + 28, ip + 56))
                    .isEqualTo(quoted);
            closes(worker.counters());
        }

        @Test
        void aPacketLongerThanTheTunnelTakesIsAnsweredWithTheMtu() {
            Worker worker = vxlan();

            read(worker, Packets.plain(Packets.echo(POD, PEER_POD, 64, MTU)));

            ByteBuf answer = Unpooled.wrappedBuffer(tun.written().get(0));
            assertThat(answer.getByte(VirtioNetHeader.BYTES + 21))
                    .isEqualTo((byte) Icmpv4Error.CODE_FRAGMENTATION_NEEDED);
            assertThat(answer.getUnsignedShort(VirtioNetHeader.BYTES + 26)).isEqualTo(MTU);
            assertThat(worker.counters().dropped(DropReason.TOO_BIG)).isEqualTo(1);
            closes(worker.counters());
        }

        @Test
        void anIcmpErrorIsNeverAnswered() {
            Worker worker = vxlan();
            byte[] error = Packets.echo(POD, bits("10.5.77.1"), 64, 56);
            error[20] = 3;

            read(worker, Packets.plain(error));

            assertThat(tun.written()).isEmpty();
            assertThat(worker.counters().dropped(DropReason.NO_ROUTE)).isEqualTo(1);
        }

        @Test
        void eachErrnoHasItsReason() {
            int[] errnos = {
                Errno.EAGAIN, Errno.ENOBUFS, Errno.EPERM, Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.EINVAL
            };
            DropReason[] reasons = {
                DropReason.SEND_BUFFER_FULL, DropReason.SEND_BUFFER_FULL, DropReason.SEND_FORBIDDEN,
                DropReason.PEER_UNREACHABLE, DropReason.PEER_UNREACHABLE, DropReason.SEND_REFUSED
            };
            for (int i = 0; i < errnos.length; i++) {
                Worker worker = vxlan();
                socket.refuse(errnos[i], false);
                read(worker, Packets.plain(Packets.echo(POD, PEER_POD, 64, 56)));
                assertThat(worker.counters().dropped(reasons[i]))
                        .as("errno %d", errnos[i])
                        .isEqualTo(1);
                closes(worker.counters());
            }
        }

        @Test
        void wherePathsRefuseSegmentationEachDatagramGoesAlone() {
            Worker worker = vxlan();
            socket.refuse(Errno.EINVAL, true);
            Tcp tcp = Tcp.data(POD, PEER_POD);
            byte[] whole = Packets.superPacket(Packets.tcp(tcp, Packets.random(1, 20_000)), 1, tcp.headerBytes(), 1398);

            read(worker, whole);
            read(worker, whole);

            assertThat(socket.sent()).hasSize(30);
            assertThat(fallbacks).hasSize(1);
            assertThat(worker.counters().get(Counter.SEGMENTATION_FALLBACKS)).isEqualTo(1);
            closes(worker.counters());
        }

        /** The kernel takes no runs without checksums, so that it must not be given one. */
        @Test
        void wherePathsDamageChecksumsEachDatagramGoesAloneWithoutOne() {
            Worker worker = vxlan();
            peers.get(0).damageChecksums(true);
            Tcp tcp = Tcp.data(POD, PEER_POD);
            byte[] whole = Packets.superPacket(Packets.tcp(tcp, Packets.random(1, 20_000)), 1, tcp.headerBytes(), 1398);
            Tcp other = Tcp.data(POD, bits("10.5.3.3"));
            byte[] others =
                    Packets.superPacket(Packets.tcp(other, Packets.random(1, 20_000)), 1, other.headerBytes(), 1398);

            read(worker, others, whole, others, whole);

            assertThat(socket.sent())
                    .hasSize(60)
                    .allSatisfy(datagram -> assertThat(datagram.hasChecksum())
                            .isNotEqualTo(datagram.address().equals(IpAddress.ofIpv4(PEER_NODE))));
            assertThat(socket.messages()).as("two runs, and 30 by themselves").isEqualTo(32);
            assertThat(fallbacks).as("the kernel refused nothing").isEmpty();
            closes(worker.counters());

            peers.get(0).damageChecksums(false);
            read(worker, whole);
            assertThat(socket.messages()).as("a run again").isEqualTo(33);
            assertThat(socket.sent().get(74).hasChecksum()).isTrue();
        }

        @Test
        void aRefusedReadIsCountedAndADeletedDeviceTold() {
            Worker worker = vxlan();
            tun.refuseReads(Errno.EIO);
            assertThat(worker.run()).as("it may pass").isZero();
            assertThat(worker.counters().get(Counter.OUT_READ_ERRORS)).isEqualTo(1);
            read(worker, Packets.plain(Packets.echo(POD, PEER_POD, 64, 56)));
            assertThat(socket.sent()).as("it still carries").hasSize(1);

            tun.refuseReads(Errno.EBADFD);
            assertThat(worker.run()).isEqualTo(Errno.EBADFD);
        }

        /** Otherwise a pod with a packet socket could have its own source address rewritten after it was checked. */
        @Test
        void aChecksumInsideTheIpHeaderIsNotMade() {
            Worker worker = vxlan();
            byte[] header = new byte[VirtioNetHeader.BYTES];
            int sourceAddressAt = 12;
            for (int start : new int[] {0, 10, 19}) {
                VirtioNetHeader.writePartial(
                        Unpooled.wrappedBuffer(header), 0, start, Math.max(0, sourceAddressAt - start));
                read(worker, Packets.behind(header, Packets.echo(POD, PEER_POD, 64, 56)));
            }

            assertThat(worker.counters().dropped(DropReason.MALFORMED)).isEqualTo(3);
            assertThat(socket.sent()).isEmpty();
            closes(worker.counters());
        }

        @Test
        void whatIsNoIpv4PacketIsCounted() {
            Worker worker = udp();
            byte[] ipv6 = new byte[48];
            ipv6[0] = 0x60;
            ipv6[5] = 8;
            byte[] short4 = Arrays.copyOf(Packets.echo(POD, PEER_POD, 64, 56), 30);

            read(worker, Packets.plain(ipv6), Packets.plain(short4), Packets.plain(new byte[] {0x45}));
            read(worker, Packets.plain(Packets.echo(POD, PEER_POD, 1, 56)));

            assertThat(worker.counters().dropped(DropReason.UNSUPPORTED_FAMILY)).isEqualTo(1);
            assertThat(worker.counters().dropped(DropReason.MALFORMED)).isEqualTo(2);
            assertThat(worker.counters().dropped(DropReason.TIME_TO_LIVE)).isEqualTo(1);
            assertThat(socket.sent()).isEmpty();
            closes(worker.counters());
        }
    }

    @Nested
    class Inwards {
        @Test
        void aDatagramFromAPeerIsDelivered() {
            Worker worker = vxlan();
            byte[] packet = Packets.echo(PEER_POD, POD, 64, 56);

            receive(worker, PEER_NODE, frame(packet));

            assertThat(tun.written().get(0)).isEqualTo(Packets.plain(packet));
            assertThat(worker.counters().get(Counter.IN_DELIVERED)).isEqualTo(1);
            closes(worker.counters());
        }

        @Test
        void aJoinedRunIsTakenApart() {
            Worker worker = udp();
            byte[] one = Packets.udp(PEER_POD, POD, 1, Packets.random(1, 100));
            byte[] two = Packets.udp(PEER_POD, POD, 2, Packets.random(2, 100));

            socket.arrive(IpAddress.ofIpv4(PEER_NODE), Packets.behind(one, two), one.length);
            worker.run();

            assertThat(worker.counters().get(Counter.IN_PACKETS)).isEqualTo(2);
            assertThat(worker.counters().get(Counter.IN_DELIVERED)).isEqualTo(2);
            closes(worker.counters());
        }

        @Test
        void aSourceThatTheSenderHasNotLeasedIsRefused() {
            Worker worker = udp();

            receive(worker, PEER_NODE, Packets.echo(bits("10.5.3.3"), POD, 64, 0));
            receive(worker, PEER_NODE, Packets.echo(POD, POD, 64, 0));
            receive(worker, STRANGER, Packets.echo(PEER_POD, POD, 64, 0));

            assertThat(worker.counters().dropped(DropReason.SPOOFED)).isEqualTo(2);
            assertThat(worker.counters().dropped(DropReason.UNKNOWN_PEER)).isEqualTo(1);
            assertThat(tun.written()).isEmpty();
            closes(worker.counters());
        }

        @Test
        void thePeerNodeItselfMayAnswer() {
            Worker worker = udp();
            receive(worker, PEER_NODE, Packets.echo(PEER_NODE, POD, 64, 0));
            assertThat(tun.written()).hasSize(1);
        }

        @Test
        void eachFaultHasItsReason() {
            Worker worker = vxlan();
            byte[] packet = Packets.echo(PEER_POD, POD, 64, 56);
            byte[] good = frame(packet);
            byte[] flags = good.clone();
            flags[0] = 0x0c;
            byte[] vni = good.clone();
            vni[6] = 9;
            byte[] mac = good.clone();
            mac[13] = 9;
            byte[] arp = good.clone();
            arp[21] = 6;
            byte[] elsewhere = frame(Packets.echo(PEER_POD, bits("10.5.9.9"), 64, 0));
            byte[] damaged = frame(Packets.udp(PEER_POD, POD, 1, new byte[100]));
            damaged[90] ^= 1;

            receive(worker, PEER_NODE, flags);
            receive(worker, PEER_NODE, vni);
            receive(worker, PEER_NODE, mac);
            receive(worker, PEER_NODE, arp);
            receive(worker, PEER_NODE, elsewhere);
            receive(worker, PEER_NODE, damaged);
            receive(worker, PEER_NODE, Arrays.copyOf(good, 40));
            receive(worker, PEER_NODE, Arrays.copyOf(good, 10));
            tun.refuseWrites(5);
            receive(worker, PEER_NODE, good);

            Counters counters = worker.counters();
            assertThat(counters.dropped(DropReason.BAD_ENCAPSULATION)).isEqualTo(2);
            assertThat(counters.dropped(DropReason.WRONG_VNI)).isEqualTo(1);
            assertThat(counters.dropped(DropReason.WRONG_MAC)).isEqualTo(1);
            assertThat(counters.dropped(DropReason.NOT_IP)).isEqualTo(1);
            assertThat(counters.dropped(DropReason.NOT_OUR_SUBNET)).isEqualTo(1);
            assertThat(counters.dropped(DropReason.BAD_INNER_CHECKSUM)).isEqualTo(1);
            assertThat(counters.dropped(DropReason.MALFORMED_INNER)).isEqualTo(1);
            assertThat(counters.dropped(DropReason.TUN_REFUSED)).isEqualTo(1);
            assertThat(tun.written()).isEmpty();
            closes(counters);
        }

        @Test
        void whateverArrivesIsDeliveredOrCounted() {
            Random random = new Random(11);
            for (Worker worker : List.of(vxlan(), udp())) {
                for (int i = 0; i < 20_000; i++) {
                    byte[] bytes = random.nextBoolean()
                            ? Packets.random(i, random.nextInt(200))
                            : frame(Packets.udp(PEER_POD, POD, i & 3, Packets.random(i, random.nextInt(80))));
                    for (int flips = random.nextInt(3); flips > 0 && bytes.length > 0; flips--) {
                        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                    }
                    socket.arrive(
                            IpAddress.ofIpv4(PEER_NODE),
                            bytes,
                            Math.max(1, random.nextBoolean() ? bytes.length : bytes.length / 3));
                }
                for (int i = 0; i < 1000; i++) {
                    worker.run();
                }
                closes(worker.counters());
                assertThat(worker.counters().get(Counter.IN_PACKETS)).isGreaterThan(20_000);
            }
        }
    }

    private Worker vxlan() {
        return worker(new VxlanEncapsulator(1, OUR_MAC), 8472);
    }

    private Worker udp() {
        return worker(new BareIpEncapsulator(), 8285);
    }

    private Worker worker(Encapsulator encapsulator, int peerPort) {
        TunnelEnd end = new TunnelEnd(
                encapsulator,
                Cidr.parse("10.5.1.0/24"),
                IpAddress.parse("10.5.1.0"),
                MTU,
                TunFeatures.ALL,
                Duration.ZERO,
                true);
        Worker worker = new Worker(UnpooledByteBufAllocator.DEFAULT, 0, tun, socket, end, fallbacks::add);
        peers = List.of(
                new Peer(Cidr.parse("10.5.2.0/24"), IpAddress.ofIpv4(PEER_NODE), peerPort, PEER_MAC.bits()),
                new Peer(Cidr.parse("10.5.3.0/24"), IpAddress.parse("192.168.0.3"), peerPort, 3));
        worker.route(RouteTable.of(peers));
        workers.add(worker);
        return worker;
    }

    private void read(Worker worker, byte[]... packets) {
        for (byte[] packet : packets) {
            tun.offer(packet);
        }
        worker.run();
    }

    private void receive(Worker worker, int source, byte[] datagram) {
        socket.arrive(IpAddress.ofIpv4(source), datagram, datagram.length);
        worker.run();
    }

    private static byte[] frame(byte[] packet) {
        byte[] header = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
        return Packets.behind(header, packet);
    }

    /** Packets in are packets delivered and packets dropped, both ways. */
    static void closes(Counters counters) {
        long out = counters.get(Counter.OUT_DELIVERED);
        long in = counters.get(Counter.IN_DELIVERED);
        for (DropReason reason : DropReason.values()) {
            if (reason.direction() == DropReason.Direction.OUT) {
                out += counters.dropped(reason);
            } else {
                in += counters.dropped(reason);
            }
        }
        assertThat(out).as("outwards").isEqualTo(counters.get(Counter.OUT_PACKETS));
        assertThat(in).as("inwards").isEqualTo(counters.get(Counter.IN_PACKETS));
    }

    private static int bits(String address) {
        return IpAddress.parse(address).ipv4Bits();
    }
}
