package io.flannelj.lease.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lease.Lease;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** How a node keeps its lease, and when it sends no more. */
class RenewTest extends LeaseMachineFixture {
    @Test
    void aReservationStaysOne() throws Exception {
        store.reserve(subnet("10.3.9.0/24"), node(1));

        Lease lease = aNode().acquire(config("10.3.0.0/16"), node(1), null, null);

        assertThat(lease.subnets()).isEqualTo(subnet("10.3.9.0/24"));
        assertThat(lease.expiresAt()).isNull();
        assertThat(store.list().leases().get(0).isReservation()).isTrue();
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
    void shortLeasesAreRenewedAtHalfTime() throws Exception {
        Instant now = clock.now;
        Terms terms = new Terms(Duration.ofSeconds(30), Duration.ofHours(1));
        assertThat(terms.renewalOf(now.plusSeconds(30), now)).isEqualTo(now.plusSeconds(15));
        assertThat(terms.renewalOf(now.plusSeconds(3), now)).isEqualTo(now.plusSeconds(1));
    }
}
