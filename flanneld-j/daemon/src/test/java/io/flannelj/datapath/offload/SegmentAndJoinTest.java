package io.flannelj.datapath.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpFamily;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SegmentAndJoinTest extends OffloadRig {
    private static final int POD = 0x0a05_0102;
    private static final int OTHER = 0x0a05_0203;

    SegmentAndJoinTest() {
        super(IpFamily.IPV4);
    }

    @Test
    void joiningWhatWasCutGivesTheSameSuperPacketBack() {
        Random random = new Random(42);
        for (int round = 0; round < 200; round++) {
            int gsoSize = 1 + random.nextInt(1398);
            int payload = gsoSize + 1 + random.nextInt(Math.min(60_000, gsoSize * 60));
            int flags = TcpHeader.ACK | (random.nextBoolean() ? TcpHeader.PSH : 0);
            Tcp tcp = Tcp.data(POD, OTHER)
                    .sequence(random.nextInt())
                    .identification(random.nextInt(65536))
                    .flags(flags);
            byte[] original = Packets.tcp(tcp, Packets.random(round, payload));

            List<byte[]> segments = cut(original, Ipv4Header.PROTOCOL_TCP, gsoSize);
            join(segments);

            assertThat(delivered).as("round %d", round).hasSize(1);
            byte[] expected = Packets.superPacket(original, VirtioNetHeader.GSO_TCPV4, tcp.headerBytes(), gsoSize);
            assertThat(delivered.get(0)).as("round %d", round).isEqualTo(expected);
            assertThat(packetsDelivered.get(0)).isEqualTo(segments.size());
            delivered.clear();
            packetsDelivered.clear();
        }
    }

    @Test
    void udpDatagramsOfOneSizeJoinAndComeApartAgain() {
        byte[] original = Packets.udp(POD, OTHER, 0x0001_0002, Packets.random(5, 1000 * 10 + 17));

        List<byte[]> segments = cut(original, Ipv4Header.PROTOCOL_UDP, 1000);
        join(segments);

        assertThat(segments).hasSize(11);
        assertThat(delivered).hasSize(1);
        // Every datagram has its own IP identification; the joined packet keeps the first.
        assertThat(delivered.get(0)).isEqualTo(Packets.superPacket(original, VirtioNetHeader.GSO_UDP_L4, 28, 1000));
    }

    @Test
    void everySegmentIsAValidPacketOfItsOwn() {
        Tcp tcp = Tcp.data(POD, OTHER)
                .identification(65_534)
                .flags(TcpHeader.ACK | TcpHeader.PSH | TcpHeader.FIN | TcpHeader.CWR);
        byte[] payload = Packets.random(3, 5000);

        List<byte[]> segments = cut(Packets.tcp(tcp, payload), Ipv4Header.PROTOCOL_TCP, 1398);

        int at = 0;
        for (int i = 0; i < segments.size(); i++) {
            int length = Math.min(1398, payload.length - at);
            int flags = tcp.flags();
            if (i < segments.size() - 1) {
                flags &= ~(TcpHeader.PSH | TcpHeader.FIN);
            }
            if (i > 0) {
                flags &= ~TcpHeader.CWR;
            }
            byte[] part = new byte[length];
            System.arraycopy(payload, at, part, 0, length);
            Tcp expected = tcp.sequence(tcp.sequence() + at).flags(flags).identification(65_534 + i & 0xffff);
            assertThat(segments.get(i)).as("segment %d", i).isEqualTo(Packets.tcp(expected, part));
            at += length;
        }
        assertThat(at).isEqualTo(payload.length);
    }

    @Test
    void anyDamagedOctetOfTheTransportIsRefused() {
        byte[] good = Packets.tcp(Tcp.data(POD, OTHER), Packets.random(9, 64));
        for (int i = 20; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] ^= 0x40;
            assertThat(accept(bad, 0)).as("byte %d", i).isFalse();
        }
        coalescer.flush(data);
        assertThat(delivered).isEmpty();
    }

    @Test
    void flowsThatTakeTurnsAreJoinedApart() {
        List<byte[]> mixed = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            for (int flow = 0; flow < 4; flow++) {
                mixed.add(Packets.tcp(
                        Tcp.data(POD, OTHER)
                                .ports(flow)
                                .sequence(1000 + i * 500)
                                .identification(i),
                        Packets.random(i, 500)));
            }
        }

        join(mixed);

        assertThat(packetsDelivered).containsExactly(10, 10, 10, 10);
    }

    @Test
    void aGapAnOptionOrAnotherAcknowledgmentEndsTheRun() {
        Tcp tcp = Tcp.data(POD, OTHER);
        byte[] payload = Packets.random(1, 100);

        join(List.of(
                Packets.tcp(tcp, payload),
                Packets.tcp(tcp.sequence(1200), payload), // gap
                Packets.tcp(tcp.sequence(1300).flags(TcpHeader.ACK | TcpHeader.FIN), payload),
                Packets.tcp(tcp.sequence(1400), new byte[0])));

        assertThat(packetsDelivered).containsExactly(1, 1, 1, 1);
    }

    @Test
    void packetsOfOneFlowStayInOrder() {
        Random random = new Random(8);
        List<byte[]> stream = new ArrayList<>();
        int sequence = 0;
        for (int i = 0; i < 300; i++) {
            byte[] payload = Packets.random(i, random.nextInt(300));
            int flags = TcpHeader.ACK | (random.nextInt(5) == 0 ? TcpHeader.PSH : 0);
            stream.add(Packets.tcp(Tcp.data(POD, OTHER).sequence(sequence).flags(flags), payload));
            sequence += payload.length;
        }

        join(stream);

        int next = 0;
        for (byte[] packet : delivered) {
            ByteBuf view = Unpooled.wrappedBuffer(packet);
            assertThat(TcpHeader.sequence(view, 30)).isEqualTo(next);
            next += packet.length - VirtioNetHeader.BYTES - 52;
        }
        assertThat(next).isEqualTo(sequence);
        assertThat(delivered.size()).isLessThan(stream.size());
    }

    @Test
    void aPartialChecksumIsHandedOnPartial() {
        byte[] packet = Packets.tcp(Tcp.data(POD, OTHER), Packets.random(1, 200));
        byte[] partial = Packets.superPacket(packet, VirtioNetHeader.GSO_TCPV4, 52, 1398);
        data.setBytes(0, partial, VirtioNetHeader.BYTES, packet.length);

        assertThat(coalescer.accept(data, data.memoryAddress(), 0, packet.length))
                .isTrue();

        ByteBuf out = Unpooled.wrappedBuffer(delivered.get(0));
        assertThat(VirtioNetHeader.needsChecksum(out, 0)).isTrue();
        assertThat(VirtioNetHeader.gsoType(out, 0)).isEqualTo(VirtioNetHeader.GSO_NONE);
        assertThat(VirtioNetHeader.checksumStart(out, 0)).isEqualTo(20);
        assertThat(VirtioNetHeader.checksumOffset(out, 0)).isEqualTo(16);
    }

    @Test
    void aPartialPacketLongerThanTheMtuIsHandedOnAsASuperPacket() {
        byte[] packet = Packets.tcp(Tcp.data(POD, OTHER), Packets.random(1, 9000));
        byte[] partial = Packets.superPacket(packet, VirtioNetHeader.GSO_TCPV4, 52, MTU - 52);
        data.setBytes(0, partial, VirtioNetHeader.BYTES, packet.length);

        assertThat(coalescer.accept(data, data.memoryAddress(), 0, packet.length))
                .isTrue();

        assertThat(delivered.get(0)).isEqualTo(partial);
    }

    /** Of which a few would take a worker as long as many thousand packets of others. */
    @Test
    void aSuperPacketStandsForNoMorePacketsThanTheKernelMakesOne() {
        byte[] tcp = Packets.tcp(Tcp.data(POD, OTHER), Packets.random(5, 65_000));
        byte[] udp = Packets.udp(POD, OTHER, 0x0001_0002, Packets.random(6, 12_800));

        assertThat(tryCut(tcp, VirtioNetHeader.GSO_TCPV4, 1)).isEmpty();
        assertThat(tryCut(tcp, VirtioNetHeader.GSO_TCPV4, 35)).isEmpty();
        assertThat(tryCut(tcp, VirtioNetHeader.GSO_TCPV4, 36)).hasSize(1806);
        assertThat(tryCut(udp, VirtioNetHeader.GSO_UDP_L4, 99)).isEmpty();
        assertThat(tryCut(udp, VirtioNetHeader.GSO_UDP_L4, 100)).hasSize(128);
        assertThat(tryCut(Packets.tcp(Tcp.data(POD, OTHER), Packets.random(7, 100)), VirtioNetHeader.GSO_TCPV4, 1))
                .as("small packets in few")
                .hasSize(100);
    }

    @Test
    void randomBytesBehindAnIpHeaderNeverThrow() {
        Random random = new Random(77);
        for (int i = 0; i < 20_000; i++) {
            int length = 20 + random.nextInt(120);
            byte[] packet = Packets.random(i, length);
            packet[0] = (byte) (0x40 | 5 + random.nextInt(Math.min(15, length / 4) - 4));
            packet[2] = 0;
            packet[3] = (byte) length;
            packet[9] = (byte) (random.nextBoolean() ? 6 : 17);
            accept(packet, 0);
            tryCut(packet, VirtioNetHeader.GSO_TCPV4, random.nextInt(40));
            tryCut(packet, VirtioNetHeader.GSO_UDP_L4, random.nextInt(40));
            coalescer.flush(data);
        }
    }
}
