package io.flannelj.cli;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Times as people write them: {@code 30s}, {@code 5m}, {@code 1h}; a bare number is of seconds. */
final class Durations {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,6})([smh]?)");

    private Durations() {}

    /** The time; null where the text is none. */
    static @Nullable Duration parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            return null;
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            default -> Duration.ofSeconds(number);
        };
    }
}
