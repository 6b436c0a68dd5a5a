package io.flannelj.lease.loop;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.MemorySubnetManager;
import io.flannelj.lease.machine.Goal;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.lease.machine.Terms;
import io.flannelj.net.IpAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Three hundred lease loops on threads of their own, by the boot clock, and a store that goes away. By hand, beside a load
 * such as {@code stress-ng --cpu 4}: {@code -Dtest=FenceStressTest -Dflannelj.stress=true}.
 */
@EnabledIfSystemProperty(named = "flannelj.stress", matches = "true")
class FenceStressTest {
    private static final int LOOPS = 300;
    private static final Duration TTL = Duration.ofSeconds(4);

    private final List<TaskThread> threads = new ArrayList<>();

    /** One loop, and when its lease ended and when it was fenced. */
    private static final class Fenced {
        private final AtomicReference<Instant> end = new AtomicReference<>(Instant.MAX);
        private final AtomicReference<Instant> at = new AtomicReference<>(Instant.MAX);
    }

    @RepeatedTest(10)
    void everyLoopIsFencedWithinASecondOfTheEndOfItsLease() throws Exception {
        Clock clock = BootClock.start();
        MemorySubnetManager store = new MemorySubnetManager(clock);
        NetworkConfig config = NetworkConfig.parse("{\"Network\": \"10.0.0.0/12\"}");
        List<Fenced> all = new ArrayList<>();
        try {
            for (int i = 0; i < LOOPS; i++) {
                all.add(start(store, clock, config, i));
            }
            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> all.stream().allMatch(one -> !one.end.get().equals(Instant.MAX)));
            store.setAway(true);
            Awaitility.await()
                    .atMost(TTL.plusSeconds(20))
                    .until(() -> all.stream().noneMatch(one -> one.at.get().equals(Instant.MAX)));
        } finally {
            store.setAway(true);
            threads.forEach(TaskThread::interrupt);
        }
        List<Long> late = all.stream()
                .map(one -> Duration.between(one.end.get(), one.at.get()).toMillis())
                .sorted()
                .toList();
        System.out.printf(
                "fenced after the end of the lease: median %d ms, latest %d ms, of %d%n",
                late.get(LOOPS / 2), late.get(LOOPS - 1), LOOPS);
        assertThat(late).allMatch(millis -> millis <= 1_000);
    }

    private Fenced start(MemorySubnetManager store, Clock clock, NetworkConfig config, int number) {
        TaskThread turns = new TaskThread("turns-" + number);
        TaskThread calls = new TaskThread("calls-" + number);
        threads.addAll(List.of(turns, calls));
        Fenced fenced = new Fenced();
        LeaseAttributes node =
                LeaseAttributes.ofIpv4(IpAddress.parse("192.168." + number / 250 + "." + (1 + number % 250)), "", null);
        new LeaseLoop(
                        store,
                        new StoreHealth(clock, "memory"),
                        clock,
                        new SplittableRandom(number),
                        new Terms(TTL, Duration.ofSeconds(2)),
                        turns,
                        calls)
                .acquire(new Goal(config, node, null, null, false), status -> {
                    if (status instanceof LeaseStatus.Held held) {
                        fenced.end.set(held.lease().lease().expiresAt());
                        fenced.at.set(Instant.MAX);
                    } else if (status instanceof LeaseStatus.Fenced) {
                        fenced.at.set(clock.instant());
                    }
                });
        return fenced;
    }
}
