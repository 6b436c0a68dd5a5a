package io.flannelj.lease.loop;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.MemorySubnetManager;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.machine.Action;
import io.flannelj.lease.machine.Goal;
import io.flannelj.lease.machine.LeaseState;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.lease.machine.Observation;
import io.flannelj.lease.machine.Step;
import io.flannelj.lease.machine.Terms;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A lease's loop and the feed of its peers, over a store in memory and in virtual time. */
class LeaseLoopTest implements PeerFeed.Listener {
    private static final Duration TTL = Duration.ofSeconds(60);

    private final VirtualTime time = new VirtualTime();
    private final MemorySubnetManager store = new MemorySubnetManager(time);
    private final List<String> heard = new ArrayList<>();
    private final VirtualTime.Queue turns = time.new Queue(new SplittableRandom(2));
    private final VirtualTime.Queue calls = time.new Queue(new SplittableRandom(4));
    private final FailingClock clock = new FailingClock();
    private final FailingClock healthClock = new FailingClock();
    private final StoreHealth health = new StoreHealth(healthClock.withZone(ZoneOffset.UTC), "memory");
    private int defects;
    private boolean defect;
    private boolean noThreads;
    private boolean deaf;
    private int asked;
    private LeaseLoop loop =
            new LeaseLoop(
                    store,
                    health,
                    clock.withZone(ZoneOffset.UTC),
                    new SplittableRandom(1),
                    new Terms(TTL, Duration.ofSeconds(10)),
                    turns,
                    new Calls() {
                        @Override
                        public void run(Runnable task) {
                            if (noThreads) {
                                throw new IllegalStateException("unable to create native thread");
                            }
                            super.run(task);
                        }
                    }) {
                @Override
                Step step(LeaseState from, Observation seen, Instant now) {
                    if (defect || (defects > 0 && !(seen instanceof Observation.Elapsed))) {
                        defects--;
                        throw new IllegalStateException("a defect");
                    }
                    Step step = super.step(from, seen, now);
                    asked += step.action() instanceof Action.Hold ? 0 : 1;
                    return step;
                }
            };
    private PodSubnets own;
    private PeerFeed feed;

    @Test
    void aLeaseIsRenewedForAsLongAsTheStoreAnswers() throws Exception {
        begin();
        pass(Duration.ofHours(1));

        assertThat(heard).doesNotContain("fenced", "lost");
    }

    @Test
    void aLeaseThatCouldNotBeRenewedIsNotSentFromAfterItsEnd() throws Exception {
        begin();
        store.create(subnet(200), node(2), TTL);
        pass(Duration.ofSeconds(1));
        assertThat(heard).contains("peers 1");
        store.setAway(true);

        pass(TTL);
        assertThat(heard).endsWith("fenced");

        store.setAway(false);
        pass(Duration.ofSeconds(10));
        assertThat(heard).endsWith("sending");
    }

    /** flannel ends with status 0 when its lease is revoked, and systemd does not start it again. */
    @Test
    void bugARevokedLeaseEndsTheDaemonIsFixed() throws Exception {
        begin();
        store.expire(own);
        pass(Duration.ofSeconds(2));

        assertThat(store.list().leases()).extracting(StoredLease::subnets).containsExactly(own);
        assertThat(heard).doesNotContain("lost");
    }

    @Test
    void aLeaseThatAnotherNodeHasIsOver() throws Exception {
        begin();
        store.reserve(own, node(2));
        pass(Duration.ofSeconds(2));

        assertThat(heard).contains("lost");
    }

    @Test
    void aSetBackStoreTakesNoLivingPeerAway() throws Exception {
        begin();
        store.create(subnet(200), node(2), TTL);
        pass(Duration.ofSeconds(1));
        heard.clear();

        store.restoreEmpty();
        pass(Duration.ofSeconds(20));
        assertThat(heard).doesNotContain("peers 0");
        assertThat(store.list().leases())
                .as("claimed again")
                .extracting(StoredLease::subnets)
                .containsExactly(own);

        pass(Duration.ofSeconds(20));
        assertThat(heard).as("it did not come back").contains("peers 0");
    }

