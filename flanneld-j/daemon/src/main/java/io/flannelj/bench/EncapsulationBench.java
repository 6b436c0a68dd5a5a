package io.flannelj.bench;

import io.flannelj.backend.udp.BareIpEncapsulator;
import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.RouteTable;
import io.flannelj.datapath.TunnelEnd;
import io.flannelj.datapath.Worker;
import io.flannelj.device.TunFeatures;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.UdpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The real worker, fed from memory: encapsulation throughput of our own code alone. One thread.
 *
 * <p>Segments are as long as an MTU of 1500 on the underlay allows; checksums are computed and verified as ever.
 */
public final class EncapsulationBench implements AutoCloseable {
    private static final int POD = IpAddress.parse("10.5.1.2").ipv4Bits();
    private static final int PEER_POD = IpAddress.parse("10.5.2.3").ipv4Bits();
    private static final IpAddress PEER_NODE = IpAddress.parse("192.168.0.2");
    private static final MacAddress OUR_MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress PEER_MAC = MacAddress.parse("02:00:00:00:00:02");
    private static final int MTU_BYTES = 1450;
    private static final int TCP_HEADERS = Ipv4Header.MIN_BYTES + 32; // with timestamps, as Linux sends them
    private static final int SEGMENT_PAYLOAD = MTU_BYTES - TCP_HEADERS;
    private static final int SEGMENTS = 45;
    private static final int SMALL_PAYLOAD = 64;
    private static final int SMALL_PACKETS = 64;

    private final PacketLoop loop;
    private final Worker worker;
    private final int packets;
    private final long bytes;

    /** The encapsulations that can be measured. */
    public static final List<String> ENCAPSULATIONS = List.of("vxlan", "udp");

    /**
     * @param encapsulation one of {@link #ENCAPSULATIONS}
     */
    public EncapsulationBench(String encapsulation, EncapsulationCase what) {
        Encapsulator encapsulator =
                encapsulation.equals("vxlan") ? new VxlanEncapsulator(1, OUR_MAC) : new BareIpEncapsulator();
        TunnelEnd end = new TunnelEnd(
                encapsulator,
                Cidr.parse("10.5.1.0/24"),
                IpAddress.parse("10.5.1.0"),
                MTU_BYTES,
                TunFeatures.ALL,
                Duration.ZERO,
                true);
        Peer peer = new Peer(Cidr.parse("10.5.2.0/24"), PEER_NODE, 8472, PEER_MAC.bits());
        this.loop = what.isOut() ? outLoop(what) : inLoop(what, encapsulation);
        boolean tcp = what == EncapsulationCase.TCP_OUT || what == EncapsulationCase.TCP_IN;
        this.packets = tcp ? SEGMENTS : SMALL_PACKETS;
        this.bytes = (long) packets * (tcp ? MTU_BYTES : smallBytes());
        this.worker = new Worker(PooledByteBufAllocator.DEFAULT, 0, loop, loop, end, refused -> {});
        worker.route(RouteTable.of(List.of(peer)));
    }

    /** Packets that one round carries; a super-packet counts as what it stands for. */
    public int packetsPerRound() {
        return packets;
    }

    /** Their bytes, from the inner IP header on. */
    public long bytesPerRound() {
        return bytes;
    }

    /** Carries one round. */
    public void round() {
        loop.refill();
        worker.run();
    }

    private static int smallBytes() {
        return Ipv4Header.MIN_BYTES + UdpHeader.BYTES + SMALL_PAYLOAD;
    }

    private static PacketLoop outLoop(EncapsulationCase what) {
        ByteBuf[] packets;
        if (what == EncapsulationCase.TCP_OUT) {
            packets = new ByteBuf[] {superPacket()};
        } else {
            packets = new ByteBuf[SMALL_PACKETS];
            for (int i = 0; i < SMALL_PACKETS; i++) {
                packets[i] = direct(VirtioNetHeader.BYTES + smallBytes());
                datagram(packets[i], VirtioNetHeader.BYTES, POD, PEER_POD);
            }
        }
        return new PacketLoop(packets, Unpooled.EMPTY_BUFFER, 1, 0);
    }

