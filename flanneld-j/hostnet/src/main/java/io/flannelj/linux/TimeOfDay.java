package io.flannelj.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What the kernel knows of its time of day: adjtimex(2). */
public final class TimeOfDay {
    /** {@code struct timex} of 64-bit systems; all zero, it asks and changes nothing. */
    private static final int TIMEX_BYTES = 208;

    private static final int TIME_ERROR = 5;

    private TimeOfDay() {}

    /**
     * Whether something (chrony, ntpd, systemd-timesyncd) keeps the time of day right, and has done so since the machine was
     * started. False as well where the kernel does not say.
     */
    public static boolean isSynchronised() {
        ByteBuffer timex = ByteBuffer.allocateDirect(TIMEX_BYTES).order(ByteOrder.nativeOrder());
        int state = LibC.calls().adjtimex(timex);
        return state >= 0 && state != TIME_ERROR;
    }
}
