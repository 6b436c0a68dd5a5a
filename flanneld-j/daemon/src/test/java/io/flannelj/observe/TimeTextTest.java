package io.flannelj.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimeTextTest {
    private static final Clock NOON = Clock.fixed(Instant.parse("2026-11-30T12:00:00Z"), ZoneOffset.UTC);

    @ParameterizedTest
    @CsvSource({"90, PT90S", "90s, PT90S", "15m, PT15M", "6h, PT6H", "2d, PT48H", "0s, PT0S"})
    void aLengthIsANumberAndItsUnit(String text, Duration length) {
        assertThat(TimeText.length(text)).contains(length);
        assertThat(TimeText.past(text, NOON)).isEqualTo(NOON.instant().minus(length));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "m", "-5m", "5w", "1.5h", "1h30m", "1234567890s"})
    void whatIsNoneIsRefusedByName(String text) {
        assertThat(TimeText.length(text)).isEmpty();
        assertThatThrownBy(() -> TimeText.past(text, NOON))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + text + "\"");
    }

    @Test
    void aTimeThatNoPacketCanHaveIsBeyondAll() {
        assertThat(TimeText.epochNanos(TimeText.past("1s", NOON))).isEqualTo(1_796_039_999_000_000_000L);
        assertThat(TimeText.epochNanos(TimeText.past("999999d", NOON))).isZero();
        assertThat(TimeText.epochNanos(TimeText.past("9999-01-01T00:00:00Z", NOON)))
                .isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void aTimeHasItsOffset() {
        assertThat(TimeText.past("2026-11-30T02:10:00+01:00", NOON)).isEqualTo("2026-11-30T01:10:00Z");
    }

    @Test
    void whatIsShownIsReadAgain() {
        ZoneOffset zone = ZoneOffset.ofHours(-3);
        assertThat(TimeText.seconds(NOON.instant(), zone)).isEqualTo("2026-11-30T09:00:00-03:00");
        assertThat(TimeText.micros(1_700_000_000_123_456_789L, zone)).isEqualTo("2023-11-14T19:13:20.123456-03:00");
        assertThat(TimeText.past(TimeText.micros(1_700_000_000_123_456_789L, zone), NOON))
                .isEqualTo("2023-11-14T22:13:20.123456Z");
    }
}
