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
        Lease lease = keeper().acquire(config("10.3.0.0/16"), node(1), null, null);

        assertThat(lease.subnets().ipv4()).isNotNull();
        assertThat(lease.expiresAt()).isEqualTo(clock.instant().plus(DAY));
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void theLeaseWithOurAddressIsUsedAgain() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        Lease first = keeper().acquire(config, node(1), null, null);
        Lease second = keeper().acquire(config, node(1), subnet("10.3.200.0/24"), null);

        assertThat(second.subnets()).isEqualTo(first.subnets());
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void aLeaseThatNoLongerFitsIsGivenUp() throws Exception {
        keeper().acquire(config("10.3.0.0/16"), node(1), null, null);
        Lease moved = keeper().acquire(config("10.4.0.0/16"), node(1), null, null);

        assertThat(Cidr.parse("10.4.0.0/16").contains(moved.subnets().ipv4())).isTrue();
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void aFamilyThatComesOrGoesLeavesTheOtherItsSubnet() throws Exception {
        NetworkConfig both = NetworkConfig.parse(
                "{\"Network\": \"10.3.0.0/16\", \"EnableIPv6\": true, \"IPv6Network\": \"fd00:3::/48\","
                        + " \"Backend\": {\"Type\": \"vxlan\"}}");
        Cidr ipv4 = keeper().acquire(config("10.3.0.0/16"), node(1), null, null)
                .subnets()
                .ipv4();

        PodSubnets grown = keeper().acquire(both, node(1), null, null).subnets();
        assertThat(grown.ipv4()).isEqualTo(ipv4);
        assertThat(grown.ipv6()).isNotNull();
        assertThat(store.list().leases()).as("the old key is gone").hasSize(1);

        assertThat(keeper().acquire(config("10.3.0.0/16"), node(1), null, null).subnets())
                .isEqualTo(PodSubnets.ofIpv4(ipv4));
        assertThat(keeper().acquire(both, node(2), subnet("10.3.99.0/24"), null)
                        .subnets()
                        .ipv4())
                .as("a previous life with one family")
                .isEqualTo(Cidr.parse("10.3.99.0/24"));
    }

    @Test
    void thePreviousSubnetIsTakenWhenItIsFree() throws Exception {
        Lease lease = keeper().acquire(config("10.3.0.0/16"), node(1), subnet("10.3.77.0/24"), null);
        assertThat(lease.subnets()).isEqualTo(subnet("10.3.77.0/24"));

        Lease other = keeper().acquire(config("10.3.0.0/16"), node(2), subnet("10.3.77.0/24"), null);
        assertThat(other.subnets()).isNotEqualTo(subnet("10.3.77.0/24"));

        Lease unfit = keeper().acquire(config("10.3.0.0/16"), node(3), subnet("10.9.77.0/24"), null);
        assertThat(Cidr.parse("10.3.0.0/16").contains(unfit.subnets().ipv4())).isTrue();
    }

    @Test
    void whatTheStoreAssignsIsTakenAndWaitedFor() throws Exception {
        store.assign(null);
        LeaseKeeper keeper = keeper();
        NetworkConfig config = config("10.3.0.0/16");
        CompletableFuture<Lease> lease = CompletableFuture.supplyAsync(() -> {
            try {
                return keeper.acquire(config, node(1), null, null);
            } catch (LeaseKeeper.ClosedException e) {
                throw new IllegalStateException(e);
            }
        });
        Awaitility.await().until(() -> keeper.waitingFor().equals("nothing is assigned yet"));

        store.assign(subnet("10.3.7.0/24"));

        assertThat(lease.get(5, TimeUnit.SECONDS).subnets()).isEqualTo(subnet("10.3.7.0/24"));
        assertThat(keeper.waitingFor()).isEmpty();
        store.assign(subnet("10.3.8.0/24"));
        assertThat(keeper.renew(node(1))).as("assigned others").isEqualTo(Outcome.LOST);
        store.assign(null);
        assertThat(keeper.renew(node(1))).as("assigned none").isEqualTo(Outcome.UNKNOWN);
    }

    @Test
    void aReservationStaysOne() throws Exception {
        store.reserve(subnet("10.3.9.0/24"), node(1));

        Lease lease = keeper().acquire(config("10.3.0.0/16"), node(1), null, null);

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
                    return keeper.acquire(config, node(number), null, null);
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
            held.add(keeper().acquire(config, node(i + 1), null, null));
        }
        LeaseKeeper late = keeper();
        CompletableFuture<Lease> waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return late.acquire(config, node(9), null, null);
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
        Lease lease = keeper.acquire(config("10.3.0.0/16"), node(1), null, null);
        store.expire(lease.subnets());

        assertThat(keeper.renew(node(1))).isEqualTo(Outcome.HELD);
        assertThat(store.list().leases().get(0).subnets()).isEqualTo(lease.subnets());
    }

    @Test
    void aLeaseThatAnotherNodeTookIsLost() throws Exception {
        LeaseKeeper keeper = keeper();
        Lease lease = keeper.acquire(config("10.3.0.0/16"), node(1), null, null);
        store.expire(lease.subnets());
        store.create(lease.subnets(), node(2), DAY);

        assertThat(keeper.renew(node(1))).isEqualTo(Outcome.LOST);
    }

    /** Had it deleted its claim and gone on, another node could have had the IPv6 subnet beside it. */
    @Test
    void aNodeThatFindsItsNewClaimOverlappedStopsSendingFirst() throws Exception {
        NetworkConfig both = NetworkConfig.parse(
                "{\"Network\": \"10.3.0.0/16\", \"EnableIPv6\": true, \"IPv6Network\": \"fd00:3::/48\","
                        + " \"Backend\": {\"Type\": \"vxlan\"}}");
        LeaseKeeper keeper = keeper();
        PodSubnets own =
                keeper.acquire(both, node(1), subnet("10.3.1.0/24"), null).subnets();
        PodSubnets rival = new PodSubnets(Cidr.parse("10.3.2.0/24"), own.ipv6());
        store.expire(own);
        store.beforeNextWrite(() -> store.reserve(rival, node(2)));

        assertThat(keeper.renew(node(1))).isEqualTo(Outcome.LOST);

        assertThat(keeper.attempt(both, node(1), own, null)).as("gives way").isEmpty();
        assertThat(store.list().leases()).extracting(StoredLease::subnets).containsExactly(rival);
        assertThat(keeper.attempt(both, node(1), own, null)
                        .orElseThrow()
                        .subnets()
                        .overlaps(rival))
                .isFalse();
    }

    @Test
    void renewalComesBeforeTheEndAndIsTriedAgain() throws Exception {
        LeaseKeeper keeper = keeper();
        keeper.acquire(config("10.3.0.0/16"), node(1), null, null);
        assertThat(keeper.untilRenewal()).isEqualTo(Duration.ofHours(23));

        clock.now = clock.now.plus(Duration.ofHours(23));
        store.setAway(true);
        assertThat(keeper.renew(node(1))).isEqualTo(Outcome.UNKNOWN);
        assertThat(keeper.untilRenewal()).isEqualTo(Duration.ofSeconds(1));
        assertThat(keeper.hasExpired()).isFalse();

        store.setAway(false);
        assertThat(keeper.renew(node(1))).isEqualTo(Outcome.HELD);
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

    /** flannel looks at the first hundred free subnets only, so that nodes which start together meet at the low end. */
    @Test
    void bugOnlyTheFirstHundredFreeSubnetsAreEverPickedIsFixed() throws Exception {
        Random random = new Random(1);
        int beyond = 0;
        for (int i = 0; i < 1000; i++) {
            PodSubnets chosen = SubnetChooser.choose(config("10.3.0.0/16"), List.of(), null, random)
                    .orElseThrow();
            beyond += (chosen.ipv4().address().ipv4Bits() >>> 8 & 255) > 100 ? 1 : 0;
        }

        assertThat(beyond).as("of 1000, beyond the first hundred of 255").isBetween(550, 660);
    }

    /** flannel turns a reservation into a lease of 24 hours at the first start. */
    @Test
    void bugReservationBecomesALeaseIsFixedOverRenewals() throws Exception {
        store.reserve(subnet("10.3.9.0/24"), node(1));
        LeaseKeeper keeper = keeper();
        keeper.acquire(config("10.3.0.0/16"), node(1), null, null);

        assertThat(keeper.renew(node(1))).isEqualTo(Outcome.HELD);

        assertThat(store.list().leases().get(0).isReservation()).isTrue();
        assertThat(keeper.hasExpired()).isFalse();
    }

    /** In flannel the loser of a race for a subnet ends with status 1. */
    @Test
    void bugLosingTheCreateRaceEndsTheProcessIsFixed() throws Exception {
        store.beforeNextWrite(() -> store.reserve(subnet("10.3.77.0/24"), node(2)));

        Lease lease = keeper().acquire(config("10.3.0.0/16"), node(1), subnet("10.3.77.0/24"), null);

        assertThat(lease.subnets()).isNotEqualTo(subnet("10.3.77.0/24"));
    }

    /** flannel never renews again when the first look at its own lease fails. */
    @Test
    void bugAFailedFirstReadStopsRenewalIsFixed() throws Exception {
        LeaseKeeper keeper = keeper();
        keeper.acquire(config("10.3.0.0/16"), node(1), null, null);
        store.setAway(true);
        assertThat(keeper.confirm(node(1))).isEqualTo(Outcome.UNKNOWN);
        store.setAway(false);
        clock.now = clock.now.plus(Duration.ofHours(23));

        assertThat(keeper.renew(node(1))).isEqualTo(Outcome.HELD);
        assertThat(keeper.own().expiresAt()).isEqualTo(clock.now.plus(DAY));
    }

    /** Two nodes with one address share a lease in flannel, and never notice. */
    @Test
    void bugTwoNodesWithOneAddressShareALeaseIsFixed() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        LeaseKeeper first = keeper();
        LeaseKeeper second = keeper();
        first.acquire(config, node(1), null, null);
        clock.now = clock.now.plus(Duration.ofHours(1));
        second.acquire(config, node(1), null, null);

        assertThat(first.confirm(node(1))).as("who was there first").isEqualTo(Outcome.HELD);
        assertThat(first.duplicate()).contains("another node uses our address 192.168.0.1", "--public-ip");
        assertThat(second.confirm(node(1))).as("who came later").isEqualTo(Outcome.LOST);
        assertThat(second.attempt(config, node(1), null, null)).isEmpty();
        assertThat(second.waitingFor()).contains("192.168.0.1");

        store.expire(first.own().subnets());
        assertThat(second.attempt(config, node(1), null, null))
                .as("once the other is gone")
                .isPresent();
        assertThat(second.duplicate()).isEmpty();
    }

    @Test
    void ourOwnWriteWhoseAnswerWasLostIsNoIntruder() throws Exception {
        LeaseKeeper keeper = keeper();
        keeper.acquire(config("10.3.0.0/16"), node(1), null, null);
        keeper.acquire(config("10.3.0.0/16"), node(1), null, null); // taken over: the newcomer's case
        store.loseNextAnswer();
        assertThat(keeper.renew(node(1))).isEqualTo(Outcome.UNKNOWN);

        assertThat(keeper.renew(node(1))).isEqualTo(Outcome.HELD);
        assertThat(keeper.duplicate()).isEmpty();
    }

    @Test
    void aLeaseThatAnOperatorMadeAReservationStaysOne() throws Exception {
        LeaseKeeper keeper = keeper();
        Lease lease = keeper.acquire(config("10.3.0.0/16"), node(1), null, null);
        store.reserve(lease.subnets(), node(1));

        assertThat(keeper.confirm(node(1))).isEqualTo(Outcome.HELD);

        assertThat(keeper.own().expiresAt()).isNull();
        assertThat(keeper.duplicate()).isEmpty();
        assertThat(store.list().leases().get(0).isReservation()).isTrue();
    }

    @Test
    void withoutTheStoreTheLastLeaseServesWhileItLasts() throws Exception {
        LeaseKeeper before = keeper();
        Lease lease = before.acquire(config("10.3.0.0/16"), node(1), null, null);
        String document = "{\"Network\": \"10.3.0.0/16\"}";
        SavedLeases saved = new SavedLeases("memory", clock.now, document, before.stored(), List.of(), 7);
        store.setAway(true);
        LeaseKeeper after = keeper();

        NetworkConfig config = after.awaitNetworkConfig(saved);
        assertThat(after.acquire(config, node(1), null, saved)).isEqualTo(lease);
        assertThat(after.isFromDisk()).isTrue();
        assertThat(keeper().attempt(config, node(2), null, saved))
                .as("another address")
                .isEmpty();
        clock.now = clock.now.plus(Duration.ofHours(25));
        assertThat(keeper().attempt(config, node(1), null, saved))
                .as("after its end")
                .isEmpty();

        store.setAway(false);
        assertThat(after.renew(node(1))).isEqualTo(Outcome.HELD);
        assertThat(after.isFromDisk()).isFalse();
        assertThat(after.duplicate()).isEmpty();
    }

    @Test
    void whatTheStoreToldIsOverIsNotTakenFromDisk() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        LeaseKeeper before = keeper();
        PodSubnets own = before.acquire(config, node(1), null, null).subnets();
        SavedLeases saved = new SavedLeases("memory", clock.now, "", before.stored(), List.of(), 7);
        store.expire(own);
        store.create(own, node(2), DAY);
        assertThat(before.renew(node(1))).isEqualTo(Outcome.LOST);
        store.setAway(true);

        assertThat(before.attempt(config, node(1), own, saved))
                .as("it was lost")
                .isEmpty();

        store.setAway(false);
        LeaseKeeper after = keeper();
        store.beforeNextWrite(() -> store.setAway(true));
        assertThat(after.attempt(config, node(1), own, saved))
                .as("the listing showed it to be another node's")
                .isEmpty();
        assertThat(after.isFromDisk()).isFalse();
    }

    @Test
    void whatAStoreThatAssignsTookBackIsNotTakenFromDisk() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        store.assign(subnet("10.3.7.0/24"));
        LeaseKeeper before = keeper();
        before.acquire(config, node(1), null, null);
        SavedLeases saved = new SavedLeases("memory", clock.now, "", before.stored(), List.of(), 7);
        store.assign(null);
        LeaseKeeper after = keeper();

        assertThat(after.attempt(config, node(1), null, saved))
                .as("nothing is assigned")
                .isEmpty();
        store.setAway(true);

        assertThat(after.attempt(config, node(1), null, saved))
                .as("and the store went away")
                .isEmpty();
        assertThat(after.isFromDisk()).isFalse();
    }

    @Test
    void withoutAStoreThatAssignsTheLastSubnetServes() throws Exception {
        PodSubnets odd = subnet("10.3.0.0/25"); // Kubernetes cuts the network as it likes
        store.assign(odd);
        LeaseKeeper before = keeper();
        NetworkConfig config = config("10.3.0.0/16");
        before.acquire(config, node(1), null, null);
        SavedLeases saved = new SavedLeases("memory", clock.now, "", before.stored(), List.of(), 7);
        store.setAway(true);
        LeaseKeeper after = keeper();

        assertThat(after.awaitNotes(saved).earlier()).isEqualTo(node(1));
        assertThat(after.acquire(config, node(2), null, saved).subnets()).isEqualTo(odd);
        assertThat(keeper().attempt(config("10.4.0.0/16"), node(1), null, saved))
                .as("another network")
                .isEmpty();

        store.setAway(false);
        store.note(new NodeNotes(IpAddress.parse("203.0.113.7"), null, null));
        assertThat(after.renew(node(2))).as("known by another address").isEqualTo(Outcome.LOST);
        store.note(NodeNotes.NONE);
        store.expire(odd);
        assertThat(after.renew(node(2))).isEqualTo(Outcome.HELD);
        assertThat(after.isFromDisk()).isFalse();
    }

    @Test
    void aLeaseIsGivenBackOnlyWhereItIsStillOurs() throws Exception {
        LeaseKeeper keeper = keeper();
        keeper.acquire(config("10.3.0.0/16"), node(1), null, null);
        keeper().acquire(config("10.3.0.0/16"), node(1), null, null); // written by somebody else since

        assertThat(keeper.release()).isFalse();
        assertThat(store.list().leases()).hasSize(1);
        assertThat(keepers.get(1).release()).isTrue();
        assertThat(store.list().leases()).isEmpty();
    }

    @Test
    void shortLeasesAreRenewedAtHalfTime() throws Exception {
        LeaseKeeper keeper = new LeaseKeeper(
                store,
                new StoreHealth(clock, "memory"),
                clock,
                new Random(1),
                new LeaseKeeper.Terms(Duration.ofSeconds(30), Duration.ofHours(1)));
        keeper.acquire(config("10.3.0.0/16"), node(1), null, null);

        assertThat(keeper.untilRenewal()).isEqualTo(Duration.ofSeconds(15));
    }

    private LeaseKeeper keeper() {
        LeaseKeeper keeper = new LeaseKeeper(
                store,
                new StoreHealth(clock, "memory"),
                clock,
                new Random(keepers.size()),
                new LeaseKeeper.Terms(DAY, Duration.ofHours(1)));
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
