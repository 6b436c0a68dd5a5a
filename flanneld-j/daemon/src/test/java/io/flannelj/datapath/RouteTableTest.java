package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RouteTableTest {
    @Test
    void findsWhatALinearSearchFinds() {
        Random random = new Random(4);
        List<Peer> peers = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            int length = random.nextInt(10) == 0 ? 20 + random.nextInt(10) : 24;
            Cidr subnet = new Cidr(IpAddress.ofIpv4(0x0a00_0000 | random.nextInt(1 << 20) << 4), length).network();
            if (peers.stream().noneMatch(peer -> peer.subnet().equals(subnet))) {
                peers.add(new Peer(subnet, IpAddress.ofIpv4(0xc0a8_0000 + i), 8472, 0));
            }
        }
        RouteTable table = RouteTable.of(peers);
        for (int i = 0; i < 20_000; i++) {
            long destination = 0x0a00_0000 | random.nextInt(1 << 24);
            assertThat(table.lookup(0, destination)).isSameAs(longest(peers, 0, destination));
        }
        for (Peer peer : peers) {
            assertThat(table.byUnderlay(0, peer.underlayAddress().lowBits())).isSameAs(peer);
        }
        assertThat(table.byUnderlay(0, 0x0101_0101)).isNull();
    }

    @Test
    void findsIpv6PeersAsALinearSearchDoes() {
        Random random = new Random(4);
        List<Peer> peers = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            int length = random.nextInt(10) == 0 ? 48 + random.nextInt(40) : 64;
            IpAddress address = IpAddress.ofIpv6(0xfd00_0005_0000_0000L | random.nextInt(1 << 16), random.nextLong());
            Cidr subnet = new Cidr(address, length).network();
            if (peers.stream().noneMatch(peer -> peer.subnet().equals(subnet))) {
                peers.add(new Peer(subnet, IpAddress.ofIpv6(0xfd00_0099_0000_0000L, i), 8472, 0));
            }
        }
        RouteTable table = RouteTable.of(peers);
        for (int i = 0; i < 20_000; i++) {
            long high = 0xfd00_0005_0000_0000L | random.nextInt(1 << 16);
            long low = random.nextLong();
            assertThat(table.lookup(high, low)).isSameAs(longest(peers, high, low));
        }
        for (Peer peer : peers) {
            assertThat(table.byUnderlay(peer.underlayHigh(), peer.underlayLow()))
                    .isSameAs(peer);
        }
        assertThat(table.byUnderlay(1, 1)).isNull();
        assertThat(table.lookup(0, 0)).isNull();
    }

    @Test
    void anEmptyTableKnowsNobody() {
        assertThat(RouteTable.EMPTY.lookup(0, 0x0a00_0001)).isNull();
        assertThat(RouteTable.EMPTY.byUnderlay(0, 0x0a00_0001)).isNull();
    }

    private static @Nullable Peer longest(List<Peer> peers, long high, long low) {
        Peer best = null;
        for (Peer peer : peers) {
            if (peer.covers(high, low)
                    && (best == null || peer.subnet().length() > best.subnet().length())) {
                best = peer;
            }
        }
        return best;
    }
}
