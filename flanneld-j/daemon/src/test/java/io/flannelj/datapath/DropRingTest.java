package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DropRingTest {
    private static final long SECOND = 1_000_000_000L;

    private final ByteBuf memory = new UnpooledByteBufAllocator(true, true).directBuffer(2048);
    private final TraceContext context = new TraceContext();
    private final DropRing ring = new DropRing(0);

    @AfterEach
    void release() {
        memory.release();
    }

    private boolean drop(DropReason reason, int mark, int bytes, long at) {
        for (int i = 0; i < bytes; i++) {
            memory.setByte(i, mark);
        }
        context.begin(TracePoint.DROPPED, reason, bytes, 0, mark & 0xff, 0);
        context.peer(mark, mark, mark & 0xff);
        boolean kept = ring.begin(reason, context, mark, at);
        if (kept) {
            ring.add(memory.memoryAddress(), bytes / 2);
            ring.add(memory.memoryAddress() + bytes / 2, bytes - bytes / 2);
            ring.complete();
        }
        return kept;
    }

    private List<PacketCopy> of(DropReason reason) {
        return ring.read(IpFamily.IPV6).stream()
                .filter(copy -> copy.reason() == reason)
                .toList();
    }

    @Test
    void whatIsKeptIsThePacketsBeginningAndAllThatIsKnownOfIt() {
        drop(DropReason.SPOOFED, 7, 500, SECOND);

        List<PacketCopy> copies = ring.read(IpFamily.IPV4);
        assertThat(copies).hasSize(1);
        PacketCopy copy = copies.get(0);
        assertThat(copy.reason()).isEqualTo(DropReason.SPOOFED);
        assertThat(copy.point()).isEqualTo(TracePoint.DROPPED);
        assertThat(copy.atNanos()).isEqualTo(SECOND);
        assertThat(copy.length()).isEqualTo(500);
        assertThat(copy.packets()).isEqualTo(7);
        assertThat(copy.dropsSoFar()).isEqualTo(7);
        assertThat(copy.peer()).hasToString("0.0.0.7");
        assertThat(copy.data()).hasSize(DropRing.KEPT_BYTES).containsOnly(7);
    }

    @Test
    void aFloodDisplacesNeitherOtherReasonsNorForAMinuteItself() {
        drop(DropReason.SPOOFED, 1, 100, 0);
        long flood = 0;
        for (long at = 0; at < 60 * SECOND; at += 100_000) {
            flood += drop(DropReason.UNKNOWN_PEER, 2, 100, at) ? 1 : 0;
        }

        assertThat(of(DropReason.SPOOFED)).hasSize(1);
        assertThat(flood).isBetween((long) DropRing.SLOTS - 4, (long) DropRing.SLOTS);
        assertThat(of(DropReason.UNKNOWN_PEER))
                .as("all that was kept in the last minute")
                .hasSize((int) flood)
                .anyMatch(copy -> copy.atNanos() == 0)
                .anyMatch(copy -> copy.atNanos() > 57 * SECOND);
    }

    @Test
    void rareDropsAreAllKeptUntilTheReasonsSlotsAreUsed() {
        for (int i = 1; i <= 100; i++) {
            assertThat(drop(DropReason.NO_ROUTE, i, 60, 3L * i * SECOND)).isTrue();
        }
        assertThat(of(DropReason.NO_ROUTE))
                .hasSize(DropRing.SLOTS)
                .extracting(PacketCopy::dropsSoFar)
                .contains(37L, 100L);
    }

    /** Each copy is of one mark throughout: bytes, addresses and counts. A reader meets a writer that never pauses. */
    @Test
    void aReaderNeverSeesHalfOfOnePacketAndHalfOfAnother() {
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<Integer> reading = CompletableFuture.supplyAsync(() -> {
            int seen = 0;
            while (!over.get()) {
                for (PacketCopy copy : ring.read(IpFamily.IPV6)) {
                    byte mark = copy.data()[0];
                    byte[] whole = new byte[copy.data().length];
                    Arrays.fill(whole, mark);
                    assertThat(copy.data()).isEqualTo(whole);
                    assertThat((byte) copy.dropsSoFar()).isEqualTo(mark);
                    assertThat(copy.packets()).isEqualTo(mark & 0xff);
                    assertThat(copy.port()).isEqualTo(mark & 0xff);
                    seen++;
                }
            }
            return seen;
        });
        long until = System.nanoTime() + SECOND;
        int mark = 0;
        while (System.nanoTime() < until) {
            mark++;
            drop(DropReason.NO_ROUTE, mark, 10 + mark % 150, 2L * mark * SECOND);
        }
        over.set(true);
        assertThat(mark).as("written meanwhile").isGreaterThan(DropRing.SLOTS * 100);
        assertThat(reading.join()).as("read meanwhile").isGreaterThan(100);
    }
}
