package io.flannelj.lease.loop;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is recorded of a lease. */
class LeaseTransitionTest {
    private static final Instant END = Instant.parse("2026-11-30T12:00:00Z");
    private static final StoredLease FIRST = lease("10.5.1.0/24", END, 7);
    private static final StoredLease RENEWED = lease("10.5.1.0/24", END.plusSeconds(60), 8);
    private static final StoredLease OTHER = lease("10.5.2.0/24", END, 9);

    private static StoredLease lease(String subnet, Instant end, long version) {
        LeaseAttributes attributes = LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0.1"), "vxlan", null);
        return new StoredLease(new Lease(PodSubnets.of(Cidr.parse(subnet)), attributes, end), version, 1);
    }

    private static LeaseStatus held(StoredLease lease) {
        return new LeaseStatus.Held(lease, true);
    }

    private static LeaseStatus fenced(StoredLease lease) {
        return new LeaseStatus.Fenced(lease);
    }

    private static List<String> recorded(LeaseStatus... statuses) {
        List<String> events = new ArrayList<>();
        @Nullable LeaseStatus before = null;
        for (LeaseStatus status : statuses) {
            LeaseTransition.between(before, status)
                    .ifPresent(event -> events.add(event.change + " " + event.subnets + " " + event.ends));
            before = status;
        }
        return events;
    }

    @Test
    void aLeaseIsHeldRenewedFencedAndRenewed() {
        assertThat(recorded(
                        new LeaseStatus.Acquiring(),
                        held(FIRST),
                        held(RENEWED),
                        fenced(RENEWED),
                        held(lease("10.5.1.0/24", END.plusSeconds(200), 12))))
                .containsExactly(
                        "held 10.5.1.0/24 2026-11-30T12:00:00Z",
                        "renewed 10.5.1.0/24 2026-11-30T12:01:00Z",
                        "fenced 10.5.1.0/24 2026-11-30T12:01:00Z",
                        "renewed 10.5.1.0/24 2026-11-30T12:03:20Z");
    }

    @Test
    void aLostLeaseIsRecordedAndTheNextOneIsHeld() {
        assertThat(recorded(
                        held(FIRST), new LeaseStatus.Lost(FIRST.subnets()), new LeaseStatus.Acquiring(), held(OTHER)))
                .containsExactly(
                        "held 10.5.1.0/24 2026-11-30T12:00:00Z",
                        "lost 10.5.1.0/24 null",
                        "held 10.5.2.0/24 2026-11-30T12:00:00Z");
    }

    @Test
    void whatTheStoreOnlyConfirmsIsNoChange() {
        assertThat(recorded(new LeaseStatus.Held(FIRST, false), held(FIRST)))
                .containsExactly("held 10.5.1.0/24 2026-11-30T12:00:00Z");
    }

    @Test
    void oneOfBeforeMayBeKnownAlreadyOver() {
        assertThat(recorded(fenced(FIRST), held(RENEWED)))
                .containsExactly("fenced 10.5.1.0/24 2026-11-30T12:00:00Z", "renewed 10.5.1.0/24 2026-11-30T12:01:00Z");
    }
}
