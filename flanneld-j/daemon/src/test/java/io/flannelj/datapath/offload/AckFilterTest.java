package io.flannelj.datapath.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.datapath.offload.AckFilter.Outcome;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.Ipv6Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AckFilterTest {
    private static final int ACK = 0x10;
    private static final int TIMESTAMP = 12;

    private final ByteBuf packets = Unpooled.directBuffer(1 << 20);
    private int end;

    @AfterEach
    void release() {
        packets.release();
    }

    /** Appends an IP packet with a TCP header, and gives its place. */
    private int tcp(boolean ipv6, int port, int sequence, int acknowledgment, int flags, int options, int payload) {
        int at = end;
        int ip = ipv6 ? 40 : 20;
        int tcp = 20 + options;
        int length = ip + tcp + payload;
        packets.setZero(at, length);
        if (ipv6) {
            packets.setInt(at, 0x6000_0000);
            packets.setShort(at + 4, tcp + payload);
            packets.setByte(at + 6, 6);
            packets.setByte(at + 7, 64);
            packets.setByte(at + 8, 0xfd);
            packets.setByte(at + 24, 0xfd);
        } else {
            packets.setByte(at, 0x45);
            packets.setShort(at + 2, length);
            packets.setByte(at + 8, 64);
            packets.setByte(at + 9, 6);
            packets.setInt(at + 12, 0x0a05_0102);
            packets.setInt(at + 16, 0x0a05_0202);
        }
        int out = at + ip;
        packets.setShort(out, port);
        packets.setShort(out + 2, 80);
        packets.setInt(out + 4, sequence);
        packets.setInt(out + 8, acknowledgment);
        packets.setByte(out + 12, tcp / 4 << 4);
        packets.setByte(out + 13, flags);
        if (options >= TIMESTAMP) {
            packets.setInt(out + 20, 0x0101_080a);
        }
        end = at + length;
        return at;
    }

    private int ack(boolean ipv6, int port, int acknowledgment) {
        return tcp(ipv6, port, 7, acknowledgment, ACK, TIMESTAMP, 0);
    }

    private Outcome offer(AckFilter filter, int at) {
        return filter.offer(packets, at, end - at);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void ofEachFlowTheLastIsKept(boolean ipv6) {
        AckFilter filter = new AckFilter(ipv6 ? Ipv6Header.CODEC : Ipv4Header.CODEC);

        assertThat(offer(filter, ack(ipv6, 1, 100))).isEqualTo(Outcome.HELD);
        assertThat(offer(filter, ack(ipv6, 2, 500))).isEqualTo(Outcome.HELD);
        int later = ack(ipv6, 1, 200);
        assertThat(offer(filter, later)).isEqualTo(Outcome.SUPERSEDES);
        int last = ack(ipv6, 1, -5); // the number may wrap
        packets.setInt(later + (ipv6 ? 40 : 20) + 8, -10);
        assertThat(offer(filter, last)).isEqualTo(Outcome.SUPERSEDES);

        assertThat(filter.held()).isEqualTo(2);
        assertThat(filter.offset(0)).isEqualTo(last);
        assertThat(filter.length(0)).isEqualTo(end - last);
        filter.clear();
        assertThat(filter.held()).isZero();
    }

    @Test
    void whatSaysMoreIsNotHeld() {
        AckFilter filter = new AckFilter(Ipv4Header.CODEC);
        assertThat(offer(filter, ack(false, 1, 100))).isEqualTo(Outcome.HELD);

        assertThat(offer(filter, ack(false, 1, 100)))
                .as("repeated: tells of loss")
                .isEqualTo(Outcome.PASS);
        assertThat(offer(filter, ack(false, 1, 99))).as("older").isEqualTo(Outcome.PASS);
        assertThat(offer(filter, tcp(false, 1, 8, 200, ACK, TIMESTAMP, 0)))
                .as("behind data")
                .isEqualTo(Outcome.PASS);
        assertThat(offer(filter, tcp(false, 1, 7, 200, ACK, 0, 0)))
                .as("other options")
                .isEqualTo(Outcome.PASS);
        assertThat(offer(filter, tcp(false, 1, 7, 200, ACK, TIMESTAMP, 1)))
                .as("data")
                .isEqualTo(Outcome.PASS);
        assertThat(offer(filter, tcp(false, 3, 7, 200, ACK, 20, 0))).as("SACK").isEqualTo(Outcome.PASS);
        for (int flag = 1; flag < 0x100; flag <<= 1) {
            if (flag != ACK) {
                assertThat(offer(filter, tcp(false, 1, 7, 200, ACK | flag, TIMESTAMP, 0)))
                        .as("flag %x", flag)
                        .isEqualTo(Outcome.PASS);
            }
        }
        assertThat(offer(filter, changed(at -> packets.setByte(at + 1, 3))))
                .as("congestion experienced")
                .isEqualTo(Outcome.PASS);
        assertThat(offer(filter, changed(at -> packets.setShort(at + 6, 0x2000))))
                .as("fragment")
                .isEqualTo(Outcome.PASS);
        assertThat(offer(filter, changed(at -> packets.setByte(at + 9, 17))))
                .as("UDP")
                .isEqualTo(Outcome.PASS);
        assertThat(offer(filter, changed(at -> packets.setByte(at + 32, 0x81))))
                .as("AccECN")
                .isEqualTo(Outcome.PASS);
        assertThat(offer(filter, changed(at -> packets.setShort(at + 40, 0x0303))))
                .as("no timestamp")
                .isEqualTo(Outcome.PASS);
        assertThat(filter.held()).isEqualTo(1);
    }

    private int changed(IntConsumer change) {
        int at = ack(false, 1, 300);
        change.accept(at);
        return at;
    }

    @Test
    void nothingIsReadBeyondAPacket() {
        AckFilter filter = new AckFilter(Ipv4Header.CODEC);
        Random random = new Random(4);
        byte[] bytes = new byte[60];
        for (int i = 0; i < 200_000; i++) {
            ByteBuf packet = Unpooled.wrappedBuffer(bytes, 0, random.nextInt(bytes.length + 1));
            random.nextBytes(bytes);
            bytes[0] = 0x45;
            bytes[3] = (byte) packet.readableBytes();
            filter.offer(packet, 0, packet.readableBytes());
            filter.clear();
        }
    }

    /** Whatever the order: what is kept is a part of what came, in each flow in order, and ends with the same number. */
    @Test
    void theReceiverLearnsTheSame() {
        Random random = new Random(1);
        for (int round = 0; round < 2000; round++) {
            AckFilter filter = new AckFilter(Ipv4Header.CODEC);
            end = 0;
            Map<Integer, Integer> numbers = new HashMap<>();
            List<Integer> sent = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                int port = random.nextInt(24);
                int step = random.nextInt(4) == 0 ? 0 : random.nextInt(3000);
                int at = ack(false, port, numbers.merge(port, step, Integer::sum));
                if (offer(filter, at) == Outcome.PASS) {
                    release(filter, sent);
                    sent.add(at);
                }
            }
            release(filter, sent);
            Map<Integer, Integer> told = new HashMap<>();
            for (int at : sent) {
                int number = packets.getInt(at + 28);
                Integer before = told.put(packets.getUnsignedShort(at + 20), number);
                assertThat(before == null || number - before >= 0)
                        .as("in order")
                        .isTrue();
            }
            assertThat(told).isEqualTo(numbers);
        }
    }

    private static void release(AckFilter filter, List<Integer> sent) {
        for (int i = 0; i < filter.held(); i++) {
            sent.add(filter.offset(i));
        }
        filter.clear();
    }
}
