package io.flannelj.explain;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What is left of the time that an explanation has, by a clock that the test turns. */
class BudgetTest {
    private static final Duration LEAST = Duration.ofMillis(1100);
    private static final Duration MOST = Duration.ofSeconds(2);

    private long nanos = Long.MAX_VALUE - 1_000; // the clock may begin anywhere, and go over its end

    private Budget budget(Duration spent) {
        return new Budget(() -> nanos, spent);
    }

    private void pass(Duration time) {
        nanos += time.toNanos();
    }

    @Test
    void theVerdictIsThereWithinFiveSeconds() {
        assertThat(Budget.WHOLE).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void whatWasSpentBeforeCounts() {
        assertThat(budget(Duration.ofMillis(1500)).left()).isEqualTo(Budget.WHOLE.minusMillis(1500));
    }

    @Test
    void whatPassesCounts() {
        Budget budget = budget(Duration.ZERO);
        pass(Duration.ofSeconds(3));
        assertThat(budget.left()).isEqualTo(Budget.WHOLE.minusSeconds(3));
        pass(Duration.ofSeconds(3));
        assertThat(budget.left()).isZero();
    }

    @Test
    void aQuestionTakesWhatItCanUseAndNoMoreThanIsLeft() {
        Budget budget = budget(Duration.ZERO);
        assertThat(budget.share(LEAST, MOST)).isEqualTo(MOST);
        pass(Budget.WHOLE.minusMillis(1400));
        assertThat(budget.share(LEAST, MOST)).isEqualTo(Duration.ofMillis(1400));
    }

    /** A silence that was listened to too shortly would be held against a node that is merely busy. */
    @Test
    void aQuestionAlwaysHasWhatItNeedsToSayAnything() {
        Budget budget = budget(Duration.ZERO);
        pass(Budget.WHOLE.plusSeconds(60));
        assertThat(budget.share(LEAST, MOST)).isEqualTo(LEAST);
        assertThat(budget.share(Duration.ZERO, MOST)).isZero();
    }

    @Test
    void aClockThatWasSetMeanwhileTakesNoTimeAway() {
        assertThat(budget(Duration.ofHours(-1)).left()).isEqualTo(Budget.WHOLE);
        assertThat(budget(Duration.ofHours(1)).left()).isEqualTo(Budget.WHOLE.minusSeconds(3));
    }
}
