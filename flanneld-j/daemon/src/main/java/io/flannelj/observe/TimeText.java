package io.flannelj.observe;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Times as people write them. A length is a number and its unit: {@code 90s}, {@code 15m}, {@code 6h}, {@code 2d}; without
 * a unit it is of seconds. A time is a length, for so long ago, or {@code 2026-11-30T02:10:00Z}, also with another offset.
 */
public final class TimeText {
    private static final Pattern LENGTH = Pattern.compile("([0-9]{1,9})([smhd]?)");

    private static final DateTimeFormatter SECONDS =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ssXXX", Locale.ROOT);
    private static final DateTimeFormatter MICROS =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSXXX", Locale.ROOT);

    private TimeText() {}

    /** A length; none where the text is none. */
    public static Optional<Duration> length(String text) {
        Matcher matcher = LENGTH.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long number = Long.parseLong(matcher.group(1));
        return Optional.of(
                switch (matcher.group(2)) {
                    case "m" -> Duration.ofMinutes(number);
                    case "h" -> Duration.ofHours(number);
                    case "d" -> Duration.ofDays(number);
                    default -> Duration.ofSeconds(number);
                });
    }

    /**
     * A time in the past.
     *
     * @throws IllegalArgumentException says what it must be
     */
    public static Instant past(String text, Clock clock) {
        return length(text).map(clock.instant()::minus).orElseGet(() -> moment(text));
    }

    /** A time as the clock of who looks has it, with its offset, so that {@link #past} reads it again. */
    public static String seconds(Instant time, ZoneId zone) {
        return SECONDS.format(time.atZone(zone));
    }

    /** The same of a packet, to the microsecond. */
    public static String micros(long epochNanos, ZoneId zone) {
        return MICROS.format(Instant.ofEpochSecond(
                        Math.floorDiv(epochNanos, 1_000_000_000L), Math.floorMod(epochNanos, 1_000_000_000L))
                .atZone(zone));
    }

    /** Nanoseconds since 1970, as packets are noted; of a time that they cannot stand for, the nearest that none is beyond. */
    public static long epochNanos(Instant time) {
        try {
            return Math.addExact(Math.multiplyExact(time.getEpochSecond(), 1_000_000_000L), time.getNano());
        } catch (ArithmeticException e) {
            return time.isBefore(Instant.EPOCH) ? 0 : Long.MAX_VALUE;
        }
    }

    private static Instant moment(String text) {
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(
                    "must be a time as 2026-11-30T02:10:00Z, or 90s, 15m, 6h, 2d for so long ago, was \"" + text + "\"",
                    e);
        }
    }
}
