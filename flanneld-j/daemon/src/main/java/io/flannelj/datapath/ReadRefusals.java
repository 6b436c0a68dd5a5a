package io.flannelj.datapath;

import io.flannelj.linux.Errno;
import java.util.concurrent.TimeUnit;

/**
 * What refused reads of a TUN device mean. EBADFD says that another process deleted it. Any other refusal (EIO, ENOMEM) may pass, but
 * one that lasts a second does not, and a device that is readable and refuses would wake its worker for ever.
 *
 * <p>One owner, one thread. Never allocates.
 */
final class ReadRefusals {
    private static final long LASTING_NANOS = TimeUnit.SECONDS.toNanos(1);

    private boolean refusing;
    private long since;
    private int lostWith;

    /** A read was refused. */
    void refused(int errno, long nowNanos) {
        if (!refusing) {
            refusing = true;
            since = nowNanos;
        }
        if (errno == Errno.EBADFD || nowNanos - since > LASTING_NANOS) {
            lostWith = errno;
        }
    }

    /** A read gave a packet, or found that none waits. */
    void answered() {
        refusing = false;
    }

    /** Whether the last read was refused. */
    boolean isRefusing() {
        return refusing;
    }

    /** The errno with which the device was lost for good; 0 while it is not. */
    int lostWith() {
        return lostWith;
    }
}