    @Test
    void manyChangesAtOnceAreToldTogether() throws Exception {
        begin();
        heard.clear();
        for (int i = 0; i < 100; i++) {
            store.create(subnet(100 + i), node(2 + i), TTL);
        }
        pass(Duration.ofSeconds(1));

        assertThat(heard).contains("peers 100").hasSizeLessThan(5);
    }

    /** However long the store lets us wait, a lease is fenced in time. */
    @Test
    void aCallThatNeverReturnsDoesNotHoldTheFenceUp() throws Exception {
        begin();
        calls.kill();

        pass(TTL.plusMillis(100));
        assertThat(heard).contains("fenced");
    }

    /** Timers of threads stand still while the machine is suspended; the lease does not. */
    @Test
    void bugASuspendedNodeSendsOnAfterItsLeaseHasEndedIsFixed() throws Exception {
        begin();
        store.setAway(true);
        heard.clear();
        turns.suspend(Duration.ofMinutes(10));
        calls.suspend(Duration.ofMinutes(10));

        pass(Duration.ofMinutes(10).plusMillis(900));
        assertThat(heard).as("within a second of the resume").contains("fenced");
    }

    @Test
    void aDefectDoesNotEndTheRenewal() throws Exception {
        begin();
        defects = 5;
        pass(TTL.multipliedBy(3));
        store.beforeNextListing(() -> {
            throw new IllegalStateException("a defect of a library");
        });
        pass(TTL.multipliedBy(3));
        store.beforeNextListing(() -> {
            throw new NoClassDefFoundError("a class that is not there any more");
        });
        pass(TTL.multipliedBy(3));

        assertThat(defects).isZero();
        assertThat(heard).doesNotContain("fenced", "lost");
        assertThat(health.status().reachable()).isTrue();
    }

    /** What cannot be timed may have ended. */
    @Test
    void whileTheClockFailsNothingIsSentAndAllGoesOnOnceItWorks() throws Exception {
        clock.fails = true;
        begin();
        pass(Duration.ofSeconds(5));
        clock.fails = false;
        pass(Duration.ofSeconds(5));
        assertThat(feed).as("there is a lease").isNotNull();

        for (int i = 0; i < 40; i++) { // answers come in such moments, too
            clock.fails = true;
            pass(Duration.ofMillis(490));
            clock.fails = false;
            pass(Duration.ofMillis(3_517));
        }
        assertThat(heard).contains("fenced").doesNotContain("lost");
        heard.clear();
        pass(TTL.multipliedBy(2));
        assertThat(heard).doesNotContain("fenced", "lost");
    }

    @Test
    void aClockThatFailsForGoodFencesAtOnce() throws Exception {
        begin();
        clock.fails = true;
        pass(Duration.ofSeconds(1));

        assertThat(heard).endsWith("fenced");
    }

    /** Its failure is none of the lease's: the store is asked as often as ever. */
    @Test
    void aListenerThatFailsIsToldAgainAndChangesNothingElse() throws Exception {
        begin();
        asked = 0;
        pass(TTL.multipliedBy(10));
        int expected = asked;
        asked = 0;
        deaf = true;
        pass(TTL.multipliedBy(10));

        assertThat(asked).as("a phase more or less").isBetween(expected - 4, expected + 4);
        assertThat(store.list().leases()).extracting(StoredLease::subnets).containsExactly(own);

        store.setAway(true);
        pass(TTL);
        deaf = false;
        pass(Duration.ofSeconds(1));
        assertThat(heard).contains("fenced");
    }

    @Test
    void aMachineThatFailsForGoodIsFencedInTime() throws Exception {
        begin();
        defect = true;

        pass(TTL);
        assertThat(heard).endsWith("fenced");
    }

    @Test
    void aCallThatCannotBeMadeIsMadeLater() throws Exception {
        begin();
        noThreads = true;
        pass(TTL.minusSeconds(5));
        noThreads = false;
        pass(TTL.multipliedBy(2));

        assertThat(heard).doesNotContain("fenced", "lost");
    }