    private static PacketLoop inLoop(EncapsulationCase what, String encapsulation) {
        boolean tcp = what == EncapsulationCase.TCP_IN;
        int inner = tcp ? MTU_BYTES : smallBytes();
        int count = tcp ? SEGMENTS : SMALL_PACKETS;
        Encapsulator theirs =
                encapsulation.equals("vxlan") ? new VxlanEncapsulator(1, PEER_MAC) : new BareIpEncapsulator();
        int header = theirs.headerBytes();
        int segment = header + inner;
        ByteBuf run = direct(count * segment);
        Peer us = new Peer(Cidr.parse("10.5.1.0/24"), IpAddress.parse("192.168.0.1"), 8472, OUR_MAC.bits());
        for (int i = 0; i < count; i++) {
            theirs.wrap(run, i * segment, us);
            if (tcp) {
                tcpSegment(run, i * segment + header, SEGMENT_PAYLOAD, PEER_POD, POD, i * SEGMENT_PAYLOAD);
            } else {
                datagram(run, i * segment + header, PEER_POD, POD);
            }
        }
        return new PacketLoop(new ByteBuf[0], run, segment, PEER_NODE.ipv4Bits());
    }

    private static ByteBuf superPacket() {
        int payload = SEGMENTS * SEGMENT_PAYLOAD;
        ByteBuf packet = direct(VirtioNetHeader.BYTES + TCP_HEADERS + payload);
        tcpSegment(packet, VirtioNetHeader.BYTES, payload, POD, PEER_POD, 0);
        VirtioNetHeader.writeSuper(
                packet,
                0,
                VirtioNetHeader.GSO_TCPV4,
                TCP_HEADERS,
                SEGMENT_PAYLOAD,
                Ipv4Header.MIN_BYTES,
                TcpHeader.CHECKSUM_OFFSET);
        return packet;
    }

    private static void tcpSegment(ByteBuf packet, int offset, int payload, int source, int destination, int sequence) {
        int total = TCP_HEADERS + payload;
        int transport = offset + Ipv4Header.MIN_BYTES;
        Ipv4Header.write(packet, offset, total, 64, Ipv4Header.PROTOCOL_TCP, source, destination);
        packet.setInt(transport, 40_000 << 16 | 5201);
        packet.setInt(transport + 4, sequence);
        packet.setInt(transport + 8, 1);
        packet.setByte(transport + 12, 32 << 2);
        packet.setByte(transport + 13, TcpHeader.ACK);
        packet.setShort(transport + 14, 512);
        packet.setShort(transport + TcpHeader.CHECKSUM_OFFSET, 0);
        packet.setInt(transport + 18, 0x0000_0101); // urgent pointer, two no-operations
        packet.setInt(transport + 22, 0x080a_0000); // timestamps
        long sum =
                Ipv4Header.CODEC.pseudoHeaderSum(packet, offset, Ipv4Header.PROTOCOL_TCP, total - Ipv4Header.MIN_BYTES);
        sum = InternetChecksum.add(sum, packet, transport, total - Ipv4Header.MIN_BYTES);
        InternetChecksum.store(packet, transport + TcpHeader.CHECKSUM_OFFSET, sum);
    }

    private static void datagram(ByteBuf packet, int offset, int source, int destination) {
        int total = smallBytes();
        int transport = offset + Ipv4Header.MIN_BYTES;
        Ipv4Header.write(packet, offset, total, 64, Ipv4Header.PROTOCOL_UDP, source, destination);
        packet.setInt(transport, 40_000 << 16 | 5201);
        UdpHeader.setTotalBytes(packet, transport, UdpHeader.BYTES + SMALL_PAYLOAD);
        packet.setShort(transport + UdpHeader.CHECKSUM_OFFSET, 0);
        long sum = Ipv4Header.CODEC.pseudoHeaderSum(
                packet, offset, Ipv4Header.PROTOCOL_UDP, UdpHeader.BYTES + SMALL_PAYLOAD);
        sum = InternetChecksum.add(sum, packet, transport, UdpHeader.BYTES + SMALL_PAYLOAD);
        InternetChecksum.storeUdp(packet, transport + UdpHeader.CHECKSUM_OFFSET, sum);
    }

    private static ByteBuf direct(int bytes) {
        SplittableRandom random = new SplittableRandom(7);
        ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(bytes);
        for (int i = 0; i < bytes; i++) {
            buffer.writeByte(random.nextInt());
        }
        buffer.setZero(0, Math.min(bytes, VirtioNetHeader.BYTES));
        return buffer;
    }

    @Override
    public void close() {
        worker.close();
        loop.close();
    }
}
