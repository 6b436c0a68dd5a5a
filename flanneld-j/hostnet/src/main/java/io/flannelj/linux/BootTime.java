package io.flannelj.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The kernel's time since boot, suspension counted: {@code CLOCK_BOOTTIME} of clock_gettime(2). It does not jump when
 * somebody sets the time of day. For several threads.
 */
public final class BootTime {
    private static final int CLOCK_BOOTTIME = 7;
    private static final long NANOS_A_SECOND = 1_000_000_000;

    private final ByteBuffer timespec = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());

    /**
     * Reads the clock.
     *
     * @return nanoseconds
     * @throws SyscallException where the kernel has no such clock; Linux has it since 2.6.39
     */
    public synchronized long nanos() throws SyscallException {
        LibC.check(LibC.calls().clock_gettime(CLOCK_BOOTTIME, timespec), "read the time since boot", "CLOCK_BOOTTIME");
        return timespec.getLong(0) * NANOS_A_SECOND + timespec.getLong(8);
    }
}
