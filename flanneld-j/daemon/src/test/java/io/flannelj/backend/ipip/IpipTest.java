package io.flannelj.backend.ipip;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Peer;
import io.flannelj.device.ReceiveVector;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.Ipv4Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IpipTest {
    private static final IpAddress LOCAL = IpAddress.parse("192.0.2.1");
    private static final IpAddress REMOTE = IpAddress.parse("192.0.2.2");
    private static final int MTU = 1480;
    private final IpipEncapsulator codec = new IpipEncapsulator(LOCAL);
    private final ByteBufAllocator allocator = UnpooledByteBufAllocator.DEFAULT;
    private final ReceiveVector slots = new ReceiveVector(allocator, IpFamily.IPV4, 16, 65_536);
    private final ReceiveVector received = new ReceiveVector(allocator, IpFamily.IPV4, 8, 65_536);
    private final Resegmenter resegmenter = new Resegmenter(received, MTU);

    @AfterEach
    void release() {
        slots.close();
        received.close();
    }

    /** An outer packet with TCP inside whose checksum is that of the pseudo header, as the kernel joins segments. */
    private static ByteBuf joined(int payload) {
        ByteBuf packet = Unpooled.buffer(60 + payload);
        Ipv4Header.write(packet, 0, 60 + payload, 64, 4, REMOTE.ipv4Bits(), LOCAL.ipv4Bits());
        Ipv4Header.write(packet, 20, 40 + payload, 63, Ipv4Header.PROTOCOL_TCP, 0x0a050202, 0x0a050102);
        packet.setInt(40, 0x12345678)
                .setInt(44, 1000)
                .setInt(48, 5)
                .setShort(52, 0x5018)
                .setShort(54, 500);
        byte[] data = new byte[payload];
        new Random(payload).nextBytes(data);
        packet.setBytes(60, data);
        InternetChecksum.storePartial(
                packet, 56, Ipv4Header.CODEC.pseudoHeaderSum(packet, 20, Ipv4Header.PROTOCOL_TCP, 20 + payload));
        return packet;
    }

    private int receive(ByteBuf packet, int bytes) {
        received.data().setBytes(received.offset(0), packet, 0, bytes);
        received.fill(0, 0, REMOTE.lowBits(), bytes, bytes, 0);
        return resegmenter.pass(1, slots);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 100, 1440, 1441, 2880, 20_000, 65_000, 65_455})
    void whatTheKernelJoinedIsCutToTheMtuAgain(int payload) {
        ByteBuf packet = joined(payload);
        int filled = receive(packet, 60 + payload);

        ByteArrayOutputStream carried = new ByteArrayOutputStream();
        ByteBuf data = slots.data();
        int sequence = 1000;
        for (int slot = 0; slot < filled; slot++) {
            assertThat(slots.sourceLow(slot)).isEqualTo(REMOTE.lowBits());
            for (int at = 0; at < slots.bytes(slot); at += slots.segmentBytes(slot)) {
                int length = Math.min(slots.segmentBytes(slot), slots.bytes(slot) - at);
                int outer = slots.offset(slot) + at;
                assertThat(codec.check(data, outer, length)).isNull();
                int inner = outer + 20;
                assertThat(length - 20).isLessThanOrEqualTo(MTU);
                assertThat(Ipv4Header.CODEC.isWellFormed(data, inner, length - 20))
                        .isTrue();
                assertThat(Ipv4Header.hasValidChecksum(data, inner)).isTrue();
                long sum = Ipv4Header.CODEC.pseudoHeaderSum(data, inner, Ipv4Header.PROTOCOL_TCP, length - 40);
                assertThat(InternetChecksum.isValid(InternetChecksum.add(sum, data, inner + 20, length - 40)))
                        .as("TCP checksum")
                        .isTrue();
                assertThat(data.getInt(inner + 24)).as("sequence").isEqualTo(sequence);
                sequence += length - 60;
                for (int i = 60; i < length; i++) {
                    carried.write(data.getByte(outer + i));
                }
            }
        }
        byte[] expected = new byte[payload];
        packet.getBytes(60, expected);
        assertThat(carried.toByteArray()).isEqualTo(expected);
    }

    @Test
    void whatWasNotJoinedPassesUntouched() {
        ByteBuf packet = joined(500).setShort(56, 0xbeef);
        assertThat(receive(packet, 560)).isEqualTo(1);
        assertThat(slots.bytes(0)).isEqualTo(560);
        assertThat(slots.data().slice(0, 560)).isEqualTo(packet.slice(0, 560));
    }

    @Test
    void noNonsenseBreaksTheReceiver() {
        Random random = new Random(3);
        byte[] bytes = new byte[3000];
        for (int i = 0; i < 20_000; i++) {
            random.nextBytes(bytes);
            int length = random.nextInt(3001);
            ByteBuf packet = i % 2 == 0 ? Unpooled.wrappedBuffer(bytes) : joined(2940);
            packet.setByte(random.nextInt(60), random.nextInt()); // nearly right
            assertThat(receive(packet, length)).isBetween(1, 2);
        }
    }

    @Test
    void theOuterHeaderSaysWhereToAndHowCongested() {
        ByteBuf packet = Unpooled.buffer(60);
        Ipv4Header.write(packet, 20, 40, 63, 17, 1, 2);
        packet.setByte(21, 0x2b); // a class, and congestion experienced

        codec.wrap(packet, 0, new Peer(Cidr.parse("10.5.2.0/24"), REMOTE, 0, 0));

        assertThat(Ipv4Header.CODEC.isWellFormed(packet, 0, 60)).isTrue();
        assertThat(Ipv4Header.protocol(packet, 0)).isEqualTo(4);
        assertThat(Ipv4Header.source(packet, 0)).isEqualTo(LOCAL.ipv4Bits());
        assertThat(Ipv4Header.destination(packet, 0)).isEqualTo(REMOTE.ipv4Bits());
        assertThat(Ipv4Header.typeOfService(packet, 0))
                .as("capable, not yet congested")
                .isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {100, 20_000})
    void theMarkOfTheOuterHeaderIsToldOfEverySlot(int payload) {
        int filled = receive(joined(payload).setByte(1, 3), 60 + payload);
        for (int slot = 0; slot < filled; slot++) {
            assertThat(slots.trafficClass(slot)).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Ipv4Header.DONT_FRAGMENT})
    void fragmentsAreForbiddenOutsideWhereTheyAreInside(int flags) {
        ByteBuf packet = Unpooled.buffer(60);
        Ipv4Header.write(packet, 20, 40, 63, 17, 1, 2);
        packet.setShort(26, flags);

        codec.wrap(packet, 0, new Peer(Cidr.parse("10.5.2.0/24"), REMOTE, 0, 0));

        assertThat(Ipv4Header.flagsAndOffset(packet, 0)).isEqualTo(flags);
    }

    @Test
    void whatIsNotIpInIpIsRefused() {
        for (int length = 0; length < 40; length++) {
            assertThat(codec.check(joined(0), 0, length)).isEqualTo(DropReason.BAD_ENCAPSULATION);
        }
        assertThat(codec.check(joined(9).setByte(0, 0x46), 0, 69)).isEqualTo(DropReason.BAD_ENCAPSULATION);
        assertThat(codec.check(joined(9).setByte(9, 41), 0, 69)).isEqualTo(DropReason.BAD_ENCAPSULATION);
        assertThat(codec.check(joined(9).setByte(20, 0x60), 0, 69)).isEqualTo(DropReason.NOT_IP);
    }
}
