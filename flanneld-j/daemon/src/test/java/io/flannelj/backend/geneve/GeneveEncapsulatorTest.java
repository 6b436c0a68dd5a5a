package io.flannelj.backend.geneve;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Peer;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GeneveEncapsulatorTest {
    private static final MacAddress OURS = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress THEIRS = MacAddress.parse("02:00:00:00:00:02");
    private final GeneveEncapsulator here = new GeneveEncapsulator(7, OURS);
    private final GeneveEncapsulator there = new GeneveEncapsulator(7, THEIRS);

    /** A datagram from there to here, with 40 bytes inside. */
    private ByteBuf datagram() {
        ByteBuf packet = Unpooled.buffer(62).setZero(0, 62).setByte(22, 0x45);
        there.wrap(packet, 0, new Peer(Cidr.parse("10.5.1.0/24"), IpAddress.parse("192.0.2.1"), 6081, OURS.bits()));
        return packet;
    }

    @Test
    void whatOneEndWrapsTheOtherAccepts() {
        ByteBuf packet = datagram();
        assertThat(here.check(packet, 0, 62)).isNull();
        assertThat(here.headerBytes(packet, 0)).isEqualTo(22);
        assertThat(packet.getUnsignedShort(2)).isEqualTo(0x6558);
    }

    @Test
    void optionsOfOthersArePassedOver() {
        ByteBuf plain = datagram();
        ByteBuf packet = Unpooled.buffer(74).setZero(0, 74);
        packet.setBytes(0, plain, 0, 8).setByte(0, 3).setBytes(20, plain, 8, 54); // three words of options
        assertThat(here.check(packet, 0, 74)).isNull();
        assertThat(here.headerBytes(packet, 0)).isEqualTo(34);
        assertThat(packet.getByte(34)).isEqualTo((byte) 0x45);
    }

    @Test
    void whatWeMustNotReadIsRefused() {
        assertThat(here.check(datagram().setByte(1, 0x40), 0, 62))
                .as("critical")
                .isEqualTo(DropReason.BAD_ENCAPSULATION);
        assertThat(here.check(datagram().setByte(1, 0x80), 0, 62))
                .as("control")
                .isEqualTo(DropReason.BAD_ENCAPSULATION);
        assertThat(here.check(datagram().setByte(0, 0x40), 0, 62))
                .as("version")
                .isEqualTo(DropReason.BAD_ENCAPSULATION);
        assertThat(here.check(datagram().setByte(0, 0x3f), 0, 62)).as("length").isEqualTo(DropReason.BAD_ENCAPSULATION);
        assertThat(here.check(datagram().setByte(6, 1), 0, 62)).isEqualTo(DropReason.WRONG_VNI);
        assertThat(here.check(datagram().setShort(2, 0x0800), 0, 62)).isEqualTo(DropReason.NOT_IP);
        assertThat(there.check(datagram(), 0, 62)).isEqualTo(DropReason.WRONG_MAC);
    }

    @Test
    void noLengthAndNoNonsenseBreaksIt() {
        for (int length = 0; length < 22; length++) {
            assertThat(here.check(datagram(), 0, length)).isEqualTo(DropReason.BAD_ENCAPSULATION);
        }
        Random random = new Random(7);
        byte[] bytes = new byte[300];
        for (int i = 0; i < 100_000; i++) {
            random.nextBytes(bytes);
            int length = random.nextInt(301);
            if (here.check(Unpooled.wrappedBuffer(bytes), 0, length) == null) {
                assertThat(here.headerBytes(Unpooled.wrappedBuffer(bytes), 0)).isLessThanOrEqualTo(length);
            }
        }
    }
}
