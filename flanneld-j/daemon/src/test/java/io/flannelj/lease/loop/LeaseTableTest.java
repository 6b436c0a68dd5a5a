package io.flannelj.lease.loop;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

class LeaseTableTest {
    private final LeaseTable table = new LeaseTable();

    @Test
    void tellsWhatChangedForPeersAndNeverOfOurselves() {
        table.setOwn(lease(1, 1).subnets());

        assertThat(table.apply(new LeaseEvent.Added(lease(1, 1)))).isFalse();
        assertThat(table.apply(new LeaseEvent.Added(lease(2, 2)))).isTrue();
        assertThat(table.apply(new LeaseEvent.Added(lease(2, 2)))).as("renewal").isFalse();
        assertThat(table.apply(new LeaseEvent.Added(lease(2, 9)))).as("moved").isTrue();
        assertThat(table.apply(new LeaseEvent.Reset(List.of(lease(1, 1), lease(2, 9)))))
                .isFalse();
        assertThat(table.apply(new LeaseEvent.Reset(List.of(lease(1, 1), lease(2, 8)))))
                .as("moved while deaf")
                .isTrue();
        assertThat(table.peers()).containsExactly(lease(2, 8));
        assertThat(table.holdsOwn()).isTrue();
        assertThat(table.apply(new LeaseEvent.Removed(lease(1, 1).subnets()))).isFalse();
        assertThat(table.holdsOwn()).isFalse();
        assertThat(table.apply(new LeaseEvent.Removed(lease(7, 7).subnets()))).isFalse();
        assertThat(table.apply(new LeaseEvent.Removed(lease(2, 8).subnets()))).isTrue();
        assertThat(table.peers()).isEmpty();
    }

    /** flannel tells nobody when a resync brings a known subnet with a new address or VTEP. */
    @Test
    void bugAttributesThatChangedWhileDeafAreMissedIsFixed() {
        table.apply(new LeaseEvent.Reset(List.of(lease(2, 2))));

        assertThat(table.apply(new LeaseEvent.Reset(List.of(lease(2, 9))))).isTrue();
        assertThat(table.peers()).containsExactly(lease(2, 9));
    }

    /** In flannel the second resync removes the node's own subnet. */
    @Test
    void bugTheSecondResyncRemovesOurOwnIsFixed() {
        table.setOwn(lease(1, 1).subnets());
        table.apply(new LeaseEvent.Reset(List.of(lease(1, 1), lease(2, 2))));

        assertThat(table.apply(new LeaseEvent.Reset(List.of(lease(1, 1), lease(2, 2)))))
                .isFalse();
        assertThat(table.holdsOwn()).isTrue();
        assertThat(table.peers()).containsExactly(lease(2, 2));
    }

    @Test
    void peersThatASetBackStoreForgotStayUntilTheyHadTimeToComeBack() {
        table.setOwn(lease(1, 1).subnets());
        table.apply(new LeaseEvent.Reset(List.of(lease(1, 1), lease(2, 2), lease(3, 3))));

        assertThat(table.apply(new LeaseEvent.Reset(List.of(lease(2, 2)), true)))
                .isFalse();
        assertThat(table.peers()).containsExactlyInAnyOrder(lease(2, 2), lease(3, 3));
        assertThat(table.holdsOwn()).as("to be claimed again").isFalse();

        assertThat(table.apply(new LeaseEvent.Added(lease(3, 3))))
                .as("it came back")
                .isFalse();
        assertThat(table.hasDoubted()).isFalse();
    }

    @Test
    void aListingWithoutOurOwnLeaseIsDoubtedWhateverItsRevision() {
        table.setOwn(lease(1, 1).subnets());
        table.apply(new LeaseEvent.Reset(List.of(lease(1, 1), lease(2, 2))));

        assertThat(table.apply(new LeaseEvent.Reset(List.of()))).isFalse();
        assertThat(table.peers()).containsExactly(lease(2, 2));

        assertThat(table.apply(new LeaseEvent.Reset(List.of(lease(1, 1)))))
                .as("listed once more, before the other is back")
                .isFalse();
        assertThat(table.peers()).containsExactly(lease(2, 2));
        assertThat(table.dropDoubted()).as("when time is up").isTrue();
        assertThat(table.peers()).isEmpty();
    }

    @Test
    void aForgottenPeerGivesWayToWhoeverHasItsSubnetNow() {
        table.apply(new LeaseEvent.Reset(List.of(lease(2, 2), lease(3, 3), lease(4, 4))));
        table.apply(new LeaseEvent.Reset(List.of(lease(2, 9)), true));
        assertThat(table.peers()).containsExactlyInAnyOrder(lease(2, 9), lease(3, 3), lease(4, 4));

        assertThat(table.apply(new LeaseEvent.Added(lease(3, 8)))).isTrue();
        assertThat(table.peers()).containsExactlyInAnyOrder(lease(2, 9), lease(3, 8), lease(4, 4));
        assertThat(table.dropDoubted()).isTrue();
        assertThat(table.peers()).containsExactlyInAnyOrder(lease(2, 9), lease(3, 8));
    }

    private static Lease lease(int subnet, int node) {
        return new Lease(
                PodSubnets.of(Cidr.parse("10.3." + subnet + ".0/24")),
                LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0." + node), "", null),
                null);
    }
}
