package io.flannelj.lease;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;

/**
 * The time of day when it was made, and from then on the kernel's time since boot: it goes on while the machine is
 * suspended, and does not jump when somebody sets the clock. A lease must end neither late nor early for that.
 */
public final class BootClock extends Clock {
    private static final Path UPTIME = Path.of("/proc/uptime");

    private final Clock wall;
    private final Instant begin;
    private final Duration uptimeAtBegin;

    private BootClock(Clock wall, Duration uptime) {
        this.wall = wall;
        this.begin = wall.instant();
        this.uptimeAtBegin = uptime;
    }

    /** The wall clock itself, where the kernel does not tell. */
    public static Clock start() {
        Clock wall = Clock.systemUTC();
        try {
            return new BootClock(wall, uptime());
        } catch (IOException | NumberFormatException e) {
            return wall;
        }
    }

    /** proc_uptime(5): seconds since boot, suspension counted, with two decimals. */
    private static Duration uptime() throws IOException {
        String text = Files.readString(UPTIME);
        return Duration.ofMillis(Math.round(Double.parseDouble(text.substring(0, text.indexOf(' '))) * 1000));
    }

    @Override
    public Instant instant() {
        try {
            return begin.plus(uptime().minus(uptimeAtBegin));
        } catch (IOException e) {
            return wall.instant();
        }
    }

    @Override
    public ZoneId getZone() {
        return wall.getZone();
    }

    @Override
    public Clock withZone(ZoneId zone) {
        return this; // instants only are asked for
    }
}
