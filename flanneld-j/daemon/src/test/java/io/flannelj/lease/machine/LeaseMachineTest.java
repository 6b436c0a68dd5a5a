package io.flannelj.lease.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.MemorySubnetManager;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.UnassignedException;
import io.flannelj.lease.pool.SubnetChooser;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The machine over a store that answers at once; what it does over time is {@code ClusterSimulation}'s. */
class LeaseMachineTest {
    private static final Duration DAY = Duration.ofHours(24);

    private final SetClock clock = new SetClock();
    private final MemorySubnetManager store = new MemorySubnetManager(clock);
    private int nodes;

    private static Cidr ipv4(PodSubnets subnets) {
        return subnets.byFamily().require(IpFamily.IPV4);
    }

    @Test
    void aNewNodeGetsAFreeSubnet() throws Exception {
        Lease lease = aNode().acquire(config("10.3.0.0/16"), node(1), null, null);

        assertThat(lease.subnets().families()).containsExactly(IpFamily.IPV4);
        assertThat(lease.expiresAt()).isEqualTo(clock.instant().plus(DAY));
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void theLeaseWithOurAddressIsUsedAgain() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        Lease first = aNode().acquire(config, node(1), null, null);
        Lease second = aNode().acquire(config, node(1), subnet("10.3.200.0/24"), null);

        assertThat(second.subnets()).isEqualTo(first.subnets());
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void aLeaseThatNoLongerFitsIsGivenUp() throws Exception {
        aNode().acquire(config("10.3.0.0/16"), node(1), null, null);
        Lease moved = aNode().acquire(config("10.4.0.0/16"), node(1), null, null);

        assertThat(Cidr.parse("10.4.0.0/16").contains(ipv4(moved.subnets()))).isTrue();
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void aFamilyThatComesOrGoesLeavesTheOtherItsSubnet() throws Exception {
        NetworkConfig both = NetworkConfig.parse(
                "{\"Network\": \"10.3.0.0/16\", \"EnableIPv6\": true, \"IPv6Network\": \"fd00:3::/48\","
                        + " \"Backend\": {\"Type\": \"vxlan\"}}");
        Cidr ipv4 =
                ipv4(aNode().acquire(config("10.3.0.0/16"), node(1), null, null).subnets());

        PodSubnets grown = aNode().acquire(both, node(1), null, null).subnets();
        assertThat(ipv4(grown)).isEqualTo(ipv4);
        assertThat(grown.get(IpFamily.IPV6)).isPresent();
        assertThat(store.list().leases()).as("the old key is gone").hasSize(1);

        assertThat(aNode().acquire(config("10.3.0.0/16"), node(1), null, null).subnets())
                .isEqualTo(PodSubnets.of(ipv4));
        assertThat(ipv4(aNode().acquire(both, node(2), subnet("10.3.99.0/24"), null)
                        .subnets()))
                .as("a previous run with one family")
                .isEqualTo(Cidr.parse("10.3.99.0/24"));
    }

    @Test
    void thePreviousSubnetIsTakenWhenItIsFree() throws Exception {
        Lease lease = aNode().acquire(config("10.3.0.0/16"), node(1), subnet("10.3.77.0/24"), null);
        assertThat(lease.subnets()).isEqualTo(subnet("10.3.77.0/24"));

        Lease other = aNode().acquire(config("10.3.0.0/16"), node(2), subnet("10.3.77.0/24"), null);
        assertThat(other.subnets()).isNotEqualTo(subnet("10.3.77.0/24"));

        Lease unfit = aNode().acquire(config("10.3.0.0/16"), node(3), subnet("10.9.77.0/24"), null);
        assertThat(Cidr.parse("10.3.0.0/16").contains(ipv4(unfit.subnets()))).isTrue();
    }

    @Test
    void whatTheStoreAssignsIsTakenAndWaitedFor() throws Exception {
        store.assign(null);
        Node node = aNode();
        NetworkConfig config = config("10.3.0.0/16");
        CompletableFuture<Lease> lease = CompletableFuture.supplyAsync(() -> {
            return node.acquire(config, node(1), null, null);
        });
        Awaitility.await().until(() -> node.waitingFor().equals("nothing is assigned yet"));

        store.assign(subnet("10.3.7.0/24"));

        assertThat(lease.get(5, TimeUnit.SECONDS).subnets()).isEqualTo(subnet("10.3.7.0/24"));
        assertThat(node.waitingFor()).isEmpty();
        store.assign(subnet("10.3.8.0/24"));
        assertThat(node.renew(node(1))).as("assigned others").isEqualTo(Outcome.LOST);
    }

    /** Who deletes a node's object in Kubernetes frees its pod CIDR for the next one. flannel goes on for ever. */
    @Test
    void bugSubnetsThatTheStoreTookBackAreSentFromForEverIsFixed() throws Exception {
        store.assign(subnet("10.3.7.0/24"));
        Node node = aNode();
        node.acquire(config("10.3.0.0/16"), node(1), null, null);
        assertThat(node.own().expiresAt()).isNotNull();

        store.assign(null);
        assertThat(node.confirm(node(1))).isEqualTo(Outcome.UNKNOWN);
        assertThat(node.hasExpired()).isTrue();
        assertThat(node.waitingFor()).isEqualTo("nothing is assigned yet");
        store.setAway(true);
        assertThat(node.confirm(node(1))).isEqualTo(Outcome.UNKNOWN);
        assertThat(node.hasExpired()).as("by the last answer").isTrue();

        store.setAway(false);
        store.assign(subnet("10.3.7.0/24"));
        store.expire(subnet("10.3.7.0/24"));
        assertThat(node.confirm(node(1))).as("the same again").isEqualTo(Outcome.HELD);
        assertThat(node.hasExpired()).isFalse();
        assertThat(node.waitingFor()).isEmpty();
    }

    @Test
    void aReservationStaysOne() throws Exception {
        store.reserve(subnet("10.3.9.0/24"), node(1));

        Lease lease = aNode().acquire(config("10.3.0.0/16"), node(1), null, null);

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
            Node node = aNode();
            starts.add(CompletableFuture.supplyAsync(() -> {
                return node.acquire(config, node(number), null, null);
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
            held.add(aNode().acquire(config, node(i + 1), null, null));
        }
        Node late = aNode();
        CompletableFuture<Lease> waiting = CompletableFuture.supplyAsync(() -> {
            return late.acquire(config, node(9), null, null);
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
        Node node = aNode();
        Lease lease = node.acquire(config("10.3.0.0/16"), node(1), null, null);
        store.expire(lease.subnets());

        assertThat(node.renew(node(1))).isEqualTo(Outcome.HELD);
        assertThat(store.list().leases().get(0).subnets()).isEqualTo(lease.subnets());
    }

    @Test
    void aLeaseThatAnotherNodeTookIsLost() throws Exception {
        Node node = aNode();
        Lease lease = node.acquire(config("10.3.0.0/16"), node(1), null, null);
        store.expire(lease.subnets());
        store.create(lease.subnets(), node(2), DAY);

        assertThat(node.renew(node(1))).isEqualTo(Outcome.LOST);
    }

    /** Had it deleted its claim and gone on, another node could have had the IPv6 subnet beside it. */
    @Test
    void aNodeThatFindsItsNewClaimOverlappedStopsSendingFirst() throws Exception {
        NetworkConfig both = NetworkConfig.parse(
                "{\"Network\": \"10.3.0.0/16\", \"EnableIPv6\": true, \"IPv6Network\": \"fd00:3::/48\","
                        + " \"Backend\": {\"Type\": \"vxlan\"}}");
        Node node = aNode();
        PodSubnets own =
                node.acquire(both, node(1), subnet("10.3.1.0/24"), null).subnets();
        PodSubnets rival =
                PodSubnets.of(Cidr.parse("10.3.2.0/24"), own.byFamily().require(IpFamily.IPV6));
        store.expire(own);
        store.beforeNextWrite(() -> store.reserve(rival, node(2)));

        assertThat(node.renew(node(1))).isEqualTo(Outcome.LOST);

        assertThat(node.attempt(both, node(1), own, null)).as("gives way").isEmpty();
        assertThat(store.list().leases()).extracting(StoredLease::subnets).containsExactly(rival);
        assertThat(node.attempt(both, node(1), own, null)
                        .orElseThrow()
                        .subnets()
                        .overlaps(rival))
                .isFalse();
    }

    /**
     * While the lease was over, another node got an IPv6 subnet of it; then a write of ours came late, and the store, which had been
     * restored from a snapshot, gave it the version that our lease had had before.
     */
    @Test
    void bugAVersionThatIsGivenOutOnceMoreHidesARivalIsFixed() throws Exception {
        NetworkConfig both = NetworkConfig.parse(
                "{\"Network\": \"10.3.0.0/16\", \"EnableIPv6\": true, \"IPv6Network\": \"fd00:3::/48\","
                        + " \"Backend\": {\"Type\": \"vxlan\"}}");
        Node node = aNode();
        Lease first = node.acquire(both, node(1), subnet("10.3.1.0/24"), null);
        long version = store.list().leases().get(0).version();
        Instant over = Objects.requireNonNull(first.expiresAt()).plusSeconds(1);
        Lease rival = new Lease(
                PodSubnets.of(
                        Cidr.parse("10.3.2.0/24"), first.subnets().byFamily().require(IpFamily.IPV6)),
                node(2),
                null);
        List<StoredLease> listed = List.of(
                new StoredLease(rival, version - 1, 1_000_001),
                new StoredLease(new Lease(first.subnets(), node(1), null), version, 1_000_002));

        Step look = LeaseMachine.step(node.state, new Observation.Elapsed(), over, 1);
        Step update = LeaseMachine.step(look.state(), new Observation.Listed(listed), over, 1);
        assertThat(update.action()).isInstanceOf(Action.Update.class);
        StoredLease renewed =
                new StoredLease(new Lease(first.subnets(), node(1), over.plus(DAY)), version + 1, 1_000_003);
        Step check = LeaseMachine.step(update.state(), new Observation.Written(renewed), over, 1);
        assertThat(check.action()).as("looks before it sends").isInstanceOf(Action.Look.class);

        Step end = LeaseMachine.step(check.state(), new Observation.Listed(List.of(listed.get(0), renewed)), over, 1);
        assertThat(end.state().statusAt(over)).isInstanceOf(LeaseStatus.Lost.class);
    }

    @Test
    void renewalComesBeforeTheEndAndIsTriedAgain() throws Exception {
        Node node = aNode();
        node.acquire(config("10.3.0.0/16"), node(1), null, null);
        assertThat(node.untilRenewal()).isEqualTo(Duration.ofHours(23));

        clock.now = clock.now.plus(Duration.ofHours(23));
        store.setAway(true);
        assertThat(node.renew(node(1))).isEqualTo(Outcome.UNKNOWN);
        assertThat(node.hasExpired()).isFalse();

        store.setAway(false);
        assertThat(node.renew(node(1))).isEqualTo(Outcome.HELD);
        assertThat(node.untilRenewal()).isEqualTo(Duration.ofHours(23));

        clock.now = clock.now.plus(Duration.ofHours(25));
        assertThat(node.hasExpired()).isTrue();
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
            picks[ipv4(chosen).address().ipv4Bits() >>> 8 & 15]++;
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
            beyond += (ipv4(chosen).address().ipv4Bits() >>> 8 & 255) > 100 ? 1 : 0;
        }

        assertThat(beyond).as("of 1000, beyond the first hundred of 255").isBetween(550, 660);
    }

    /** flannel turns a reservation into a lease of 24 hours at the first start. */
    @Test
    void bugReservationBecomesALeaseIsFixedOverRenewals() throws Exception {
        store.reserve(subnet("10.3.9.0/24"), node(1));
        Node node = aNode();
        node.acquire(config("10.3.0.0/16"), node(1), null, null);

        assertThat(node.renew(node(1))).isEqualTo(Outcome.HELD);

        assertThat(store.list().leases().get(0).isReservation()).isTrue();
        assertThat(node.hasExpired()).isFalse();
    }

    /** In flannel the loser of a race for a subnet ends with status 1. */
    @Test
    void bugLosingTheCreateRaceEndsTheProcessIsFixed() throws Exception {
        store.beforeNextWrite(() -> store.reserve(subnet("10.3.77.0/24"), node(2)));

        Lease lease = aNode().acquire(config("10.3.0.0/16"), node(1), subnet("10.3.77.0/24"), null);

        assertThat(lease.subnets()).isNotEqualTo(subnet("10.3.77.0/24"));
    }

    /** flannel never renews again when the first look at its own lease fails. */
    @Test
    void bugAFailedFirstReadStopsRenewalIsFixed() throws Exception {
        Node node = aNode();
        node.acquire(config("10.3.0.0/16"), node(1), null, null);
        store.setAway(true);
        assertThat(node.confirm(node(1))).isEqualTo(Outcome.UNKNOWN);
        store.setAway(false);
        clock.now = clock.now.plus(Duration.ofHours(23));

        assertThat(node.renew(node(1))).isEqualTo(Outcome.HELD);
        assertThat(node.own().expiresAt()).isEqualTo(clock.now.plus(DAY));
    }

    /** Two nodes with one address share a lease in flannel, and never notice. */
    @Test
    void bugTwoNodesWithOneAddressShareALeaseIsFixed() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        LeaseAttributes one = vxlan("02:00:00:00:00:01");
        LeaseAttributes other = vxlan("02:00:00:00:00:02");
        Node first = aNode();
        Node second = aNode();
        first.acquire(config, one, null, null);
        clock.now = clock.now.plus(Duration.ofHours(1));
        second.acquire(config, other, null, null);

        assertThat(first.confirm(one)).as("who was there first").isEqualTo(Outcome.HELD);
        assertThat(first.duplicate()).contains("another node uses our address 192.168.0.1", "--public-ip");
        assertThat(second.confirm(other)).as("who came later").isEqualTo(Outcome.LOST);
        assertThat(second.attempt(config, other, null, null)).isEmpty();
        assertThat(second.waitingFor()).contains("192.168.0.1");
        assertThat(first.confirm(one)).isEqualTo(Outcome.HELD);
        assertThat(first.duplicate()).as("by the last look").isEmpty();

        store.expire(first.own().subnets());
        assertThat(second.attempt(config, other, null, null))
                .as("once the other is gone")
                .isPresent();
        assertThat(second.duplicate()).isEmpty();
    }

    /** Two nodes must not rewrite each other's words as fast as they can. */
    @Test
    void aLeaseThatIsRewrittenAgainIsRestoredAMinuteLater() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        LeaseAttributes ours = vxlan("02:00:00:00:00:01");
        Node node = aNode();
        PodSubnets own = node.acquire(config, ours, null, null).subnets();
        clock.now = clock.now.plus(Duration.ofHours(1));
        for (int i = 0; i < 3; i++) {
            rewrite(vxlan("02:00:00:00:00:02"));
            assertThat(node.confirm(ours)).isEqualTo(Outcome.HELD);
        }
        assertThat(store.list().leases().get(0).lease().attributes()).isEqualTo(vxlan("02:00:00:00:00:02"));
        assertThat(node.own().expiresAt()).as("our own time goes on").isNotNull();

        clock.now = clock.now.plus(Duration.ofMinutes(1));
        assertThat(node.look()).isEqualTo(Outcome.HELD);
        assertThat(store.list().leases()).singleElement().satisfies(lease -> {
            assertThat(lease.subnets()).isEqualTo(own);
            assertThat(lease.lease().attributes()).isEqualTo(ours);
        });
    }

    /** An operator's rewrite, or a restore of the store from a snapshot: what it says is what we wrote. */
    @Test
    void bugARewriteWithTheSameTextIsTakenForAnotherNodeIsFixed() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        LeaseAttributes before = vxlan("02:00:00:00:00:01");
        LeaseAttributes now = vxlan("02:00:00:00:00:02");
        Node old = aNode();
        old.acquire(config, before, null, null);
        Node node = aNode();
        node.acquire(config, before, null, null); // taken over, so that a rival would be yielded to
        rewrite(before);
        assertThat(node.confirm(before)).isEqualTo(Outcome.HELD);
        assertThat(node.duplicate()).isEmpty();

        assertThat(node.confirm(now)).as("says something else").isEqualTo(Outcome.HELD);
        rewrite(before);
        assertThat(node.confirm(now)).as("a snapshot of before").isEqualTo(Outcome.HELD);
        assertThat(node.duplicate()).isEmpty();
        assertThat(store.list().leases().get(0).lease().attributes()).isEqualTo(now);
    }

    /** The decision and the next look rest on one reading of the clock. */
    @Test
    void aLeaseIsFencedAtItsEndAndLookedAtThen() throws Exception {
        Node node = aNode();
        Instant end = node.acquire(config("10.3.0.0/16"), node(1), null, null).expiresAt();
        store.setAway(true);
        Instant before = end.minusNanos(1);
        Step step = LeaseMachine.step(
                node.state, new Observation.Elapsed(), before, 1); // due for long: a look is asked for
        assertThat(step.state().statusAt(before)).isInstanceOf(LeaseStatus.Held.class);
        assertThat(step.again()).as("though an answer is waited for").isEqualTo(end);
        assertThat(step.state().statusAt(end)).isInstanceOf(LeaseStatus.Fenced.class);
    }

    /** The machine was suspended meanwhile: who waits for a lease would be told of its end only, and wait for ever. */
    @Test
    void bugANewLeaseThatIsOverWhenItIsCheckedIsHeldIsFixed() throws Exception {
        NetworkConfig config = config("10.3.0.0/16");
        Goal goal = new Goal(config, node(1), null, null, false);
        LeaseState wanting = LeaseState.acquiring(new Terms(DAY, Duration.ofHours(1)), goal);
        Instant begin = clock.instant();
        Step look = LeaseMachine.step(wanting, new Observation.Elapsed(), begin, 1);
        Step create = LeaseMachine.step(look.state(), new Observation.Listed(List.of()), begin, 1);
        PodSubnets chosen = ((Action.Create) create.action()).subnets();
        StoredLease written = new StoredLease(new Lease(chosen, node(1), begin.plus(DAY)), 7, 100);
        Instant late = begin.plus(DAY).plusSeconds(1);
        Step check = LeaseMachine.step(create.state(), new Observation.Written(written), late, 1);
        StoredLease rivals = new StoredLease(new Lease(chosen, node(2), null), 8, 101);

        Step checked = LeaseMachine.step(check.state(), new Observation.Listed(List.of(rivals)), late, 1);

        assertThat(checked.state().statusAt(late)).isInstanceOf(LeaseStatus.Acquiring.class);
        assertThat(checked.action()).as("looks for another one").isInstanceOf(Action.Look.class);
    }

    @Test
    void ourOwnWriteWhoseAnswerWasLostIsNoIntruder() throws Exception {
        Node node = aNode();
        node.acquire(config("10.3.0.0/16"), node(1), null, null);
        node.acquire(config("10.3.0.0/16"), node(1), null, null); // taken over: the newcomer's case
        store.loseNextAnswer();
        assertThat(node.renew(node(1))).isEqualTo(Outcome.UNKNOWN);

        assertThat(node.renew(node(1))).isEqualTo(Outcome.HELD);
        assertThat(node.duplicate()).isEmpty();
    }

    @Test
    void aLeaseThatAnOperatorMadeAReservationStaysOne() throws Exception {
        Node node = aNode();
        Lease lease = node.acquire(config("10.3.0.0/16"), node(1), null, null);
        store.reserve(lease.subnets(), node(1));

        assertThat(node.confirm(node(1))).isEqualTo(Outcome.HELD);

        assertThat(node.own().expiresAt()).isNull();
        assertThat(node.duplicate()).isEmpty();
        assertThat(store.list().leases().get(0).isReservation()).isTrue();
    }

    @Test
    void withoutTheStoreTheLastLeaseServesWhileItLasts() throws Exception {
        Node before = aNode();
        Lease lease = before.acquire(config("10.3.0.0/16"), node(1), null, null);
        String document = "{\"Network\": \"10.3.0.0/16\"}";
        LeaseCache saved = new LeaseCache("memory", clock.now, document, before.stored(), List.of(), 7);
        store.setAway(true);
        Node after = aNode();

        NetworkConfig config = NetworkConfig.parse(document);
        assertThat(after.acquire(config, node(1), null, saved)).isEqualTo(lease);
        assertThat(after.isFromDisk()).isTrue();
        assertThat(aNode().attempt(config, node(2), null, saved))
                .as("another address")
                .isEmpty();
        clock.now = clock.now.plus(Duration.ofHours(25));
        assertThat(aNode().attempt(config, node(1), null, saved))
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
        Node before = aNode();
        PodSubnets own = before.acquire(config, node(1), null, null).subnets();
        LeaseCache saved = new LeaseCache("memory", clock.now, "", before.stored(), List.of(), 7);
        store.expire(own);
        store.create(own, node(2), DAY);
        assertThat(before.renew(node(1))).isEqualTo(Outcome.LOST);
        store.setAway(true);

        assertThat(before.attempt(config, node(1), own, saved))
                .as("it was lost")
                .isEmpty();

        store.setAway(false);
        Node after = aNode();
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
        Node before = aNode();
        before.acquire(config, node(1), null, null);
        LeaseCache saved = new LeaseCache("memory", clock.now, "", before.stored(), List.of(), 7);
        store.assign(null);
        Node after = aNode();

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
        Node before = aNode();
        NetworkConfig config = config("10.3.0.0/16");
        before.acquire(config, node(1), null, null);
        LeaseCache saved = new LeaseCache("memory", clock.now, "", before.stored(), List.of(), 7);
        store.setAway(true);
        Node after = aNode();

        assertThat(after.acquire(config, node(2), null, saved).subnets()).isEqualTo(odd);
        Node other = aNode();
        assertThat(other.acquire(config, node(2), null, saved).subnets()).isEqualTo(odd);
        assertThat(aNode().attempt(config("10.4.0.0/16"), node(1), null, saved))
                .as("another network")
                .isEmpty();

        store.setAway(false);
        store.note(new NodeNotes(PerFamily.of(IpFamily.IPV4, IpAddress.parse("203.0.113.7")), PerFamily.none(), null));
        assertThat(after.renew(node(2))).as("known by another address").isEqualTo(Outcome.LOST);
        store.note(NodeNotes.NONE);
        store.expire(odd);
        assertThat(other.renew(node(2))).isEqualTo(Outcome.HELD);
        assertThat(other.isFromDisk()).isFalse();
    }

    @Test
    void shortLeasesAreRenewedAtHalfTime() throws Exception {
        Instant now = clock.now;
        Terms terms = new Terms(Duration.ofSeconds(30), Duration.ofHours(1));
        assertThat(terms.renewalOf(now.plusSeconds(30), now)).isEqualTo(now.plusSeconds(15));
        assertThat(terms.renewalOf(now.plusSeconds(3), now)).isEqualTo(now.plusSeconds(1));
    }

    /** How it stands after everything was asked that the machine wanted to know. */
    private enum Outcome {
        HELD,
        UNKNOWN,
        LOST
    }

    private Node aNode() {
        return new Node(nodes++);
    }

    /** Somebody writes the one lease again. */
    private void rewrite(LeaseAttributes attributes) throws StoreException {
        assertThat(store.update(store.list().leases().get(0), attributes, DAY)).isPresent();
    }

    private final class Node {
        private final Random random;
        private volatile @Nullable LeaseState state;

        Node(int seed) {
            this.random = new Random(seed);
        }

        /** Tries until there is a lease. */
        Lease acquire(
                NetworkConfig config,
                LeaseAttributes attributes,
                @Nullable PodSubnets previous,
                @Nullable LeaseCache saved) {
            Optional<Lease> lease = attempt(config, attributes, previous, saved);
            while (lease.isEmpty()) {
                try {
                    Thread.sleep(2);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                drive(new Observation.Elapsed(), state.pace().due());
                lease = held();
            }
            return lease.get();
        }

        /** One try. */
        Optional<Lease> attempt(
                NetworkConfig config,
                LeaseAttributes attributes,
                @Nullable PodSubnets previous,
                @Nullable LeaseCache saved) {
            Goal goal = new Goal(config, attributes, previous, saved, store.assigns());
            Terms terms = new Terms(DAY, Duration.ofHours(1));
            state = state == null ? LeaseState.acquiring(terms, goal) : state.acquiring(goal);
            drive(new Observation.Elapsed(), clock.now);
            return held();
        }

        /** The renewal, as if its time had come. */
        Outcome renew(LeaseAttributes attributes) {
            state = state.announcing(attributes);
            return drive(new Observation.Elapsed(), later(state.pace().due(), clock.now));
        }

        /** A look at the store because something was written there. */
        Outcome confirm(LeaseAttributes attributes) {
            state = state.announcing(attributes).looking();
            return drive(
                    new Observation.Elapsed(),
                    state.pace().failures() > 0 ? state.pace().due() : clock.now);
        }

        /** What time alone brings about. */
        Outcome look() {
            return drive(new Observation.Elapsed(), clock.now);
        }

        private Outcome drive(Observation first, Instant now) {
            Step step = LeaseMachine.step(state, first, now, random.nextLong());
            while (!(step.action() instanceof Action.Hold)) {
                step = LeaseMachine.step(step.state(), perform(step.action()), now, random.nextLong());
            }
            state = step.state();
            return state.phase() instanceof Phase.Lost
                    ? Outcome.LOST
                    : state.pace().failures() > 0 ? Outcome.UNKNOWN : Outcome.HELD;
        }

        private Observation perform(Action action) {
            try {
                if (action instanceof Action.Create create) {
                    return written(store.create(create.subnets(), create.attributes(), DAY));
                }
                if (action instanceof Action.Update update) {
                    return written(store.update(update.known(), update.attributes(), DAY));
                }
                if (action instanceof Action.Delete delete) {
                    store.delete(delete.known());
                    return new Observation.LookAgain();
                }
                Optional<PodSubnets> assigned = store.assigned(state.goal().config());
                return assigned.isPresent()
                        ? new Observation.Assigned(assigned.get(), store.notes())
                        : new Observation.Listed(store.list().leases());
            } catch (UnassignedException e) {
                return new Observation.Unassigned(e.problem());
            } catch (StoreException e) {
                return new Observation.Failed(e.problem());
            }
        }

        private Observation written(Optional<StoredLease> lease) {
            return lease.isPresent() ? new Observation.Written(lease.get()) : new Observation.LookAgain();
        }

        private Optional<Lease> held() {
            return Optional.ofNullable(stored()).map(StoredLease::lease);
        }

        @Nullable
        StoredLease stored() {
            LeaseStatus status = state.statusAt(clock.now);
            return status instanceof LeaseStatus.Held held
                    ? held.lease()
                    : status instanceof LeaseStatus.Fenced fenced ? fenced.lease() : null;
        }

        Lease own() {
            return held().orElseThrow();
        }

        boolean hasExpired() {
            return state.statusAt(clock.now) instanceof LeaseStatus.Fenced;
        }

        boolean isFromDisk() {
            return state.statusAt(clock.now) instanceof LeaseStatus.Held held && !held.confirmed();
        }

        Duration untilRenewal() {
            return Duration.between(clock.now, state.pace().due());
        }

        String waitingFor() {
            return state == null ? "" : state.waitingFor();
        }

        String duplicate() {
            return state.duplicate();
        }
    }

    private static Instant later(Instant one, Instant other) {
        return one.isAfter(other) ? one : other;
    }

    private static LeaseAttributes vxlan(String mac) {
        return LeaseJson.parse("{\"PublicIP\":\"192.168.0.1\",\"BackendType\":\"vxlan\","
                        + "\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"" + mac + "\"}}")
                .orElseThrow();
    }

    private static NetworkConfig config(String network) throws Exception {
        return NetworkConfig.parse("{\"Network\": \"" + network + "\"}");
    }

    private static PodSubnets subnet(String cidr) {
        return PodSubnets.of(Cidr.parse(cidr));
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
