package io.flannelj.backend.vxlan;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Peer;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;

class VxlanGroupPolicyTest {
    private static final MacAddress OURS = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress THEIRS = MacAddress.parse("02:00:00:00:00:02");

    /** As a kernel device with GBP on sends where packets are marked: G bit, policy 0x0101. */
    private static ByteBuf marked() {
        ByteBuf packet = Unpooled.buffer(42).setZero(0, 42);
        new VxlanEncapsulator(1, THEIRS)
                .wrap(packet, 0, new Peer(Cidr.parse("10.5.1.0/24"), IpAddress.parse("192.0.2.1"), 8472, OURS.bits()));
        return packet.setInt(0, 0x8800_0101);
    }

    @Test
    void aGroupPolicyIsPassedOverWhereTheNetworkHasThem() {
        assertThat(new VxlanEncapsulator(1, OURS, IpFamily.IPV4, true).check(marked(), 0, 42))
                .isNull();
    }

    @Test
    void elsewhereItIsNotThisEncapsulation() {
        assertThat(new VxlanEncapsulator(1, OURS).check(marked(), 0, 42)).isEqualTo(DropReason.BAD_ENCAPSULATION);
        assertThat(new VxlanEncapsulator(1, OURS, IpFamily.IPV4, true).check(marked().setInt(0, 0x4800_0000), 0, 42))
                .as("another flag")
                .isEqualTo(DropReason.BAD_ENCAPSULATION);
    }
}
