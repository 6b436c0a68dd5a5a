package io.flannelj.datapath.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.device.Iovecs;
import io.flannelj.device.TunFeatures;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Ipv6Header;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.internal.PlatformDependent;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** A segmenter and a coalescer over one buffer, for packets of one family. */
abstract class OffloadRig {
    static final int MTU = 1450;

    final ByteBuf data = Unpooled.directBuffer(1 << 20);
    final List<byte[]> delivered = new ArrayList<>();
    final List<Integer> packetsDelivered = new ArrayList<>();
    final Coalescer coalescer;
    private final IpHeader ip;
    private final Segmenter segmenter;

    OffloadRig(IpFamily family) {
        this.ip = IpHeader.of(family);
        this.segmenter = new Segmenter(ip);
        this.coalescer = new Coalescer(UnpooledByteBufAllocator.DEFAULT, ip, TunFeatures.ALL, MTU, this::deliver);
    }

    @AfterEach
    void release() {
        coalescer.close();
        data.release();
    }

    boolean accept(byte[] packet, int at) {
        data.setBytes(at, packet);
        return coalescer.accept(data, data.memoryAddress(), at, packet.length);
    }

    void join(List<byte[]> packets) {
        int at = 0;
        for (byte[] packet : packets) {
            assertThat(accept(packet, at)).isTrue();
            at += packet.length;
        }
        coalescer.flush(data);
    }

    /** Cuts what is sound; empty where it is not. */
    List<byte[]> tryCut(byte[] packet, int gsoType, int gsoSize) {
        data.setBytes(0, packet);
        int upper = ip.upperLayer(data, 0, packet.length);
        Segments sink = new Segments();
        if (segmenter.isSound(data, 0, packet.length, upper, gsoType, gsoSize)) {
            segmenter.cut(data, 0, packet.length, upper, gsoSize, sink);
        }
        return sink.cut;
    }

    List<byte[]> cut(byte[] packet, int protocol, int gsoSize) {
        int gsoType = protocol == Ipv4Header.PROTOCOL_TCP ? ip.tcpGsoType() : VirtioNetHeader.GSO_UDP_L4;
        List<byte[]> segments = tryCut(packet, gsoType, gsoSize);
        assertThat(segments).as("sound").isNotEmpty();
        for (byte[] segment : segments) {
            ByteBuf view = Unpooled.wrappedBuffer(segment);
            assertThat(ip.isWellFormed(view, 0, segment.length)).isTrue();
            int ipBytes = IpHeader.headerBytes(ip.upperLayer(view, 0, segment.length));
            long sum = ip.pseudoHeaderSum(view, 0, protocol, segment.length - ipBytes);
            assertThat(InternetChecksum.isValid(InternetChecksum.add(sum, view, ipBytes, segment.length - ipBytes)))
                    .isTrue();
            assertThat(ip == Ipv6Header.CODEC || Ipv4Header.hasValidChecksum(view, 0))
                    .isTrue();
        }
        return segments;
    }

    private void deliver(Iovecs packet, int packets) {
        byte[] bytes = new byte[packet.bytes()];
        int at = 0;
        for (int i = 0; i < packet.count(); i++) {
            PlatformDependent.copyMemory(packet.partAddress(i), bytes, at, packet.length(i));
            at += packet.length(i);
        }
        delivered.add(bytes);
        packetsDelivered.add(packets);
    }

    private final class Segments implements SegmentSink {
        final List<byte[]> cut = new ArrayList<>();
        private final ByteBuf headers = Unpooled.buffer(256);

        @Override
        public ByteBuf headers() {
            return headers;
        }

        @Override
        public int nextHeader() {
            return 3;
        }

        @Override
        public void accept(int headerOffset, int headerBytes, int payloadOffset, int payloadBytes) {
            byte[] segment = new byte[headerBytes + payloadBytes];
            headers.getBytes(headerOffset, segment, 0, headerBytes);
            data.getBytes(payloadOffset, segment, headerBytes, payloadBytes);
            cut.add(segment);
        }
    }
}
