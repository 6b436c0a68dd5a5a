package io.flannelj.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PacketKeyTest {
    private static final int POD = Events.POD.ipv4Bits();
    private static final int PEER_POD = Events.PEER_POD.ipv4Bits();

    private static String key(byte[] packet) {
        return PacketKey.of(Events.sent(packet));
    }

    @Test
    void aPacketIsKnownAgainBehindATunnelHeaderWithAnotherTimeToLiveAndMark() {
        byte[] packet = Packets.tcp(Tcp.data(POD, PEER_POD), new byte[3000]);
        byte[] changed = packet.clone();
        changed[1] = 3;
        changed[8]--;
        changed[10]++;
        assertThat(PacketKey.of(Events.received(changed))).isEqualTo(key(packet));
        assertThat(key(Arrays.copyOf(packet, 192))).as("the first segment").isEqualTo(key(packet));
    }

    @Test
    void anotherPacketHasAnotherKey() {
        byte[] first = Packets.echo(POD, PEER_POD, 64, 56);
        byte[] second = first.clone();
        second[27]++; // its sequence number
        assertThat(key(first)).isNotEqualTo(key(second)).isNotEmpty();
        byte[] segment = Packets.tcp(new Tcp(POD, PEER_POD, 0x1234_5678, 1000, 0x10, 7, 0), new byte[10]);
        byte[] next = Packets.tcp(new Tcp(POD, PEER_POD, 0x1234_5678, 1010, 0x10, 7, 0), new byte[10]);
        assertThat(key(segment)).isNotEqualTo(key(next));
        byte[] datagram = Packets.udp(POD, PEER_POD, 0x1234_5678, new byte[] {1, 2, 3, 4, 5});
        byte[] other = Packets.udp(POD, PEER_POD, 0x1234_5678, new byte[] {1, 2, 3, 5, 5});
        assertThat(key(datagram)).isNotEqualTo(key(other));
    }

    @Test
    void whatIsCutShortHasAKeyAllTheSame() {
        byte[] packet = Packets.tcp(Tcp.data(POD, PEER_POD), new byte[10]);
        for (int length = 0; length < packet.length; length++) {
            assertThat(key(Arrays.copyOf(packet, length))).matches(key -> true);
        }
        for (int seed = 0; seed < 2000; seed++) {
            key(Packets.random(seed, 1 + seed % 70));
        }
    }
}
