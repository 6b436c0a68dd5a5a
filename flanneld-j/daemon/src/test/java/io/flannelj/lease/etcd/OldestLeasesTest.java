package io.flannelj.lease.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal.Reason;
import io.flannelj.lease.StoredLease;
import io.flannelj.net.Cidr;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A store with more leases than any cluster has nodes: the oldest stay, and so does our own. */
class OldestLeasesTest {
    private static final LeaseAttributes NODE = LeaseJson.read("{\"PublicIP\":\"192.0.2.1\"}");

    private static final int USUAL = OldestLeases.USUAL_VALUE;
    private static final int LONG = 4 << 10;
    private static final int LONG_ONES = OldestLeases.MOST_LONG_VALUES / LONG;

    private final OldestLeases leases = new OldestLeases("/subnets/");

    private static StoredLease lease(int number, long created) {
        PodSubnets subnets = PodSubnets.of(Cidr.parse("10." + (number >>> 8 & 255) + "." + (number & 255) + ".0/24"));
        return new StoredLease(new Lease(subnets, NODE, null, new Lease.Origin("k" + number, created)), 1, 1);
    }

    private List<StoredLease> list(int count, int oldestLast) {
        OldestLeases.Listing listing = leases.list();
        for (int i = 0; i < count; i++) {
            listing.add(lease(i, oldestLast - i), USUAL); // a key that sorts last may be the oldest
        }
        return listing.end();
    }

    @Test
    void theOldestStay() {
        List<StoredLease> kept = list(OldestLeases.MOST + 1000, 1_000_000);

        assertThat(kept).hasSize(OldestLeases.MOST);
        assertThat(kept).noneMatch(lease -> lease.lease().origin().created() > 1_000_000 - 1000);
        assertThat(leases.objections()).singleElement().satisfies(objection -> {
            assertThat(objection.reason()).isEqualTo(Reason.TOO_MANY);
            assertThat(objection.problem()).contains("more than 8192 leases");
        });
    }

    @Test
    void whatWeWriteOurselvesStaysHoweverNew() {
        leases.write("k3");

        assertThat(list(OldestLeases.MOST + 1000, 1_000_000))
                .hasSize(OldestLeases.MOST + 1)
                .anyMatch(lease -> lease.lease().origin().key().equals("k3"));
        leases.write("mine");
        assertThat(leases.take("mine", USUAL)).isTrue();
        assertThat(leases.take("somebody's", USUAL)).isFalse();
        assertThat(leases.take("k" + (OldestLeases.MOST + 999), USUAL))
                .as("an old one that is renewed")
                .isTrue();
    }

    @Test
    void whereThereIsRoomNothingIsSaid() {
        assertThat(list(10, 100)).hasSize(10);
        assertThat(leases.take("another", USUAL)).isTrue();
        assertThat(leases.objections()).isEmpty();

        list(OldestLeases.MOST, 1_000_000);
        assertThat(leases.take("one too many", USUAL)).isFalse();
        leases.forget("k7");
        assertThat(leases.take("in its place", USUAL)).isTrue();
        list(10, 100);
        assertThat(leases.objections()).isEmpty();
    }

    @Test
    void ofThoseWithLongValuesTheOldestStayWhereverTheirKeysSort() {
        OldestLeases.Listing listing = leases.list();
        for (int i = 0; i < LONG_ONES + 100; i++) {
            listing.add(lease(i, 1_000 + i), LONG);
        }
        listing.add(lease(60_000, 1), LONG);
        listing.add(lease(60_001, 9_000), USUAL);
        List<StoredLease> kept = listing.end();

        assertThat(kept).hasSize(LONG_ONES + 1);
        assertThat(kept)
                .extracting(lease -> lease.lease().origin().key())
                .contains("k60000", "k60001", "k0")
                .doesNotContain("k" + (LONG_ONES - 1), "k" + (LONG_ONES + 99));
        assertThat(leases.objections())
                .singleElement()
                .satisfies(objection -> assertThat(objection.problem()).contains("more than 256 bytes"));
    }

    @Test
    void aLongValueIsTakenWhileThereIsRoom() {
        for (int i = 0; i < LONG_ONES; i++) {
            assertThat(leases.take("k" + i, LONG)).isTrue();
        }
        assertThat(leases.take("one too many", LONG)).isFalse();
        assertThat(leases.take("of ordinary length", USUAL)).isTrue();
        assertThat(leases.take("k0", LONG)).as("renewed").isTrue();

        leases.write("mine");
        assertThat(leases.take("mine", LONG)).isTrue();
        assertThat(leases.take("k1", USUAL)).isTrue();
        assertThat(leases.take("in its place", LONG)).isTrue();
        assertThat(leases.take("k1", LONG)).as("grown again").isFalse();
    }
}
