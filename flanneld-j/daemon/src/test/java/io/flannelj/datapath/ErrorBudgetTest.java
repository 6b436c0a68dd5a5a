package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ErrorBudgetTest {
    private static final long BEGIN = Long.MAX_VALUE - 5; // the clock may wrap

    private final ErrorBudget budget = new ErrorBudget(BEGIN);

    @Test
    void aBurstIsSentAndThenAThousandASecond() {
        assertThat(taken(BEGIN, 100)).isEqualTo(50);

        long sent = 0;
        for (int millisecond = 1; millisecond <= 1000; millisecond++) {
            sent += taken(BEGIN + TimeUnit.MILLISECONDS.toNanos(millisecond), 10);
        }
        assertThat(sent).isEqualTo(1000);
    }

    @Test
    void aQuietTimeSavesUpNoMoreThanABurst() {
        assertThat(taken(BEGIN + TimeUnit.DAYS.toNanos(1), 100)).isEqualTo(50);
    }

    private long taken(long nowNanos, int tries) {
        return IntStream.range(0, tries).filter(i -> budget.take(nowNanos)).count();
    }
}
