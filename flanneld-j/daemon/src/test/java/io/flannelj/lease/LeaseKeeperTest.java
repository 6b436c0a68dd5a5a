package io.flannelj.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseKeeper.Outcome;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LeaseKeeperTest {
    private static final Duration DAY = Duration.ofHours(24);

    private final SetClock clock = new SetClock();
    private final MemorySubnetManager store = new MemorySubnetManager(clock);
    private final List<LeaseKeeper> keepers = new ArrayList<>();

    @AfterEach
    void close() {
        keepers.forEach(LeaseKeeper::close);
    }

    @Test
    void aNewNodeGetsAFreeSubnet() throws Exception {
        Lease lease = keeper().acquire(config("10.3.0.0/16"), node(1), null);

        assertThat(lease.subnets().ipv4()).isNotNull();
        assertThat(lease.expiresAt()).isEqualTo(clock.instant().plus(DAY));
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void theLeaseWithOurAddressIsUsedAgain() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        Lease first = keeper().acquire(config, node(1), null);
        Lease second = keeper().acquire(config, node(1), subnet("10.3.200.0/24"));

        assertThat(second.subnets()).isEqualTo(first.subnets());
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void aLeaseThatNoLongerFitsIsGivenUp() throws Exception {
        keeper().acquire(config("10.3.0.0/16"), node(1), null);
        Lease moved = keeper().acquire(config("10.4.0.0/16"), node(1), null);

        assertThat(Cidr.parse("10.4.0.0/16").contains(moved.subnets().ipv4())).isTrue();
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void thePreviousSubnetIsTakenWhenItIsFree() throws Exception {
        Lease lease = keeper().acquire(config("10.3.0.0/16"), node(1), subnet("10.3.77.0/24"));
        assertThat(lease.subnets()).isEqualTo(subnet("10.3.77.0/24"));

        Lease other = keeper().acquire(config("10.3.0.0/16"), node(2), subnet("10.3.77.0/24"));
        assertThat(other.subnets()).isNotEqualTo(subnet("10.3.77.0/24"));

        Lease unfit = keeper().acquire(config("10.3.0.0/16"), node(3), subnet("10.9.77.0/24"));
        assertThat(Cidr.parse("10.3.0.0/16").contains(unfit.subnets().ipv4())).isTrue();
    }

    @Test
    void whatTheStoreAssignsIsTakenAndWaitedFor() throws Exception {
        store.assign(null);
        LeaseKeeper keeper = keeper();
        NetworkConfig config = config("10.3.0.0/16");
        CompletableFuture<Lease> lease = CompletableFuture.supplyAsync(() -> {
            try {
                return keeper.acquire(config, node(1), null);
            } catch (LeaseKeeper.ClosedException e) {
                throw new IllegalStateException(e);
            }
        });
        Awaitility.await().until(() -> keeper.waitingFor().equals("nothing is assigned yet"));

        store.assign(subnet("10.3.7.0/24"));

        assertThat(lease.get(5, TimeUnit.SECONDS).subnets()).isEqualTo(subnet("10.3.7.0/24"));
        assertThat(keeper.waitingFor()).isEmpty();
        store.assign(subnet("10.3.8.0/24"));
        assertThat(keeper.secure(node(1))).as("assigned others").isEqualTo(Outcome.LOST);
        store.assign(null);
        assertThat(keeper.secure(node(1))).as("assigned none").isEqualTo(Outcome.UNKNOWN);
    }

    @Test
    void aReservationStaysOne() throws Exception {
        store.reserve(subnet("10.3.9.0/24"), node(1));

        Lease lease = keeper().acquire(config("10.3.0.0/16"), node(1), null);

        assertThat(lease.subnets()).isEqualTo(subnet("10.3.9.0/24"));
        assertThat(lease.expiresAt()).isNull();
        assertThat(store.list().leases().get(0).isReservation()).isTrue();
    }

    @Test
    void manyNodesAtOnceAllGetSubnetsOfTheirOwn() throws Exception {
        NetworkConfig config = config("10.3.0.0/20");
        List<CompletableFuture<Lease>> starts = new ArrayList<>();
        for (int i = 1; i <= 15; i++) {
            int number = i;
            LeaseKeeper keeper = keeper();
            starts.add(CompletableFuture.supplyAsync(() -> {
                try {
                    return keeper.acquire(config, node(number), null);
                } catch (LeaseKeeper.ClosedException e) {
                    throw new AssertionError(e);
                }
            }));
        }
        Set<PodSubnets> distinct = new HashSet<>();
        for (CompletableFuture<Lease> start : starts) {
            distinct.add(start.get(20, TimeUnit.SECONDS).subnets());
        }
        assertThat(distinct).hasSize(15);
    }

    @Test
    void outOfSubnetsIsSaidAndWaitedFor() throws Exception {
        NetworkConfig config = config("10.3.0.0/28");
        List<Lease> held = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            held.add(keeper().acquire(config, node(i + 1), null));
        }
        LeaseKeeper late = keeper();
        CompletableFuture<Lease> waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return late.acquire(config, node(9), null);
            } catch (LeaseKeeper.ClosedException e) {
                throw new AssertionError(e);
            }
        });
        Awaitility.await().until(() -> late.waitingFor().startsWith("out of subnets"));
        assertThat(waiting).isNotDone();

        store.expire(held.get(1).subnets());

        assertThat(waiting.get(20, TimeUnit.SECONDS).subnets())
                .isEqualTo(held.get(1).subnets());
        assertThat(late.waitingFor()).isEmpty();
    }

    @Test
    void aLeaseThatVanishedIsClaimedAgain() throws Exception {
        LeaseKeeper keeper = keeper();
        Lease lease = keeper.acquire(config("10.3.0.0/16"), node(1), null);
        store.expire(lease.subnets());

        assertThat(keeper.secure(node(1))).isEqualTo(Outcome.HELD);
        assertThat(store.list().leases().get(0).subnets()).isEqualTo(lease.subnets());
    }

    @Test
    void aLeaseThatAnotherNodeTookIsLost() throws Exception {
        LeaseKeeper keeper = keeper();
        Lease lease = keeper.acquire(config("10.3.0.0/16"), node(1), null);
        store.expire(lease.subnets());
        store.create(lease.subnets(), node(2), DAY);

        assertThat(keeper.secure(node(1))).isEqualTo(Outcome.LOST);
    }

    @Test
    void renewalComesBeforeTheEndAndIsTriedAgain() throws Exception {
        LeaseKeeper keeper = keeper();
        keeper.acquire(config("10.3.0.0/16"), node(1), null);
        assertThat(keeper.untilRenewal()).isEqualTo(Duration.ofHours(23));

        clock.now = clock.now.plus(Duration.ofHours(23));
        store.setAway(true);
        assertThat(keeper.secure(node(1))).isEqualTo(Outcome.UNKNOWN);
        assertThat(keeper.untilRenewal()).isEqualTo(Duration.ofMinutes(1));
        assertThat(keeper.hasExpired()).isFalse();

        store.setAway(false);
        assertThat(keeper.secure(node(1))).isEqualTo(Outcome.HELD);
        assertThat(keeper.untilRenewal()).isEqualTo(Duration.ofHours(23));

        clock.now = clock.now.plus(Duration.ofHours(25));
        assertThat(keeper.hasExpired()).isTrue();
    }

    @Test
    void everyFreeSubnetIsAsLikelyAsTheOther() throws Exception {
        NetworkConfig config = config("10.3.0.0/20");
        int[] picks = new int[16];
        List<PodSubnets> taken = List.of(subnet("10.3.4.0/22"), subnet("10.3.9.128/25"), subnet("192.168.0.0/16"));
        Random random = new Random(1);
        for (int i = 0; i < 10_000; i++) {
            PodSubnets chosen =
                    SubnetChooser.choose(config, taken, null, random).orElseThrow();
            picks[chosen.ipv4().address().ipv4Bits() >>> 8 & 15]++;
        }
        for (int third = 0; third < 16; third++) {
            boolean free = third != 0 && third / 4 != 1 && third != 9;
            assertThat(picks[third]).as("10.3.%d.0", third).isBetween(free ? 800 : 0, free ? 1200 : 0);
        }
    }

    private LeaseKeeper keeper() {
        LeaseKeeper keeper = new LeaseKeeper(
                store, new StoreHealth(clock, "memory"), clock, new Random(keepers.size()), DAY, Duration.ofHours(1));
        keepers.add(keeper);
        return keeper;
    }

    private static NetworkConfig config(String network) throws Exception {
        return NetworkConfig.parse("{\"Network\": \"" + network + "\"}");
    }

    private static PodSubnets subnet(String cidr) {
        return PodSubnets.ofIpv4(Cidr.parse(cidr));
    }

    private static LeaseAttributes node(int number) {
        return LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0." + number), "", null);
    }

    private static final class SetClock extends Clock {
        private volatile Instant now = Instant.parse("2026-11-24T00:00:00Z");

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }
}
