package io.flannelj.lease.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.pool.SubnetChooser;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** How a node comes to its lease. */
class AcquireTest extends LeaseMachineFixture {
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

    /** In flannel the loser of a race for a subnet ends with status 1. */
    @Test
    void bugLosingTheCreateRaceEndsTheProcessIsFixed() throws Exception {
        store.beforeNextWrite(() -> store.reserve(subnet("10.3.77.0/24"), node(2)));

        Lease lease = aNode().acquire(config("10.3.0.0/16"), node(1), subnet("10.3.77.0/24"), null);

        assertThat(lease.subnets()).isNotEqualTo(subnet("10.3.77.0/24"));
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
}
