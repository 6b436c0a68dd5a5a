package io.flannelj.linux;

/** How readily the calling thread gets a processor (setpriority(2), which on Linux is of threads). */
public final class ThreadPriority {
    private static final int PRIO_PROCESS = 0;
    private static final int THIS_THREAD = 0;
    private static final int LOWEST = 19;

    private ThreadPriority() {}

    /** Lets everybody else go first, as far as the kernel lets us; there is no way back. */
    public static void lower() {
        int unused = LibC.calls().setpriority(PRIO_PROCESS, THIS_THREAD, LOWEST);
    }
}
