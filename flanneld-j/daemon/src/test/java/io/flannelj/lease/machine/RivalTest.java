package io.flannelj.lease.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What somebody else writes to a lease that a node holds. */
class RivalTest extends LeaseMachineFixture {
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
}
