package io.flannelj.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.UdpFeature;
import io.flannelj.probe.Probe.Kind;
import io.flannelj.probe.ProbeMachine.Change;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Paths on which datagrams with an outer checksum are lost. */
class ChecksumTrialTest {
    private final VirtualPath path = new VirtualPath();

    @Test
    void aPathThatDiesOfItsChecksumsIsUsedWithoutThemWithinAMinuteAndWithThemOnceItIsHealed() {
        path.follow(1).run(Duration.ofSeconds(30));
        assertThat(path.state().checksum()).isEqualTo(FeatureVerdict.WORKS);
        assertThat(path.state().isSummed()).isTrue();

        path.damagesChecksums = true;
        path.run(Duration.ofSeconds(60));
        assertThat(path.state().checksum()).isEqualTo(FeatureVerdict.DAMAGES);
        assertThat(path.state().isSummed()).isFalse();
        assertThat(path.state().reach()).isEqualTo(Reach.ANSWERING);

        path.damagesChecksums = false;
        path.run(Duration.ofSeconds(60));
        assertThat(path.state().checksum()).isEqualTo(FeatureVerdict.WORKS);
        assertThat(path.state().isSummed()).isTrue();
        assertThat(path.changesOf(Change.What.CHECKSUM))
                .as("works, damages, works")
                .isEqualTo(3);
    }

    @Test
    void aPathThatNeverTookChecksumsIsMeasuredAllTheSame() {
        path.damagesChecksums = true;
        path.mtu = 1400;
        path.follow(1).run(Duration.ofSeconds(90));

        assertThat(path.state().checksum()).isEqualTo(FeatureVerdict.DAMAGES);
        assertThat(path.state().reach()).isEqualTo(Reach.ANSWERING);
        assertThat(path.state().mtuBytes()).isEqualTo(1400);
        assertThat(path.state().segmentation()).as("runs need checksums").isEqualTo(FeatureVerdict.UNTESTED);
    }

    /** Twenty paths for an hour each. */
    @ParameterizedTest
    @ValueSource(doubles = {0.05, 0.15, 0.3, 0.5, 0.7, 0.9})
    void lossAloneCondemnsNoChecksum(double loss) {
        path.loss = loss;
        path.follow(20).run(Duration.ofMinutes(60));

        assertThat(path.changes)
                .filteredOn(change -> change.now().checksum() == FeatureVerdict.DAMAGES)
                .isEmpty();
    }

    @Test
    void aDeadPathSaysNothingAboutChecksumsAndIsTriedTwiceAMinute() {
        path.follow(1).run(Duration.ofMinutes(1));
        path.isDead = true;
        path.run(Duration.ofMinutes(5));
        int before = path.sent.size();
        path.run(Duration.ofMinutes(10));

        assertThat(path.state().checksum()).isEqualTo(FeatureVerdict.WORKS);
        assertThat(path.sent.subList(before, path.sent.size()).stream().filter(probe -> probe.kind() == Kind.UNSUMMED))
                .hasSizeBetween(15, 21);
        path.isDead = false;
        path.run(Duration.ofSeconds(20));
        assertThat(path.state().isSummed()).isTrue();
    }

    @Test
    void whileAPathAnswersItsShortProbesTryChecksums() {
        path.follow(1).run(Duration.ofMinutes(10));

        assertThat(path.sent.stream().filter(probe -> probe.kind() == Kind.UNSUMMED))
                .as("the first round")
                .hasSize(1);
    }

    /** It may refuse pings, and carries data well. */
    @Test
    void aPeerThatAnswersNoPingGetsChecksumsAgainAfterAMinute() {
        path.isDead = true;
        path.isHeard = true;
        path.follow(1).run(Duration.ofSeconds(20));
        assertThat(path.state().isSummed()).isFalse();

        path.run(Duration.ofMinutes(2));
        assertThat(path.state().reach()).isEqualTo(Reach.NOT_ANSWERING);
        assertThat(path.state().isSummed()).isTrue();
    }

    @Test
    void whereNoChecksumsCanBeLeftOutNothingIsTried() {
        path.isDead = true;
        path.machine.follow(
                List.of(new ProbedPath(VirtualPath.key(0), VirtualPath.MTU, 576, Set.of(UdpFeature.SEGMENTATION))),
                path.now);
        path.run(Duration.ofMinutes(2));

        assertThat(path.sent).allMatch(probe -> probe.kind() == Kind.ECHO);
        assertThat(path.state().isSummed()).isTrue();
    }

    /** An answer is a packet of the other node, which it sends as all others: lost, unless that node, too, leaves checksums out. */
    @ParameterizedTest
    @ValueSource(ints = {0, 5, 100, 1000})
    void bothNodesOfOneKindFindOutThoughTheirAnswersAreLostAsWell(int secondStartsAfterSeconds) {
        Node first = new Node(3);
        Node second = new Node(4);
        Instant begin = first.now;
        for (int millis = 0; millis < (secondStartsAfterSeconds + 150) * 1000; millis += 20) {
            first.now = begin.plusMillis(millis);
            second.now = first.now;
            if (millis == 0) {
                first.follow();
            }
            if (millis == secondStartsAfterSeconds * 1000) {
                second.follow();
            }
            first.run(second);
            if (millis >= secondStartsAfterSeconds * 1000) {
                second.run(first);
            }
        }

        for (Node node : List.of(first, second)) {
            assertThat(node.state().checksum()).isEqualTo(FeatureVerdict.DAMAGES);
            assertThat(node.state().reach()).isEqualTo(Reach.ANSWERING);
        }
    }

    /** One of two, between which whatever has a checksum is lost. */
    private static final class Node {
        private static final PathKey KEY = VirtualPath.key(0);

        private Instant now = Instant.parse("2026-01-01T00:00:00Z");
        private final ProbeMachine machine;
        private long heard;

        Node(int seed) {
            this.machine = new ProbeMachine(new Random(seed), now);
        }

        void follow() {
            machine.follow(List.of(new ProbedPath(KEY, VirtualPath.MTU, 576, UdpFeature.ALL)), now);
        }

        PathState state() {
            return machine.state(KEY, now).orElseThrow();
        }

        /** Whether the daemon runs, and sends its answers without a checksum. */
        private boolean answersUnsummed() {
            return machine.state(KEY, now).stream().anyMatch(state -> !state.isSummed());
        }

        void run(Node other) {
            for (Probe probe : machine.step(now, key -> heard)) {
                for (long token : probe.tokens()) {
                    if (VirtualPath.isSummed(probe, state())) {
                        continue;
                    }
                    other.heard++;
                    if (other.answersUnsummed()) {
                        heard++;
                        machine.answered(token, KEY.target(), Duration.ofMillis(1), now, key -> heard);
                    }
                }
            }
        }
    }
}
