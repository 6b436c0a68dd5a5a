package io.flannelj.device;

import io.flannelj.linux.CpuAffinity;

/** Which processors workers run on. */
public final class Processors {
    private Processors() {}

    /** The processor for a worker, when each keeps to one: by turns over all there are. */
    public static int of(int queue) {
        return queue % Runtime.getRuntime().availableProcessors();
    }

    /** Keeps the calling thread on one processor; false when the kernel refuses. */
    public static boolean tryKeepOn(int processor) {
        return CpuAffinity.tryPin(processor);
    }
}
