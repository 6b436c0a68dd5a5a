package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PeerNewsTest {
    private static Lease peer(int number, String address) {
        return new Lease(
                PodSubnets.of(Cidr.parse("10.5." + number + ".0/24")),
                LeaseAttributes.ofIpv4(IpAddress.parse(address), "vxlan", null),
                Instant.EPOCH);
    }

    @Test
    void namesWhoJoinedMovedAndLeft() {
        List<Lease> before = List.of(peer(1, "192.0.2.1"), peer(2, "192.0.2.2"), peer(3, "192.0.2.3"));
        List<Lease> after = List.of(peer(1, "192.0.2.1"), peer(2, "192.0.2.9"), peer(4, "192.0.2.4"));

        assertThat(PeerNews.between(before, after))
                .containsExactly(
                        "peer 10.5.2.0/24 is at 192.0.2.9 now, was at 192.0.2.2",
                        "peer 10.5.4.0/24 at 192.0.2.4 joined",
                        "peer 10.5.3.0/24 at 192.0.2.3 left");
    }

    @Test
    void aRenewalIsNoNews() {
        Lease renewed =
                new Lease(peer(1, "192.0.2.1").subnets(), peer(1, "192.0.2.1").attributes(), Instant.MAX);
        assertThat(PeerNews.between(List.of(peer(1, "192.0.2.1")), List.of(renewed)))
                .isEmpty();
    }

    @Test
    void manyAtOnceAreCounted() {
        List<Lease> many = IntStream.range(0, 200)
                .mapToObj(number -> peer(number, "192.0.2." + number))
                .toList();
        assertThat(PeerNews.between(List.of(), many))
                .containsExactly("200 peers joined, 0 left, 0 have another address; 200 are known now");
    }
}
