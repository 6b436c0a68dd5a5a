package io.flannelj.lease.loop;

import io.flannelj.linux.BootTime;
import io.flannelj.linux.SyscallException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;

/**
 * The time of day when it was made, and from then on the kernel's time since boot: it goes on while the machine is
 * suspended, and does not jump when somebody sets the clock. A lease must end neither late nor early for that.
 */
public final class BootClock extends Clock {
    private final BootTime boot = new BootTime();
    private final Instant begin;
    private final long nanosAtBegin;
    private final ZoneId zone;

    private BootClock(Clock wall) throws SyscallException {
        this.nanosAtBegin = boot.nanos();
        this.begin = wall.instant();
        this.zone = wall.getZone();
    }

    /**
     * A clock that shows the time of day now.
     *
     * @throws SyscallException where the kernel has no such clock
     */
    public static Clock start() throws SyscallException {
        return new BootClock(Clock.systemUTC());
    }

    @Override
    public Instant instant() {
        try {
            return begin.plusNanos(boot.nanos() - nanosAtBegin);
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
