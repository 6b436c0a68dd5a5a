package io.flannelj.datapath.offload;

import io.flannelj.device.Iovecs;
import io.flannelj.device.TunFeatures;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Cost of one TCP super-packet of 45 segments of a full MTU: cut apart, checksums computed; and joined again, checksums verified.
 * Run: {@code ./mvnw -Pbench verify -Dbench=Offload}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class OffloadBenchmark implements SegmentSink, PacketSink {
    private static final IpHeader IP = IpHeader.of(IpFamily.IPV4);
    private static final int MTU_BYTES = 1450;
    private static final int HEADERS = Ipv4Header.MIN_BYTES + TcpHeader.MIN_BYTES;
    private static final int SEGMENT_PAYLOAD = MTU_BYTES - HEADERS;
    private static final int SEGMENTS = 45;
    private static final int SLOT_BYTES = 128;
    private static final int SOURCE = IpAddress.parse("10.5.1.2").ipv4Bits();
    private static final int DESTINATION = IpAddress.parse("10.5.2.3").ipv4Bits();

    private final ByteBuf superPacket = packet(0, SEGMENTS * SEGMENT_PAYLOAD);
    private final ByteBuf head = superPacket.copy(0, HEADERS);
    private final ByteBuf segments = PooledByteBufAllocator.DEFAULT.directBuffer(SEGMENTS * MTU_BYTES);
    private final ByteBuf headers = PooledByteBufAllocator.DEFAULT.directBuffer(SEGMENTS * SLOT_BYTES);
    private final Segmenter segmenter = new Segmenter(IP);
    private final Coalescer coalescer =
            new Coalescer(PooledByteBufAllocator.DEFAULT, IP, TunFeatures.ALL, MTU_BYTES, this);
    private final ByteBuf firstHead;
    private int slot;
    private long seen;

    /** Fills the segments that are joined. */
    public OffloadBenchmark() {
        for (int i = 0; i < SEGMENTS; i++) {
            ByteBuf segment = packet(i * SEGMENT_PAYLOAD, SEGMENT_PAYLOAD);
            segments.setBytes(i * MTU_BYTES, segment, 0, MTU_BYTES);
            segment.release();
        }
        firstHead = segments.copy(0, HEADERS);
    }

    private static ByteBuf packet(int sequence, int payload) {
        int total = HEADERS + payload;
        ByteBuf packet = PooledByteBufAllocator.DEFAULT.directBuffer(total);
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < total; i++) {
            packet.writeByte(random.nextInt());
        }
        int tcp = Ipv4Header.MIN_BYTES;
        Ipv4Header.write(packet, 0, total, 64, Ipv4Header.PROTOCOL_TCP, SOURCE, DESTINATION);
        packet.setInt(tcp, 40_000 << 16 | 5201);
        packet.setInt(tcp + 4, sequence);
        packet.setInt(tcp + 8, 1);
        packet.setByte(tcp + 12, TcpHeader.MIN_BYTES << 2);
        packet.setByte(tcp + 13, TcpHeader.ACK);
        packet.setShort(tcp + 14, 512);
        packet.setInt(tcp + TcpHeader.CHECKSUM_OFFSET, 0);
        long sum = IP.pseudoHeaderSum(packet, 0, Ipv4Header.PROTOCOL_TCP, total - tcp);
        InternetChecksum.store(
                packet, tcp + TcpHeader.CHECKSUM_OFFSET, InternetChecksum.add(sum, packet, tcp, total - tcp));
        return packet;
    }

    @TearDown
    public void release() {
        coalescer.close();
        superPacket.release();
        head.release();
        firstHead.release();
        segments.release();
        headers.release();
    }

    @Benchmark
    public long segment() {
        slot = 0;
        superPacket.setBytes(0, head, 0, HEADERS); // cutting uses it up
        int length = superPacket.writerIndex();
        int upper = IP.upperLayer(superPacket, 0, length);
        segmenter.cut(superPacket, 0, length, upper, SEGMENT_PAYLOAD, this);
        return seen;
    }

    @Benchmark
    public long coalesce() {
        segments.setBytes(0, firstHead, 0, HEADERS); // joining makes it the whole run's
        long address = segments.memoryAddress();
        for (int i = 0; i < SEGMENTS; i++) {
            if (!coalescer.accept(segments, address, i * MTU_BYTES, MTU_BYTES)) {
                throw new IllegalStateException("the checksum of segment " + i + " is refused");
            }
        }
        coalescer.flush(segments);
        return seen;
    }

    @Override
    public ByteBuf headers() {
        return headers;
    }

    @Override
    public int nextHeader() {
        return slot++ * SLOT_BYTES;
    }

    @Override
    public void accept(int headerOffset, int headerBytes, int payloadOffset, int payloadBytes) {
        seen += payloadBytes;
    }

    @Override
    public void write(Iovecs packet, int packets) {
        seen += packets;
    }
}
