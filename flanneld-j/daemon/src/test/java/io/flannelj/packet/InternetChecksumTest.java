package io.flannelj.packet;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Random;
import org.junit.jupiter.api.Test;

class InternetChecksumTest {
    @Test
    void agreesWithTheObviousLoopAtEveryLengthAndOffset() {
        Random random = new Random(1);
        byte[] bytes = new byte[300];
        for (int length = 0; length < 200; length++) {
            random.nextBytes(bytes);
            int offset = random.nextInt(90);
            ByteBuf field = Unpooled.buffer(2);

            InternetChecksum.store(field, 0, InternetChecksum.add(0, Unpooled.wrappedBuffer(bytes), offset, length));

            assertThat(field.getUnsignedShort(0)).as("length %d", length).isEqualTo(obvious(bytes, offset, length));
        }
    }

    @Test
    void theExampleOfRfc1071() {
        ByteBuf words = Unpooled.wrappedBuffer(
                new byte[] {0, 1, (byte) 0xf2, 3, (byte) 0xf4, (byte) 0xf5, (byte) 0xf6, (byte) 0xf7});

        int folded = InternetChecksum.fold(InternetChecksum.add(0, words, 0, 8));

        assertThat(Short.reverseBytes((short) folded) & 0xffff).isEqualTo(0xddf2);
    }

    @Test
    void udpNeverStoresZero() {
        ByteBuf field = Unpooled.buffer(2);
        InternetChecksum.storeUdp(field, 0, 0xffff);
        assertThat(field.getUnsignedShort(0)).isEqualTo(0xffff);
    }

    @Test
    void decrementingTheTimeToLiveKeepsTheHeaderValid() {
        for (int ttl = 1; ttl <= 255; ttl++) {
            ByteBuf packet = Unpooled.wrappedBuffer(Packets.echo(0x0a010203, 0x0a020304 + ttl * 77, ttl, 0));
            assertThat(Ipv4Header.CODEC.decrementTimeToLive(packet, 0)).isEqualTo(ttl - 1);
            assertThat(Ipv4Header.hasValidChecksum(packet, 0)).as("ttl %d", ttl).isTrue();
        }
    }

    private static int obvious(byte[] bytes, int offset, int length) {
        long sum = 0;
        for (int i = 0; i < length; i += 2) {
            int low = i + 1 < length ? bytes[offset + i + 1] & 0xff : 0;
            sum += (bytes[offset + i] & 0xff) << 8 | low;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) ~sum & 0xffff;
    }
}
