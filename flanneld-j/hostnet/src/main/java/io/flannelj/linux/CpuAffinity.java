package io.flannelj.linux;

import java.nio.ByteBuffer;

/** Where the calling thread may run (sched_setaffinity(2)). */
public final class CpuAffinity {
    private static final int MASK_BYTES = 128; // cpu_set_t: 1024 processors
    private static final int THIS_THREAD = 0;

    private CpuAffinity() {}

    /**
     * Keeps the calling thread on one processor.
     *
     * @param processor from 0 on
     * @return false when the kernel refuses, as when the processor is not ours to use
     */
    public static boolean tryPin(int processor) {
        if (processor < 0 || processor >= MASK_BYTES * 8) {
            return false;
        }
        ByteBuffer mask = Fd.buffer(MASK_BYTES);
        mask.put(processor / 8, (byte) (1 << processor % 8));
        return LibC.calls().sched_setaffinity(THIS_THREAD, MASK_BYTES, mask) == 0;
    }
}
