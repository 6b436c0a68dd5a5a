package io.flannelj.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.UdpFeature;
import io.flannelj.probe.Probe.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A look at one path, in virtual time. */
class ExaminationTest {
    private static final int MTU = 1450;
    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");
    private static final PathState IN_USE = new PathState(
            VirtualPath.key(0),
            Reach.ANSWERING,
            BEGIN,
            null,
            0,
            0,
            MTU,
            MTU,
            FeatureVerdict.WORKS,
            BEGIN,
            FeatureVerdict.WORKS,
            BEGIN,
            true);

    private final Random random = new Random(7);
    private int mtu = MTU;
    private int refusedAbove = Integer.MAX_VALUE;
    private double loss;
    private boolean damagesRuns;
    private boolean cannotCut;
    private Duration delay = Duration.ofMillis(1);
    private Duration took = Duration.ZERO;

    private record Arrival(Instant at, Instant sentAt, long token) {}

    private PathReport examine() {
        Examination examination = new Examination(new ProbedPath(VirtualPath.key(0), MTU, 576, UdpFeature.ALL), random);
        List<Arrival> arrivals = new ArrayList<>();
        Instant now = BEGIN;
        while (true) {
            Instant time = now;
            arrivals.sort(Comparator.comparing(Arrival::at));
            arrivals.removeIf(arrival -> {
                boolean isThere = !arrival.at().isAfter(time);
                if (isThere) {
                    examination.answered(arrival.token(), Duration.between(arrival.sentAt(), arrival.at()));
                }
                return isThere;
            });
            boolean mayGoOn = examination.conclude(now);
            if (examination.isOver()) {
                took = Duration.between(BEGIN, now);
                return examination.report(IN_USE);
            }
            if (mayGoOn) {
                for (Probe probe : examination.begin(now)) {
                    send(probe, now, examination, arrivals);
                }
            }
            now = now.plusMillis(20);
            assertThat(now).as("it ends").isBefore(BEGIN.plusSeconds(20));
        }
    }

    private void send(Probe probe, Instant now, Examination examination, List<Arrival> arrivals) {
        if (probe.bytes() > refusedAbove && probe.kind() == Kind.WHOLE || cannotCut && probe.kind() == Kind.SEGMENTED) {
            examination.refused(probe);
            return;
        }
        for (int i = 0; i < probe.tokens().size(); i++) {
            boolean tooLong = probe.bytes() > mtu;
            boolean damaged = damagesRuns && probe.kind() == Kind.SEGMENTED && i == 1;
            if (!tooLong && !damaged && random.nextDouble() >= loss) {
                arrivals.add(new Arrival(now.plus(delay), now, probe.tokens().get(i)));
            }
        }
    }

    @Test
    void aHealthyPathIsKnownAtOnce() {
        PathReport report = examine();
        assertThat(report.mtuBytes()).isEqualTo(MTU);
        assertThat(report.segmentation()).isEqualTo(FeatureVerdict.WORKS);
        assertThat(report.roundTrips()).hasSize(4).containsOnly(Duration.ofMillis(1));
        assertThat(took).isLessThan(Duration.ofMillis(200));
    }

    @ParameterizedTest
    @ValueSource(ints = {1449, 1400, 1350, 1281, 1000, 577, 576})
    void aNarrowPathIsMeasuredToTheByteInTwoSeconds(int narrow) {
        mtu = narrow;
        PathReport report = examine();
        assertThat(report.mtuBytes()).isEqualTo(narrow);
        assertThat(report.segmentation()).as("of runs that fit").isEqualTo(FeatureVerdict.WORKS);
        assertThat(took).isLessThan(Duration.ofSeconds(2));
    }

    @Test
    void whatTheUplinkRefusesIsNotWaitedFor() {
        refusedAbove = 1400;
        assertThat(examine().mtuBytes()).isEqualTo(1400);
        assertThat(took).isLessThan(Duration.ofSeconds(1));
    }

    @Test
    void runsThatArriveDamagedAreNamed() {
        damagesRuns = true;
        PathReport report = examine();
        assertThat(report.segmentation()).isEqualTo(FeatureVerdict.DAMAGES);
        assertThat(report.mtuBytes()).isEqualTo(MTU);
        assertThat(took).isLessThan(Duration.ofSeconds(2));
    }

    @Test
    void aKernelThatCutsNothingIsNotBlamed() {
        cannotCut = true;
        assertThat(examine().segmentation()).isEqualTo(FeatureVerdict.UNTESTED);
    }

    @Test
    void aSilentPathEndsSoon() {
        mtu = 0;
        PathReport report = examine();
        assertThat(report.roundTrips()).isEmpty();
        assertThat(report.mtuBytes()).isZero();
        assertThat(took).isLessThan(Duration.ofSeconds(3));
    }

    /** Of a thousand lossy paths none is called narrower than it is, or damaging. */
    @Test
    void lossAloneNamesNothing() {
        loss = 0.05;
        for (int path = 0; path < 1000; path++) {
            PathReport report = examine();
            assertThat(report.mtuBytes()).as("path %d", path).isIn(0, MTU);
            assertThat(report.segmentation()).as("path %d", path).isNotEqualTo(FeatureVerdict.DAMAGES);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {250, 500, 790, 1500})
    void aSlowPathIsNotCalledNarrow(int millis) {
        delay = Duration.ofMillis(millis);
        PathReport report = examine();
        assertThat(report.mtuBytes()).isIn(0, MTU);
        assertThat(report.segmentation()).isNotEqualTo(FeatureVerdict.DAMAGES);
    }
}
