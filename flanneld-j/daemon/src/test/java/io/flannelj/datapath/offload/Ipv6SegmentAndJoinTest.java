package io.flannelj.datapath.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Ipv6Header;
import io.flannelj.packet.Ipv6Packets;
import io.flannelj.packet.Packets;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Ipv6SegmentAndJoinTest extends OffloadRig {
    private static final IpAddress POD = IpAddress.parse("fd00:5:0:1::2");
    private static final IpAddress OTHER = IpAddress.parse("fd00:5:0:2::3");
    private static final int HEADER = 72; // 40 of IPv6, 32 of TCP with options
    private static final int PORTS = 0x1234_5678;

    Ipv6SegmentAndJoinTest() {
        super(IpFamily.IPV6);
    }

    @Test
    void joiningWhatWasCutGivesTheSameSuperPacketBack() {
        Random random = new Random(42);
        for (int round = 0; round < 200; round++) {
            int gsoSize = 1 + random.nextInt(1358);
            int payload = gsoSize + 1 + random.nextInt(Math.min(60_000, gsoSize * 60));
            int flags = TcpHeader.ACK | (random.nextBoolean() ? TcpHeader.PSH : 0);
            byte[] original = tcp(random.nextInt(), flags, Packets.random(round, payload));

            List<byte[]> segments = cut(original, Ipv4Header.PROTOCOL_TCP, gsoSize);
            join(segments);

            assertThat(delivered).as("round %d", round).hasSize(1);
            assertThat(delivered.get(0))
                    .as("round %d", round)
                    .isEqualTo(Packets.superPacket(original, VirtioNetHeader.GSO_TCPV6, HEADER, gsoSize));
            assertThat(packetsDelivered.get(0)).isEqualTo(segments.size());
            delivered.clear();
            packetsDelivered.clear();
        }
    }

    @Test
    void udpDatagramsOfOneSizeJoinAndComeApartAgain() {
        byte[] original = Ipv6Packets.udp(POD, OTHER, PORTS, Packets.random(5, 1000 * 10 + 17));

        List<byte[]> segments = cut(original, Ipv4Header.PROTOCOL_UDP, 1000);
        join(segments);

        assertThat(segments).hasSize(11);
        assertThat(delivered)
                .singleElement()
                .isEqualTo(Packets.superPacket(original, VirtioNetHeader.GSO_UDP_L4, 48, 1000));
    }

    @Test
    void everySegmentIsAValidPacketOfItsOwn() {
        int flags = TcpHeader.ACK | TcpHeader.PSH | TcpHeader.FIN | TcpHeader.CWR;
        byte[] payload = Packets.random(3, 3000);

        List<byte[]> segments = cut(tcp(7000, flags, payload), Ipv4Header.PROTOCOL_TCP, 1358);

        assertThat(segments)
                .containsExactly(
                        tcp(7000, TcpHeader.ACK | TcpHeader.CWR, Arrays.copyOfRange(payload, 0, 1358)),
                        tcp(8358, TcpHeader.ACK, Arrays.copyOfRange(payload, 1358, 2716)),
                        tcp(
                                9716,
                                TcpHeader.ACK | TcpHeader.PSH | TcpHeader.FIN,
                                Arrays.copyOfRange(payload, 2716, 3000)));
    }

    @Test
    void aSuperPacketWithOptionsInFrontIsCutBehindThem() {
        byte[] payload = Packets.random(3, 3000);
        byte[] original = Ipv6Packets.withExtension(tcp(1, TcpHeader.ACK, payload), Ipv6Header.DESTINATION_OPTIONS);

        List<byte[]> segments = cut(original, Ipv4Header.PROTOCOL_TCP, 1358);

        assertThat(segments.get(1))
                .isEqualTo(Ipv6Packets.withExtension(
                        tcp(1359, TcpHeader.ACK, Arrays.copyOfRange(payload, 1358, 2716)),
                        Ipv6Header.DESTINATION_OPTIONS));
    }

    @Test
    void anyDamagedOctetOfTheTransportIsRefused() {
        byte[] good = tcp(1000, TcpHeader.ACK, Packets.random(9, 64));
        for (int i = 40; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] ^= 0x40;
            assertThat(accept(bad, 0)).as("byte %d", i).isFalse();
        }
        coalescer.flush(data);
        assertThat(delivered).isEmpty();
    }

    @Test
    void anotherFlowLabelTrafficClassOrHopLimitEndsTheRun() {
        byte[] payload = Packets.random(1, 100);
        List<byte[]> stream = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            stream.add(tcp(1000 + i * 100, TcpHeader.ACK, payload));
        }
        stream.get(1)[3] ^= 1;
        stream.get(2)[1] ^= 0x10;
        stream.get(3)[7] = 9;

        join(stream);

        assertThat(packetsDelivered).containsExactly(1, 1, 1, 1);
    }

    @Test
    void flowsThatDifferInOneBitOfAnAddressAreJoinedApart() {
        List<byte[]> mixed = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            for (long host = 2; host < 6; host++) {
                mixed.add(Ipv6Packets.tcp(
                        IpAddress.ofIpv6(POD.highBits(), host),
                        OTHER,
                        PORTS,
                        1000 + i * 500,
                        TcpHeader.ACK,
                        Packets.random(i, 500)));
            }
        }

        join(mixed);

        assertThat(packetsDelivered).containsExactly(10, 10, 10, 10);
    }

    @Test
    void fragmentsRoutedPacketsAndOptionsGoAsTheyCame() {
        byte[] whole = tcp(1000, TcpHeader.ACK, Packets.random(1, 100));
        List<byte[]> packets = List.of(
                Ipv6Packets.withExtension(whole, Ipv6Header.FRAGMENT),
                Ipv6Packets.withExtension(whole, 43),
                Ipv6Packets.withExtension(whole, Ipv6Header.HOP_BY_HOP),
                Ipv6Packets.echo(POD, OTHER, 64, 56));

        join(packets);

        assertThat(delivered).hasSize(4);
        for (int i = 0; i < 4; i++) {
            assertThat(delivered.get(i)).isEqualTo(Packets.plain(packets.get(i)));
        }
    }

    @Test
    void aPartialPacketLongerThanTheMtuIsHandedOnAsASuperPacket() {
        byte[] packet = tcp(1000, TcpHeader.ACK, Packets.random(1, 9000));
        byte[] partial = Packets.superPacket(packet, VirtioNetHeader.GSO_TCPV6, HEADER, MTU - HEADER);

        assertThat(accept(Arrays.copyOfRange(partial, VirtioNetHeader.BYTES, partial.length), 0))
                .isTrue();

        assertThat(delivered).singleElement().isEqualTo(partial);
    }

    @Test
    void whereverAPacketIsCutOffNothingThrows() {
        byte[] whole =
                Ipv6Packets.withExtension(tcp(1000, TcpHeader.ACK, Packets.random(1, 40)), Ipv6Header.HOP_BY_HOP);
        ByteBuf view = Unpooled.wrappedBuffer(whole);
        for (int length = 0; length < whole.length; length++) {
            assertThat(Ipv6Header.CODEC.isWellFormed(view, 0, length)).isFalse();
        }
        for (int length = 40; length < whole.length; length++) {
            byte[] shortened = Arrays.copyOf(whole, length);
            Ipv6Header.CODEC.setLength(Unpooled.wrappedBuffer(shortened), 0, length);
            accept(shortened, 0);
            assertThat(tryCut(shortened, VirtioNetHeader.GSO_TCPV4, 10)).isEmpty();
            tryCut(shortened, VirtioNetHeader.GSO_TCPV6, 10);
        }
        coalescer.flush(data);
    }

    @Test
    void randomBytesBehindAnIpHeaderNeverThrow() {
        Random random = new Random(77);
        int[] headers = {0, 6, 17, 43, 44, 58, 59, 60};
        for (int i = 0; i < 20_000; i++) {
            int length = 40 + random.nextInt(120);
            byte[] packet = Packets.random(i, length);
            packet[0] = 0x60;
            packet[4] = 0;
            packet[5] = (byte) (length - 40);
            packet[6] = (byte) headers[random.nextInt(headers.length)];
            accept(packet, 0);
            tryCut(packet, VirtioNetHeader.GSO_TCPV6, random.nextInt(40));
            tryCut(packet, VirtioNetHeader.GSO_UDP_L4, random.nextInt(40));
            coalescer.flush(data);
        }
    }

    private static byte[] tcp(int sequence, int flags, byte[] payload) {
        return Ipv6Packets.tcp(POD, OTHER, PORTS, sequence, flags, payload);
    }
}
