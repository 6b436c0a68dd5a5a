package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.Ipv6Packets;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WatchRingTest {
    private static final int BYTES = 256 << 10;
    private static final IpAddress POD = IpAddress.parse("10.5.1.2");
    private static final IpAddress PEER_POD = IpAddress.parse("10.5.2.3");

    private final ByteBuf memory = new UnpooledByteBufAllocator(true, true).directBuffer(70_000);
    private final TraceContext context = new TraceContext();

    @AfterEach
    void release() {
        memory.release();
    }

    private void offer(WatchRing ring, byte[] packet) {
        offer(ring, packet, packet.length, 0);
    }

    /** In two parts, as a segment of a super-packet is. */
    private void offer(WatchRing ring, byte[] packet, int firstBytes, long now) {
        memory.setBytes(0, packet);
        context.begin(TracePoint.FROM_POD, null, packet.length, 0, 1, 0);
        if (ring.begin(context, 0, now)) {
            ring.add(memory.memoryAddress(), firstBytes, 0);
            ring.add(memory.memoryAddress() + firstBytes, packet.length - firstBytes, 0);
            ring.complete(0, now);
        }
    }

    private static WatchFilter filter(@Nullable IpAddress one, @Nullable IpAddress other, int protocol, int port) {
        return new WatchFilter(Set.of(TracePoint.FROM_POD), null, one, other, protocol, port, 65_535, 0);
    }

    private static WatchRing ring(WatchFilter filter) {
        return new WatchRing(filter, IpFamily.IPV4, BYTES, 0);
    }

    private static List<byte[]> drain(WatchRing ring) {
        List<byte[]> all = new ArrayList<>();
        for (PacketCopy copy = ring.poll(); copy != null; copy = ring.poll()) {
            all.add(copy.data());
        }
        return all;
    }

    @Test
    void copiesComeWholeAndInOrderHoweverOftenTheRingBeginsAnew() {
        WatchRing ring = ring(WatchFilter.ALL);
        for (int i = 0; i < 500; i++) {
            byte[] packet = Packets.random(i, 1 + i * 131 % 60_000);
            offer(ring, packet, packet.length / 3, 0);
            assertThat(drain(ring)).as("packet %d", i).containsExactly(packet);
        }
        assertThat(ring.lost()).isZero();
    }

    @Test
    void withoutARoomPacketsAreCountedAndTheEarlierOnesStay() {
        WatchRing ring = ring(WatchFilter.ALL);
        byte[] packet = Packets.random(1, 10_000);
        for (int i = 0; i < 100; i++) {
            offer(ring, packet);
        }
        List<byte[]> kept = drain(ring);
        assertThat(kept)
                .hasSizeBetween(20, 27)
                .allSatisfy(copy -> assertThat(copy).isEqualTo(packet));
        assertThat(ring.lost()).isEqualTo(100 - kept.size());
        offer(ring, packet);
        assertThat(drain(ring)).hasSize(1);
    }

    @Test
    void addressesProtocolAndPortSelectWhicheverWayThePacketGoes() {
        byte[] there = Packets.tcp(Tcp.data(POD.ipv4Bits(), PEER_POD.ipv4Bits()), new byte[1000]);
        byte[] back = Packets.tcp(Tcp.data(PEER_POD.ipv4Bits(), POD.ipv4Bits()), new byte[1000]);
        byte[] ping = Packets.echo(POD.ipv4Bits(), PEER_POD.ipv4Bits(), 64, 56);
        byte[] other = Packets.echo(IpAddress.parse("10.5.1.9").ipv4Bits(), PEER_POD.ipv4Bits(), 64, 56);
        int port = (there[22] & 0xff) << 8 | there[23] & 0xff;
        assertThat(taken(filter(POD, null, -1, 0), there, back, ping, other)).containsExactly(there, back, ping);
        assertThat(taken(filter(POD, PEER_POD, -1, 0), there, back, ping, other))
                .containsExactly(there, back, ping);
        assertThat(taken(filter(POD, IpAddress.parse("10.5.2.4"), -1, 0), there, back, ping, other))
                .isEmpty();
        assertThat(taken(filter(null, null, 1, 0), there, back, ping, other)).containsExactly(ping, other);
        assertThat(taken(filter(null, null, -1, port), there, ping)).containsExactly(there);
        assertThat(taken(filter(null, null, 6, port + 1), there, back)).isEmpty();
        IpAddress pod6 = IpAddress.parse("fd00:5:0:1::2");
        byte[] ping6 = Ipv6Packets.echo(pod6, IpAddress.parse("fd00:5:0:2::3"), 64, 56);
        assertThat(taken(filter(pod6, null, 58, 0), ping6, ping)).containsExactly(ping6);
    }

    @Test
    void aHeadlessOrShortPacketIsNotWantedByAFilter() {
        byte[] packet = Packets.tcp(Tcp.data(POD.ipv4Bits(), PEER_POD.ipv4Bits()), new byte[10]);
        for (int length = 1; length < packet.length; length++) {
            byte[] cut = Arrays.copyOf(packet, length);
            taken(filter(POD, null, -1, 80), cut);
            taken(filter(IpAddress.parse("10.9.9.9"), null, -1, 0), cut);
        }
        assertThat(taken(filter(POD, null, -1, 0), Packets.random(5, 19))).isEmpty();
    }

    private List<byte[]> taken(WatchFilter filter, byte[]... packets) {
        WatchRing ring = ring(filter);
        for (byte[] packet : packets) {
            offer(ring, packet, packet.length / 2, 0);
        }
        assertThat(ring.lost()).isZero();
        return drain(ring);
    }

    @Test
    void aLimitOfPacketsLeavesOutAndCounts() {
        WatchRing ring = new WatchRing(
                new WatchFilter(Set.of(TracePoint.FROM_POD), null, null, null, -1, 0, 100, 10),
                IpFamily.IPV4,
                BYTES,
                0);
        byte[] packet = Packets.random(1, 300);
        int taken = 0;
        for (int i = 0; i < 1000; i++) { // over ten seconds
            offer(ring, packet, 300, i * 10_000_000L);
            taken += drain(ring).size();
        }
        assertThat(taken).isBetween(190, 210);
        assertThat(ring.leftOut()).isEqualTo(1000 - taken);
        assertThat(ring.lost()).isZero();
    }

    @Test
    void aReaderOnAnotherThreadGetsEveryPacketThatWasNotLost() {
        WatchRing ring = ring(WatchFilter.ALL);
        int total = 200_000;
        CompletableFuture<Integer> reading = CompletableFuture.supplyAsync(() -> {
            int read = 0;
            while (true) {
                PacketCopy copy = ring.poll();
                if (copy == null) {
                    Thread.onSpinWait();
                    continue;
                }
                if (copy.length() == 3) {
                    return read;
                }
                for (byte each : copy.data()) {
                    assertThat(each).isEqualTo(copy.data()[0]);
                }
                assertThat(copy.packets() & 0xff).isEqualTo(copy.data()[0] & 0xff);
                read++;
            }
        });
        for (int i = 0; i < total; i++) {
            int bytes = 4 + i % 700;
            for (int at = 0; at < bytes; at++) {
                memory.setByte(at, i);
            }
            context.begin(TracePoint.FROM_POD, null, bytes, 0, i, 0);
            if (ring.begin(context, 0, 0)) {
                ring.add(memory.memoryAddress(), bytes, 0);
                ring.complete(0, 0);
            }
        }
        long lost = ring.lost();
        long before = lost;
        do { // the mark of the end, until there is room for it
            before = ring.lost();
            offer(ring, new byte[3]);
        } while (ring.lost() > before);
        assertThat(reading.join() + lost).isEqualTo(total);
    }
}
