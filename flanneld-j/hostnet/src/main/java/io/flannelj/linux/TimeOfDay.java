package io.flannelj.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel knows of its time of day: adjtimex(2). */
public final class TimeOfDay {
    /** {@code struct timex} of 64-bit systems; all zero, it asks and changes nothing. */
    private static final int TIMEX_BYTES = 208;

    private static final int TIME_ERROR = 5;

    /** systemd-timesyncd(8) makes it as soon as it has the time; it is gone after a boot. */
    private static final Path TIMESYNCD = Path.of("/run/systemd/timesync/synchronized");

    private TimeOfDay() {}

    /**
     * Whether something (chrony, ntpd, systemd-timesyncd) keeps the time of day right, and has done so since the machine was
     * started. Where a filter of system calls refuses the question, as that of our systemd unit does, systemd-timesyncd is
     * believed. False where nobody says.
     */
    public static boolean isSynchronised() {
        ByteBuffer timex = ByteBuffer.allocateDirect(TIMEX_BYTES).order(ByteOrder.nativeOrder());
        int state = LibC.calls().adjtimex(timex);
        return state >= 0 ? state != TIME_ERROR : Files.exists(TIMESYNCD);
    }
}
