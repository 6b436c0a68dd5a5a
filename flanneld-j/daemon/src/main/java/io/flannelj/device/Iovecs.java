package io.flannelj.device;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * An array of {@code struct iovec} (readv(2)): the parts of one packet, or of several, where they lie. Nothing is
 * copied; whoever adds a part keeps it in place until the array is cleared.
 *
 * <p>One owner, one thread. Never allocates after construction.
 */
public final class Iovecs implements AutoCloseable {
    private static final int ENTRY_BYTES = 16;

    private final ByteBuf entries;
    private final long address;
    private final int capacity;
    private int count;
    private int bytes;

    public Iovecs(ByteBufAllocator allocator, int capacity) {
        this.entries = allocator.directBuffer(capacity * ENTRY_BYTES);
        this.address = entries.memoryAddress();
        this.capacity = capacity;
    }

    /** Adds one part, by its address in memory. The caller has checked {@link #room}. */
    public void add(long partAddress, int partBytes) {
        int at = count * ENTRY_BYTES;
        entries.setLongLE(at, partAddress);
        entries.setLongLE(at + 8, partBytes);
        count++;
        bytes += partBytes;
    }

    public void clear() {
        count = 0;
        bytes = 0;
    }

    /** Puts another part in the place of part {@code index}. */
    public void set(int index, long partAddress, int partBytes) {
        bytes += partBytes - length(index);
        entries.setLongLE(index * ENTRY_BYTES, partAddress);
        entries.setLongLE(index * ENTRY_BYTES + 8, partBytes);
    }

    public int count() {
        return count;
    }

    /** How many parts may still be added. */
    public int room() {
        return capacity - count;
    }

    /** All parts together, in bytes. */
    public int bytes() {
        return bytes;
    }

    /** Where part {@code index} lies in memory. */
    public long partAddress(int index) {
        return entries.getLongLE(index * ENTRY_BYTES);
    }

    /** Length of part {@code index} in bytes. */
    public int length(int index) {
        return (int) entries.getLongLE(index * ENTRY_BYTES + 8);
    }

    /** Address of the array's entry {@code index}, for a system call. */
    public long entryAddress(int index) {
        return address + (long) index * ENTRY_BYTES;
    }

    @Override
    public void close() {
        entries.release();
    }
}
