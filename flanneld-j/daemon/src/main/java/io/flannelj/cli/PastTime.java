package io.flannelj.cli;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A time as a person writes it: {@code 2026-11-30T02:10:00Z}, with another offset, or {@code 15m} for so long ago. */
final class PastTime {
    private static final Pattern AGO = Pattern.compile("(\\d{1,9})([smhd])");

    private PastTime() {}

    /** @throws IllegalArgumentException says what it must be */
    static Instant parse(String text, Clock clock) {
        Matcher ago = AGO.matcher(text);
        if (ago.matches()) {
            long amount = Long.parseLong(ago.group(1));
            return clock.instant()
                    .minus(
                            switch (ago.group(2)) {
                                case "s" -> Duration.ofSeconds(amount);
                                case "m" -> Duration.ofMinutes(amount);
                                case "h" -> Duration.ofHours(amount);
                                default -> Duration.ofDays(amount);
                            });
        }
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(
                    "a time is written as 2026-11-30T02:10:00Z, or as 90s, 15m, 6h, 2d for so long ago, not \"" + text
                            + "\"",
                    e);
        }
    }
}
