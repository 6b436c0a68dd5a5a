package io.flannelj.lease.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.flannelj.lease.Moment;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.junit.jupiter.api.Test;

class BootClockTest {
    @Test
    void twoClocksOfOneBootKnowHowMuchTimeHasPassed() throws Exception {
        Moment one = BootClock.start().moment();
        Thread.sleep(20);
        Moment other = BootClock.start().moment();

        assertThat(one.boot()).isNotEmpty();
        assertThat(other.since(one).orElseThrow()).isBetween(Duration.ofMillis(20), Duration.ofMinutes(1));
        assertThat(other.instant())
                .as("the time of day of its start")
                .isCloseTo(other.wall(), within(1, ChronoUnit.MINUTES));
    }
}
