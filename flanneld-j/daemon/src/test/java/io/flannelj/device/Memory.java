package io.flannelj.device;

import io.netty.util.internal.PlatformDependent;

/** Reads what iovecs point to, as the kernel would. */
final class Memory {
    private Memory() {}

    static int copy(long address, byte[] into, int at, int length) {
        PlatformDependent.copyMemory(address, into, at, length);
        return at + length;
    }
}