    @Test
    void whatCannotBeNotedOfTheStoreEndsNeitherRenewalNorFollowing() throws Exception {
        begin();
        healthClock.fails = true;
        store.create(subnet(200), node(2), TTL);
        pass(Duration.ofSeconds(20));
        assertThat(heard).contains("peers 1");
        store.setAway(true);
        store.breakWatches();
        pass(Duration.ofSeconds(20));
        healthClock.fails = false;
        store.setAway(false);
        pass(Duration.ofSeconds(20));
        heard.clear();
        store.create(subnet(201), node(3), TTL);
        pass(Duration.ofSeconds(1));
        assertThat(heard).containsExactly("peers 2");
        pass(TTL.multipliedBy(2));
        assertThat(heard).doesNotContain("fenced", "lost");
    }

    @Test
    void aLeaseIsGivenBackOnlyWhereItIsStillOurs() throws Exception {
        begin();
        StoredLease there = store.list().leases().get(0);
        loop.close();
        assertThat(store.update(there, node(1), TTL)).as("another program").isPresent();
        assertThat(loop.release()).isFalse();
        assertThat(store.list().leases()).hasSize(1);
    }

    @Test
    void aLeaseIsGivenBack() throws Exception {
        begin();
        loop.close();
        assertThat(loop.release()).isTrue();
        assertThat(store.list().leases()).isEmpty();
    }

    @Test
    void aStoreThatTakesTheSubnetsBackIsObeyedAndSaidOnce() throws Exception {
        store.assign(subnet(7));
        begin();
        store.assign(null);
        store.expire(own); // the watch tells
        Logger log = (Logger) LoggerFactory.getLogger(LeaseLoop.class);
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        lines.start();
        log.addAppender(lines);
        pass(Duration.ofSeconds(2));
        assertThat(heard).as("long before its end").endsWith("fenced");
        pass(Duration.ofMinutes(5));
        log.detachAppender(lines);

        assertThat(heard).endsWith("fenced");
        assertThat(lines.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .containsExactly("nothing is assigned yet");

        store.assign(subnet(7));
        pass(Duration.ofSeconds(10));
        assertThat(heard).contains("sending").doesNotContain("lost");
    }

    private void begin() throws Exception {
        NetworkConfig config = NetworkConfig.parse("{\"Network\": \"10.3.0.0/17\"}");
        loop.acquire(new Goal(config, node(1), subnet(7), null, store.assigns()), status -> {
            if (feed == null && status instanceof LeaseStatus.Held held) {
                own = held.lease().subnets();
                VirtualTime.Queue queue = time.new Queue(new SplittableRandom(5));
                feed = new PeerFeed(store, health, loop, own, queue, new Calls(), new SplittableRandom(3), this);
                feed.start(null);
                loop.listen(now -> {
                    if (deaf) {
                        throw new IllegalStateException("a listener fails");
                    }
                    queue.run(() -> onStatus(now));
                });
            }
        });
        pass(Duration.ofSeconds(2));
    }

    private final class FailingClock implements InstantSource {
        private boolean fails;

        @Override
        public Instant instant() {
            if (fails) {
                throw new IllegalStateException("the clock fails");
            }
            return time.instant();
        }
    }

    /** What a task throws ends nothing, as in a {@link TaskThread}. */
    private class Calls implements TaskQueue {
        @Override
        public void run(Runnable task) {
            calls.run(guarded(task));
        }

        @Override
        public Pending after(Duration delay, Runnable task) {
            return calls.after(delay, guarded(task));
        }

        private Runnable guarded(Runnable task) {
            return () -> {
                try {
                    task.run();
                } catch (IllegalStateException e) {
                    assertThat(e).hasMessage("the clock fails");
                }
            };
        }
    }

    private void onStatus(LeaseStatus status) {
        boolean fence = status instanceof LeaseStatus.Fenced;
        if (status instanceof LeaseStatus.Lost) {
            heard.add("lost");
        } else if (fence || heard.contains("fenced")) {
            heard.add(fence ? "fenced" : "sending");
        }
    }

    private void pass(Duration duration) {
        time.runUntil(time.instant().plus(duration), () -> {});
    }

    private static PodSubnets subnet(int third) {
        return PodSubnets.of(Cidr.parse("10.3." + third + ".0/24"));
    }

    private static LeaseAttributes node(int number) {
        return LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0." + number), "", null);
    }

    @Override
    public void onPeers(Collection<Lease> peers) {
        heard.add("peers " + peers.size());
    }

    @Override
    public void onConfig(String document) {}
}
