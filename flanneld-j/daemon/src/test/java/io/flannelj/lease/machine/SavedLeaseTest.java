package io.flannelj.lease.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the previous run wrote down serves where the store does not answer. */
class SavedLeaseTest extends LeaseMachineFixture {
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
}
