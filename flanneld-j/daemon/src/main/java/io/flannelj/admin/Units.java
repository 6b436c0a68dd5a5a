package io.flannelj.admin;

import java.util.Locale;

/** Numbers with their units, three digits or so. */
final class Units {
    private static final String[] PREFIXES = {"", "k", "M", "G", "T", "P"};

    private Units() {}

    /** A rate in bytes a second, as bits a second. */
    static String bitRate(double bytesPerSecond) {
        return scaled(bytesPerSecond * 8, "bit/s");
    }

    /** An amount of bytes, in powers of 1000. */
    static String bytes(long bytes) {
        return scaled((double) bytes, "B");
    }

    private static String scaled(double value, String unit) {
        double rest = value;
        int prefix = 0;
        while (rest >= 999.5 && prefix < PREFIXES.length - 1) {
            rest /= 1000;
            prefix++;
        }
        String digits = prefix == 0 || rest >= 99.95 ? "%.0f" : rest >= 9.995 ? "%.1f" : "%.2f";
        return String.format(Locale.ROOT, digits, rest) + " " + PREFIXES[prefix] + unit;
    }

    /** Days and hours, hours and minutes, or less. */
    static String duration(long seconds) {
        if (seconds >= 86_400) {
            return seconds / 86_400 + " d " + seconds % 86_400 / 3600 + " h";
        }
        if (seconds >= 3600) {
            return seconds / 3600 + " h " + seconds % 3600 / 60 + " min";
        }
        return seconds >= 60 ? seconds / 60 + " min " + seconds % 60 + " s" : seconds + " s";
    }

    /** A time in milliseconds. */
    static String millis(double millis) {
        return String.format(Locale.ROOT, millis < 10 ? "%.2f ms" : millis < 100 ? "%.1f ms" : "%.0f ms", millis);
    }
}
