package io.flannelj.lease.loop;

import io.flannelj.lease.Moment;
import io.flannelj.linux.BootTime;
import io.flannelj.linux.SyscallException;
import io.flannelj.linux.TimeOfDay;
import java.io.IOException;
import java.io.UncheckedIOException;
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
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final BootTime boot = new BootTime();
    private final Clock wall;
    private final String bootId;
    private final Instant begin;
    private final long nanosAtBegin;
    private final ZoneId zone;

    private BootClock(Clock wall) throws SyscallException {
        this.wall = wall;
        this.bootId = bootId();
        this.nanosAtBegin = boot.nanos();
        this.begin = wall.instant();
        this.zone = wall.getZone();
    }

    /**
     * A clock that shows the time of day now.
     *
     * @throws SyscallException where the kernel has no such clock
     */
    public static BootClock start() throws SyscallException {
        return new BootClock(Clock.systemUTC());
    }

    private static String bootId() {
        try {
            return Files.readString(BOOT_ID).strip();
        } catch (IOException e) { // then no other process is of the same boot
            return "";
        }
    }

    /** What all clocks say now, for a later process to measure by. */
    public Moment moment() {
        long nanos = nanos();
        return new Moment(
                begin.plusNanos(nanos - nanosAtBegin),
                bootId,
                Duration.ofNanos(nanos),
                wall.instant(),
                TimeOfDay.isSynchronised());
    }

    @Override
    public Instant instant() {
        return begin.plusNanos(nanos() - nanosAtBegin);
    }

    private long nanos() {
        try {
            return boot.nanos();
        } catch (SyscallException e) { // it answered at the start
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public ZoneId getZone() {
        return zone;
    }

    @Override
    public Clock withZone(ZoneId other) {
        return this; // instants only are asked for
    }
}
