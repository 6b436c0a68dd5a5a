package io.flannelj.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpAddress;
import io.flannelj.net.UdpFeature;
import io.flannelj.probe.Probe.Kind;
import io.flannelj.probe.ProbeMachine.Change;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProbeMachineTest {
    private final VirtualPath path = new VirtualPath();

    @Test
    void aHealthyPathIsMeasuredAtOnce() {
        path.delay = Duration.ofMillis(40);
        path.follow(1).run(Duration.ofSeconds(6));

        PathState state = path.state();
        assertThat(state.reach()).isEqualTo(Reach.ANSWERING);
        assertThat(state.roundTrip()).isNotNull();
        assertThat(state.roundTrip().smoothed().toMillis()).isBetween(39L, 61L);
        assertThat(state.lossPercent()).isZero();
        assertThat(state.mtuBytes()).isEqualTo(VirtualPath.MTU);
        assertThat(state.segmentation()).isEqualTo(FeatureVerdict.WORKS);
        assertThat(state.isNarrow()).isFalse();
    }

    @Test
    void aPeerThatFallsSilentIsNoticedWithinFifteenSecondsAndComesBack() {
        path.follow(1).run(Duration.ofMinutes(1));
        path.isDead = true;
        path.run(Duration.ofSeconds(15));
        assertThat(path.state().reach()).isEqualTo(Reach.SILENT);

        path.run(Duration.ofMinutes(1));
        assertThat(path.state().lossPercent()).isEqualTo(100);

        path.isDead = false;
        path.run(Duration.ofSeconds(8));
        assertThat(path.state().reach()).isEqualTo(Reach.ANSWERING);
        assertThat(path.changesOf(Change.What.REACH)).as("up, down, up").isEqualTo(3);
    }

    @Test
    void aPeerThatSendsButDoesNotAnswerIsNotCalledSilent() {
        path.isDead = true;
        path.isHeard = true;
        path.follow(1).run(Duration.ofSeconds(30));

        assertThat(path.state().reach()).isEqualTo(Reach.NOT_ANSWERING);
    }

    @Test
    void aLossyPathIsMeasuredAndDoesNotFlap() {
        path.loss = 0.2;
        path.follow(1).run(Duration.ofMinutes(30));

        assertThat(path.state().lossPercent()).isBetween(1, 60);
        assertThat(path.changesOf(Change.What.REACH)).isLessThanOrEqualTo(3);
        assertThat(path.state().segmentation()).as("losses hit both trains").isNotEqualTo(FeatureVerdict.DAMAGES);
    }

    @ParameterizedTest
    @ValueSource(ints = {1449, 1400, 1350, 1281, 1000, 577, 576})
    void theMtuOfANarrowPathIsFoundExactly(int mtu) {
        path.mtu = mtu;
        path.follow(1).run(Duration.ofSeconds(40));

        assertThat(path.state().mtuBytes()).isEqualTo(mtu);
        assertThat(path.state().isNarrow()).isTrue();
        assertThat(path.state().lossPercent()).as("of short probes").isZero();
    }

    @Test
    void whatTheUplinkItselfRefusesCostsNoWaiting() {
        path.refusedAbove = 1400;
        path.follow(1).run(Duration.ofSeconds(6));

        assertThat(path.state().mtuBytes()).isEqualTo(1400);
    }

    @Test
    void aPathThatNarrowsIsNoticedWithinTwoMinutesAndOneThatWidensWithinEleven() {
        path.follow(1).run(Duration.ofMinutes(1));
        path.mtu = 1380;
        path.run(Duration.ofMinutes(2));
        assertThat(path.state().mtuBytes()).isEqualTo(1380);

        path.mtu = VirtualPath.MTU;
        path.run(Duration.ofMinutes(11));
        assertThat(path.state().mtuBytes()).isEqualTo(VirtualPath.MTU);
        assertThat(path.changesOf(Change.What.MTU))
                .as("found, narrowed, widened")
                .isEqualTo(3);
    }

    @Test
    void whoIsToldThatAPacketWasTooBigLooksAtOnceAndBelievesTheKernelMeanwhile() {
        path.follow(1).run(Duration.ofSeconds(30));
        assertThat(path.machine.isWide("flannel.1")).isTrue();
        path.machine.takeWidthsChanged();

        path.mtu = 1380;
        path.machine.isTold("flannel.1", path.now);
        path.run(Duration.ofMillis(600));
        assertThat(path.machine.takeWidthsChanged()).isTrue();
        assertThat(path.machine.isWide("flannel.1")).as("in doubt").isFalse();

        path.run(Duration.ofSeconds(15));
        assertThat(path.state().mtuBytes()).isEqualTo(1380);
        assertThat(path.machine.takeWidthsChanged()).isTrue();
        assertThat(path.machine.isWide("flannel.1")).isTrue();
    }

    @Test
    void whoeverSaysSoCostsAProbeInFiveSecondsAndNothingElse() {
        path.follow(1).run(Duration.ofSeconds(30));
        path.machine.takeWidthsChanged();
        path.sent.clear();

        for (int i = 0; i < 250; i++) {
            path.machine.isTold("flannel.1", path.now);
            path.run(Duration.ofMillis(100));
            assertThat(path.machine.takeWidthsChanged()).isFalse();
        }

        assertThat(path.sent.stream().filter(probe -> probe.kind() == Kind.WHOLE))
                .hasSizeBetween(5, 6);
        assertThat(path.state().mtuBytes()).isEqualTo(VirtualPath.MTU);
    }

    /** It need not be told again. */
    @Test
    void whoIsToldSoonAfterATrialThatPassedLooksOnceMore() {
        path.follow(1).run(Duration.ofSeconds(30));
        path.machine.isTold("flannel.1", path.now);
        path.run(Duration.ofSeconds(1));

        path.mtu = 1380;
        path.machine.isTold("flannel.1", path.now);
        path.run(Duration.ofSeconds(20));

        assertThat(path.state().mtuBytes()).isEqualTo(1380);
    }

    @Test
    void anotherDevicesPathsAreLeftAlone() {
        path.follow(1).run(Duration.ofSeconds(30));
        path.sent.clear();

        path.machine.isTold("flannel-v6.1", path.now);
        path.run(Duration.ofSeconds(10));

        assertThat(path.sent.stream().filter(probe -> probe.kind() == Kind.WHOLE))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"0.05, 1", "0.2, 2"})
    void lossAloneDoesNotNarrowAPath(double loss, int expected) {
        path.loss = loss;
        path.follow(1).run(Duration.ofMinutes(8));

        assertThat(path.state().mtuBytes()).isGreaterThan(0);
        assertThat(path.changes.stream()
                        .filter(change ->
                                change.what() == Change.What.MTU && change.now().isNarrow())
                        .count())
                .isLessThanOrEqualTo(expected);
    }

    /** A queue that is full, as in a flood, has room for short packets sooner than for long ones. */
    @ParameterizedTest
    @CsvSource({"0.02, 0.05", "0.1, 0.3", "0.2, 0.6"})
    void aQueueThatIsFullNeitherNarrowsAPathNorDamagesRuns(double loss, double lossOfLongOnes) {
        path.follow(20).run(Duration.ofMinutes(1));
        path.loss = loss;
        path.lossOfLongOnes = lossOfLongOnes;
        path.run(Duration.ofMinutes(60));

        assertThat(path.changes)
                .filteredOn(change -> change.now().isNarrow()
                        || change.now().segmentation() == FeatureVerdict.DAMAGES
                        || change.now().checksum() == FeatureVerdict.DAMAGES)
                .isEmpty();
    }

    @Test
    void runsThatArriveDamagedAreNoticedWithinAMinuteAndHealed() {
        path.follow(1).run(Duration.ofSeconds(30));
        path.damagesRuns = true;
        path.run(Duration.ofSeconds(60));
        assertThat(path.state().segmentation()).isEqualTo(FeatureVerdict.DAMAGES);

        path.damagesRuns = false;
        path.run(Duration.ofSeconds(60));
        assertThat(path.state().segmentation()).isEqualTo(FeatureVerdict.WORKS);
        assertThat(path.changesOf(Change.What.SEGMENTATION))
                .as("works, damages, works")
                .isEqualTo(3);
    }

    @Test
    void aTrainIsSentBothWaysInEqualLengthsThatThePathTakes() {
        path.mtu = 1400;
        path.follow(1).run(Duration.ofSeconds(60));

        List<Probe> trains = path.sent.stream()
                .filter(probe -> probe.kind() == Kind.SEGMENTED || probe.kind() == Kind.SEPARATE)
                .toList();
        assertThat(trains).isNotEmpty().allSatisfy(train -> {
            assertThat(train.bytes()).isEqualTo(1400);
            assertThat(train.tokens()).hasSize(FeatureTrial.TRAIN);
        });
        assertThat(trains.stream().filter(train -> train.kind() == Kind.SEGMENTED))
                .hasSize(trains.size() / 2);
    }

    @Test
    void anAnswerCountsOnceAndFromItsPeerAlone() {
        path.isDead = true;
        path.follow(1).run(Duration.ofSeconds(4));
        long token = path.sent.get(path.sent.size() - 1).tokens().get(0);
        IpAddress peer = VirtualPath.key(0).target();

        assertThat(answer(token, IpAddress.parse("10.5.9.9")))
                .as("another sender")
                .isFalse();
        assertThat(answer(token + 1, peer)).as("a guessed token").isFalse();
        assertThat(answer(token, peer)).isTrue();
        assertThat(answer(token, peer)).as("again").isFalse();
    }

    private boolean answer(long token, IpAddress from) {
        return path.machine.answered(token, from, Duration.ofMillis(1), path.now, key -> 0);
    }

    @Test
    void repeatedAnswersChangeNothing() {
        path.copies = 3;
        path.follow(1).run(Duration.ofMinutes(2));

        assertThat(path.state().lossPercent()).isZero();
        assertThat(path.state().reach()).isEqualTo(Reach.ANSWERING);
    }

    @Test
    void anAnswerThatIsLateCorrectsTheLoss() {
        path.delay = Duration.ofSeconds(3);
        path.follow(1).run(Duration.ofMinutes(2));

        assertThat(path.state().reach()).isEqualTo(Reach.ANSWERING);
        assertThat(path.state().lossPercent()).isLessThan(50);
    }

    /** By count, since time depends on the machine: 100 datagrams a second at about 20 µs each are 0.2 % of a processor. */
    @Test
    void fiveThousandPeersShareABudget() {
        path.follow(5000).run(Duration.ofMinutes(4));

        long perSecond = VirtualPath.datagrams(path.sent) / 240;
        assertThat(perSecond)
                .isBetween(40L, (long) ProbeMachine.ECHOES_PER_SECOND + ProbeMachine.TRIAL_DATAGRAMS_PER_SECOND + 10);
        assertThat(path.sent.stream()
                        .filter(probe -> probe.kind() == Kind.ECHO)
                        .map(Probe::path)
                        .distinct())
                .as("every peer is asked")
                .hasSize(5000);
    }

    @Test
    void whatTheKernelCarriesGetsPingsAlone() {
        PathKey key = VirtualPath.key(0, CarriedBy.KERNEL);
        path.machine.follow(List.of(new ProbedPath(key, VirtualPath.MTU, VirtualPath.MTU, UdpFeature.ALL)), path.now);
        path.run(Duration.ofMinutes(2));

        assertThat(path.sent).hasSizeGreaterThan(30).allMatch(probe -> probe.kind() == Kind.ECHO);
        PathState state = path.machine.state(key, path.now).orElseThrow();
        assertThat(state.reach()).isEqualTo(Reach.ANSWERING);
        assertThat(state.roundTrip()).isNotNull();
        assertThat(state.mtuBytes()).isZero();
        assertThat(state.isNarrow()).isFalse();

        path.isDead = true;
        path.run(Duration.ofSeconds(15));
        assertThat(path.machine.state(key, path.now).orElseThrow().reach()).isEqualTo(Reach.SILENT);
    }

    @Test
    void whenAllAreSilentTheBudgetHolds() {
        path.isDead = true;
        path.follow(1000).run(Duration.ofMinutes(2));

        assertThat(VirtualPath.datagrams(path.sent) / 120)
                .isLessThanOrEqualTo(ProbeMachine.ECHOES_PER_SECOND + ProbeMachine.TRIAL_DATAGRAMS_PER_SECOND + 1);
    }

    @Test
    void pathsThatGoAreForgottenAndOthersKept() {
        path.follow(2).run(Duration.ofSeconds(30));
        path.follow(1);

        assertThat(path.machine.state(VirtualPath.key(1), path.now)).isEmpty();
        assertThat(path.state().reach()).isEqualTo(Reach.ANSWERING);
        path.follow(0).run(Duration.ofSeconds(10));
        int before = path.sent.size();
        path.run(Duration.ofSeconds(10));
        assertThat(path.sent).hasSize(before);
    }
}
