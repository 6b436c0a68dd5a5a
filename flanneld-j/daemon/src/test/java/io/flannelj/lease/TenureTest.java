package io.flannelj.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class TenureTest implements Tenure.Host {
    private static final Duration TTL = Duration.ofSeconds(60);

    private final VirtualTime time = new VirtualTime();
    private final MemorySubnetManager store = new MemorySubnetManager(time);
    private Clock clock = time;
    private final List<String> told = new ArrayList<>();
    private LeaseKeeper keeper;
    private PodSubnets own;

    @Test
    void aLeaseIsRenewedForAsLongAsTheStoreAnswers() throws Exception {
        begin();
        pass(Duration.ofHours(1));

        assertThat(told).doesNotContain("fenced", "lost");
        assertThat(keeper.hasExpired()).isFalse();
    }

    @Test
    void aLeaseThatCouldNotBeRenewedIsNotSentFromAfterItsEnd() throws Exception {
        begin();
        store.create(subnet(200), node(2), TTL);
        pass(Duration.ofSeconds(1));
        assertThat(told).contains("peers 1");
        store.setAway(true);

        pass(TTL);
        assertThat(told).endsWith("fenced", "peers 0");

        store.setAway(false);
        pass(Duration.ofSeconds(10));
        assertThat(told).contains("sending").endsWith("peers 1");
    }

    /** The clock of /proc/uptime has steps of 10 ms: the end could fall between two readings, and no check came again. */
    @Test
    void bugAnEndBetweenTwoReadingsOfTheClockIsMissedIsFixed() throws Exception {
        SplittableRandom lag = new SplittableRandom(7);
        clock = new LaggingClock(() -> time.instant().minusMillis(lag.nextInt(10)));
        begin();
        store.setAway(true);
        for (int i = 0; i < 50; i++) {
            pass(TTL.plusSeconds(1));
            assertThat(told).as("end %s", i).contains("fenced");
            store.setAway(false);
            pass(Duration.ofSeconds(10));
            assertThat(told).contains("sending");
            told.clear();
            store.setAway(true);
        }
    }

    private static final class LaggingClock extends Clock {
        private final Supplier<Instant> reading;

        LaggingClock(Supplier<Instant> reading) {
            this.reading = reading;
        }

        @Override
        public Instant instant() {
            return reading.get();
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

    /** flannel ends with status 0 when its lease is revoked, and systemd does not start it again. */
    @Test
    void bugARevokedLeaseEndsTheDaemonIsFixed() throws Exception {
        begin();
        store.expire(own);
        pass(Duration.ofSeconds(2));

        assertThat(store.list().leases()).extracting(StoredLease::subnets).containsExactly(own);
        assertThat(told).doesNotContain("lost");
    }

    @Test
    void aLeaseThatAnotherNodeHasIsOver() throws Exception {
        begin();
        store.reserve(own, node(2));
        pass(Duration.ofSeconds(2));

        assertThat(told).contains("lost");
    }

    @Test
    void aSetBackStoreTakesNoLivingPeerAway() throws Exception {
        begin();
        store.create(subnet(200), node(2), TTL);
        pass(Duration.ofSeconds(1));
        told.clear();

        store.restoreEmpty();
        pass(Duration.ofSeconds(20));
        assertThat(told).doesNotContain("peers 0");
        assertThat(store.list().leases())
                .as("claimed again")
                .extracting(StoredLease::subnets)
                .containsExactly(own);

        pass(Duration.ofSeconds(20));
        assertThat(told).as("it did not come back").contains("peers 0");
    }

    @Test
    void manyChangesAtOnceAreToldTogether() throws Exception {
        begin();
        told.clear();
        for (int i = 0; i < 100; i++) {
            store.create(subnet(100 + i), node(2 + i), TTL);
        }
        pass(Duration.ofSeconds(1));

        assertThat(told).contains("peers 100").hasSizeLessThan(5);
    }

    private void begin() throws Exception {
        keeper = new LeaseKeeper(
                store,
                new StoreHealth(time, "memory"),
                clock,
                new SplittableRandom(1),
                new LeaseKeeper.Terms(TTL, Duration.ofSeconds(10)));
        own = keeper.attempt(NetworkConfig.parse("{\"Network\": \"10.3.0.0/17\"}"), node(1), subnet(7), null)
                .orElseThrow()
                .subnets();
        VirtualTime.Queue queue = time.new Queue(new SplittableRandom(2));
        new Tenure(
                        store,
                        new StoreHealth(time, "memory"),
                        keeper,
                        node(1),
                        own,
                        new Tenure.Queues(queue, queue, queue),
                        new SplittableRandom(3),
                        this)
                .start(null);
        pass(Duration.ofSeconds(1));
    }

    private void pass(Duration duration) {
        time.runUntil(time.instant().plus(duration), () -> {});
    }

    private static PodSubnets subnet(int third) {
        return PodSubnets.ofIpv4(Cidr.parse("10.3." + third + ".0/24"));
    }

    private static LeaseAttributes node(int number) {
        return LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0." + number), "", null);
    }

    @Override
    public void onPeers(Collection<Lease> peers) {
        told.add("peers " + peers.size());
    }

    @Override
    public void onOwn(Lease lease) {}

    @Override
    public void onFenced(boolean fenced) {
        told.add(fenced ? "fenced" : "sending");
    }

    @Override
    public void onLost() {
        told.add("lost");
    }

    @Override
    public void onConfig(String document) {}
}
