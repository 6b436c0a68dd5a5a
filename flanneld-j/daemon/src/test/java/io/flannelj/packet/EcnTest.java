package io.flannelj.packet;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EcnTest {
    /** Figure 4 of RFC 6040; marks as they stand in the header, -1 for a drop. */
    @ParameterizedTest
    @CsvSource({
        "0, 0, 0, 0, -1", // inner Not-ECT with outer Not-ECT, ECT(1), ECT(0), CE
        "2, 2, 1, 2, 3", // inner ECT(0)
        "1, 1, 1, 1, 3", // inner ECT(1)
        "3, 3, 3, 3, 3" // inner CE
    })
    void decapsulatesAsRfc6040Says(int inner, int notEct, int ect1, int ect0, int ce) {
        assertThat(Ecn.decapsulate(Ecn.NOT_ECT, inner)).isEqualTo(notEct);
        assertThat(Ecn.decapsulate(Ecn.ECT_1, inner)).isEqualTo(ect1);
        assertThat(Ecn.decapsulate(Ecn.ECT_0, inner)).isEqualTo(ect0);
        assertThat(Ecn.decapsulate(Ecn.CE, inner)).isEqualTo(ce);
    }

    @Test
    void encapsulatesAsTheKernelDoes() {
        assertThat(new int[] {Ecn.encapsulate(0), Ecn.encapsulate(1), Ecn.encapsulate(2), Ecn.encapsulate(3)})
                .containsExactly(0, 1, 2, 2);
    }

    @Test
    void everyMarkIsSetAndReadAndTheRestOfTheHeaderStays() {
        for (int from = 0; from < 4; from++) {
            for (int to = 0; to < 4; to++) {
                ByteBuf ipv4 = Unpooled.buffer(20);
                Ipv4Header.write(ipv4, 0, 20, 64, 17, 0x0a05_0102, 0x0a05_0203);
                ipv4.setByte(1, 0xb8 | from);
                Ipv4Header.updateChecksum(ipv4, 0);
                Ipv4Header.CODEC.setEcn(ipv4, 0, to);
                assertThat(ipv4.getUnsignedByte(1)).isEqualTo((short) (0xb8 | to));
                assertThat(Ipv4Header.hasValidChecksum(ipv4, 0)).isTrue();
                assertThat(Ipv4Header.CODEC.ecn(ipv4, 0)).isEqualTo(to);

                ByteBuf ipv6 = Unpooled.buffer(40).setInt(0, 0x6b85_4321 | from << 20 & 0x0030_0000);
                int rest = ipv6.getInt(0) & ~0x0030_0000;
                Ipv6Header.CODEC.setEcn(ipv6, 0, to);
                assertThat(ipv6.getInt(0)).isEqualTo(rest | to << 20);
                assertThat(Ipv6Header.CODEC.ecn(ipv6, 0)).isEqualTo(to);
            }
        }
    }

    @Test
    void aDamagedHeaderStaysDamaged() {
        ByteBuf packet = Unpooled.buffer(20);
        Ipv4Header.write(packet, 0, 20, 64, 17, 1, 2);
        packet.setByte(9, 6);
        Ipv4Header.CODEC.setEcn(packet, 0, Ecn.CE);
        assertThat(Ipv4Header.hasValidChecksum(packet, 0)).isFalse();
    }
}
