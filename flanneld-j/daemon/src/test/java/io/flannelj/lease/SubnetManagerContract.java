package io.flannelj.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What every store of leases must do: the real ones, and the fake that other tests trust. */
public abstract class SubnetManagerContract {
    protected static final Duration DAY = Duration.ofHours(24);
    protected static final PodSubnets ONE = PodSubnets.of(Cidr.parse("10.5.1.0/24"));
    protected static final PodSubnets TWO = PodSubnets.of(Cidr.parse("10.5.2.0/24"));

    /** An empty store. */
    protected abstract SubnetManager store();

    protected abstract void writeConfig(String document);

    /** Puts a lease that never expires, past the store. */
    protected abstract void reserve(PodSubnets subnets, LeaseAttributes attributes);

    protected static LeaseAttributes node(int number) {
        return LeaseAttributes.ofIpv4(IpAddress.parse("192.168.100." + number), "host-gw", null);
    }

    @Test
    void findsTheConfigOnceItIsWritten() throws Exception {
        assertThat(store().fetchNetworkConfig()).isEmpty();

        writeConfig("{\"Network\":\"10.5.0.0/16\"}");

        assertThat(store().fetchNetworkConfig()).hasValue("{\"Network\":\"10.5.0.0/16\"}");
    }

    @Test
    void oneOfManyWinsASubnet() throws Exception {
        SubnetManager store = store();
        ExecutorService nodes = Executors.newFixedThreadPool(8);
        List<Future<Optional<StoredLease>>> claims = new ArrayList<>();
        for (int i = 1; i <= 8; i++) {
            LeaseAttributes attributes = node(i);
            claims.add(nodes.submit(() -> store.create(ONE, attributes, DAY)));
        }

        int winners = 0;
        for (Future<Optional<StoredLease>> claim : claims) {
            winners += claim.get().isPresent() ? 1 : 0;
        }
        nodes.shutdown();

        assertThat(winners).isEqualTo(1);
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void listsWhatWasCreated() throws Exception {
        SubnetManager store = store();
        StoredLease one = store.create(ONE, node(1), DAY).orElseThrow();
        StoredLease two = store.create(TWO, node(2), DAY).orElseThrow();

        assertThat(store.list().leases())
                .extracting(StoredLease::subnets)
                .containsExactlyInAnyOrder(one.subnets(), two.subnets());
        assertThat(store.list().leases()).noneMatch(StoredLease::isReservation);
        assertThat(one.lease().expiresAt())
                .as("when it ends, as its maker knows")
                .isNotNull();
    }

    @Test
    void updatesOnlyWhatNobodyChangedMeanwhile() throws Exception {
        SubnetManager store = store();
        StoredLease old = store.create(ONE, node(1), DAY).orElseThrow();

        StoredLease renewed = store.update(old, node(2), DAY).orElseThrow();

        assertThat(renewed.lease().attributes()).isEqualTo(node(2));
        assertThat(store.update(old, node(3), DAY))
                .as("by somebody who knows an old one")
                .isEmpty();
        assertThat(store.list().leases().get(0).lease().attributes()).isEqualTo(node(2));
    }

    @Test
    void deletesOnlyWhatNobodyChangedMeanwhile() throws Exception {
        SubnetManager store = store();
        StoredLease old = store.create(ONE, node(1), DAY).orElseThrow();
        StoredLease renewed = store.update(old, node(1), DAY).orElseThrow();

        assertThat(store.delete(old)).isFalse();
        assertThat(store.delete(renewed)).isTrue();
        assertThat(store.delete(renewed)).as("twice").isFalse();
        assertThat(store.update(renewed, node(1), DAY)).isEmpty();
        assertThat(store.list().leases()).isEmpty();
    }

    @Test
    void aReservationStaysOne() throws Exception {
        SubnetManager store = store();
        reserve(ONE, node(1));
        StoredLease reserved = store.list().leases().get(0);
        assertThat(reserved.isReservation()).isTrue();

        StoredLease taken = store.update(reserved, node(2), DAY).orElseThrow();

        assertThat(taken.isReservation()).isTrue();
        assertThat(store.list().leases().get(0).isReservation()).isTrue();
        assertThat(store.list().leases().get(0).lease().expiresAt()).isNull();
    }

    @Test
    void reservesWhatIsFreeAndWhatIsKnown() throws Exception {
        SubnetManager store = store();
        assertThat(store.reserve(ONE, node(1), null)).isPresent();
        assertThat(store.reserve(ONE, node(2), null)).as("taken").isEmpty();
        StoredLease two = store.create(TWO, node(2), DAY).orElseThrow();

        StoredLease pinned = store.reserve(TWO, node(2), two).orElseThrow();

        assertThat(pinned.isReservation()).isTrue();
        assertThat(store.reserve(TWO, node(2), two)).as("changed since").isEmpty();
        assertThat(store.list().leases()).hasSize(2).allMatch(StoredLease::isReservation);
        assertThat(store.delete(pinned)).isTrue();
    }

    @Test
    void aWatchFromAListingMissesNothing() throws Exception {
        SubnetManager store = store();
        assertThat(store.create(ONE, node(1), DAY)).isPresent();
        SubnetManager.Listing listing = store.list();
        StoredLease two = store.create(TWO, node(2), DAY).orElseThrow();
        List<String> seen = new CopyOnWriteArrayList<>();

        SubnetManager.Watch watch =
                store.watch(listing.revision() + 1, event -> seen.add(describe(event)), end -> seen.add("end"));
        store.delete(two);
        Awaitility.await().until(() -> seen.size() >= 2);
        assertThat(seen).containsExactly("+10.5.2.0/24", "-10.5.2.0/24");
        watch.close();
    }

    protected static String describe(LeaseEvent event) {
        if (event instanceof LeaseEvent.Added added) {
            return "+" + added.lease().subnets();
        }
        return event instanceof LeaseEvent.Removed removed ? "-" + removed.subnets() : "reset";
    }
}
