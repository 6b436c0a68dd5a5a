package io.flannelj.lease.loop;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/**
 * Many clusters' lives: 10,000 in CI, fewer elsewhere. {@code -Dflannelj.clusterRuns=N} lives so many; {@code -Dflannelj.clusterSeed=N} lives one
 * again, with the log, and prints each table that a node was told of.
 */
class ClusterSimulationTest {
    private static final int RUNS =
            Integer.getInteger("flannelj.clusterRuns", "true".equals(System.getenv("CI")) ? 10_000 : 1_000);
    private static final Logger LOG = (Logger) LoggerFactory.getLogger("io.flannelj.lease");

    @BeforeAll
    static void quiet() {
        if (Long.getLong("flannelj.clusterSeed") == null) {
            LOG.setLevel(Level.OFF);
        }
    }

    @AfterAll
    static void loud() {
        LOG.setLevel(null);
    }

    @Test
    void leasesNeverOverlapAndEveryTableConverges() {
        Long one = Long.getLong("flannelj.clusterSeed");
        StringBuilder trace = one == null ? null : new StringBuilder();
        List<String> failures = new CopyOnWriteArrayList<>();
        LongStream seeds = one == null ? LongStream.rangeClosed(1, RUNS) : LongStream.of(one);
        seeds.parallel().forEach(seed -> {
            try {
                ClusterSimulation simulation = new ClusterSimulation(seed);
                (trace == null ? simulation : simulation.tracingTo(trace)).run();
            } catch (AssertionError e) {
                failures.add(e.getMessage());
            } catch (RuntimeException e) {
                failures.add("seed " + seed + ": " + e);
            }
        });
        if (trace != null) {
            System.out.print(trace);
        }
        assertThat(failures)
                .as("replay one by -Dtest=ClusterSimulationTest -Dflannelj.clusterSeed=SEED")
                .isEmpty();
    }

    /** A test that cannot fail is worth nothing: each fault that was fixed, put back, is found. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void aFaultPutBackIsFound(Mutation mutation) {
        assertThat(LongStream.rangeClosed(1, RUNS)
                        .parallel()
                        .filter(seed -> fails(seed, mutation))
                        .findAny())
                .isPresent();
    }

    private static boolean fails(long seed, Mutation mutation) {
        try {
            new ClusterSimulation(seed, mutation).run();
            return false;
        } catch (AssertionError e) {
            System.out.println(mutation + ": " + e.getMessage());
            return true;
        }
    }

    /** The same seed is the same life; without that a seed would be worth nothing. */
    @Test
    void aSeedIsReplayedExactly() {
        assertThat(trace(42)).isNotEmpty().isEqualTo(trace(42)).isNotEqualTo(trace(43));
    }

    private static String trace(long seed) {
        StringBuilder trace = new StringBuilder();
        new ClusterSimulation(seed).tracingTo(trace).run();
        return trace.toString();
    }
}
