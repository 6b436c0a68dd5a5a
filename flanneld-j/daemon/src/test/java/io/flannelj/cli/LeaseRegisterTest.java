package io.flannelj.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.MemorySubnetManager;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LeaseRegisterTest {
    private static final IpAddress NODE = IpAddress.parse("192.168.0.7");
    private static final IpAddress OTHER = IpAddress.parse("192.168.0.8");

    private final MemorySubnetManager store = new MemorySubnetManager(Clock.systemUTC());
    private final LeaseRegister register = new LeaseRegister(store);

    @BeforeEach
    void writeConfig() {
        store.writeConfig("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
    }

    private static PodSubnets subnet(String cidr) {
        return PodSubnets.of(Cidr.parse(cidr));
    }

    private StoredLease leased(String cidr, IpAddress node) throws StoreException {
        return store.create(subnet(cidr), LeaseAttributes.ofIpv4(node, "vxlan", null), Duration.ofHours(1))
                .orElseThrow();
    }

    @Test
    void aReservationIsALeaseWithoutEndForAnAddress() throws Exception {
        register.reserve(subnet("10.5.7.0/24"), PerFamily.of(IpFamily.IPV4, NODE));

        List<LeaseRegister.Entry> entries = register.read().entries();
        assertThat(entries).hasSize(1);
        StoredLease lease = entries.get(0).lease();
        assertThat(lease.isReservation()).isTrue();
        assertThat(lease.lease().attributes()).isEqualTo(LeaseAttributes.ofIpv4(NODE, "vxlan", null));
    }

    @Test
    void aLeaseThatTheNodeHasBecomesTheReservation() throws Exception {
        leased("10.5.7.0/24", NODE);

        assertThat(register.reserve(subnet("10.5.7.0/24"), PerFamily.of(IpFamily.IPV4, NODE))
                        .isReservation())
                .isTrue();
        assertThat(register.read().entries()).hasSize(1);
    }

    @Test
    void whatSomebodyElseHasIsNotReserved() throws Exception {
        leased("10.5.7.0/24", OTHER);

        assertThatThrownBy(() -> register.reserve(subnet("10.5.7.0/24"), PerFamily.of(IpFamily.IPV4, NODE)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("192.168.0.8")
                .hasMessageContaining("leases release 10.5.7.0/24");
        assertThat(register.read().entries().get(0).lease().isReservation()).isFalse();
    }

    @Test
    void aNodeHasOneReservationOnly() throws Exception {
        leased("10.5.9.0/24", NODE);

        assertThatThrownBy(() -> register.reserve(subnet("10.5.7.0/24"), PerFamily.of(IpFamily.IPV4, NODE)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("has 10.5.9.0/24 already");
    }

    @Test
    void whatThePoolDoesNotOfferIsRefusedWithWhatItDoes() {
        for (String outside : List.of("10.6.7.0/24", "10.5.7.0/25", "10.5.0.0/24")) {
            assertThatThrownBy(() -> register.reserve(subnet(outside), PerFamily.of(IpFamily.IPV4, NODE)))
                    .as(outside)
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("a /24 from 10.5.1.0 to 10.5.255.0");
        }
    }

    @Test
    void whatNoNodeObeysIsCounted() throws Exception {
        leased("10.5.7.0/24", NODE);
        leased("10.6.7.0/24", OTHER);
        leased("10.5.8.0/25", OTHER);

        assertThat(register.read().refused()).isEqualTo(2);
        assertThat(register.read().judged()).isEqualTo(LeaseRegister.Judged.BY_NETWORK_CONFIG);
    }

    @Test
    void withoutANetworkConfigNothingIsJudged() throws Exception {
        leased("10.6.7.0/24", OTHER);
        store.writeConfig("{\"Network\":");

        assertThat(register.read().refused()).isZero();
        assertThat(register.read().judged()).isEqualTo(LeaseRegister.Judged.NOT_AT_ALL);
    }

    @Test
    void releasingGivesTheSubnetBackToThePool() throws Exception {
        register.reserve(subnet("10.5.7.0/24"), PerFamily.of(IpFamily.IPV4, NODE));
        long free = register.read().usage().free();

        assertThat(register.release(subnet("10.5.7.0/24")).subnets()).isEqualTo(subnet("10.5.7.0/24"));

        assertThat(register.read().usage().free()).isEqualTo(free + 1);
        assertThatThrownBy(() -> register.release(subnet("10.5.7.0/24")))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("nobody has 10.5.7.0/24");
    }
}
