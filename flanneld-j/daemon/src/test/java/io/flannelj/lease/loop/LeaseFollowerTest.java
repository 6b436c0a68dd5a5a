package io.flannelj.lease.loop;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.MemorySubnetManager;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoreException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LeaseFollowerTest {
    private static final Duration TTL = Duration.ofHours(1);

    private final VirtualTime time = new VirtualTime();
    private final MemorySubnetManager store = new MemorySubnetManager(time);
    private final StoreHealth health = new StoreHealth(time, "memory");
    private final List<LeaseEvent> heard = new ArrayList<>();
    private boolean listenerFails;

    @BeforeEach
    void follow() {
        new LeaseFollower(store, health, time.new Queue(new SplittableRandom(1)), new SplittableRandom(2), this::hear)
                .start(0);
    }

    private void hear(LeaseEvent event) {
        if (listenerFails) {
            listenerFails = false;
            throw new IllegalStateException("a defect");
        }
        heard.add(event);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDefectInAListingDoesNotEndFollowing(boolean ofLinkage) throws Exception {
        store.beforeNextListing(() -> {
            if (ofLinkage) {
                throw new NoClassDefFoundError("a class that is not there any more");
            }
            throw new IllegalStateException("a defect");
        });
        pass();

        create(7);
        pass();
        assertThat(heard).anyMatch(event -> event instanceof LeaseEvent.Added);
        assertThat(health.status().reachable()).isTrue();
    }

    /** What the listener did not take is listed again. */
    @Test
    void anUncheckedExceptionInAListenerLosesNothing() throws Exception {
        pass();
        listenerFails = true;
        create(8);
        pass();

        assertThat(heard.get(heard.size() - 1))
                .isInstanceOfSatisfying(
                        LeaseEvent.Reset.class,
                        reset -> assertThat(reset.leases()).hasSize(1));
    }

    /** A watch without changes lasts until everything is listed again, for an hour in Kubernetes. */
    @Test
    void aHealthyWatchWithoutChangesIsNotOld() {
        for (int i = 0; i < 240; i++) {
            pass();
            assertThat(Duration.between(health.status().lastContact(), time.instant()))
                    .isLessThan(Duration.ofSeconds(22));
        }
        assertThat(heard).hasSize(1);
    }

    private void create(int third) throws StoreException {
        LeaseAttributes node = LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0.2"), "", null);
        assertThat(store.create(PodSubnets.of(Cidr.parse("10.3." + third + ".0/24")), node, TTL))
                .isPresent();
    }

    private void pass() {
        time.runUntil(time.instant().plusSeconds(1), () -> {});
    }
}
