package io.flannelj.device;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * An array of {@code struct mmsghdr} (recvmmsg(2)) with a buffer for each: slots that the kernel fills with a datagram,
 * or with a run of equal ones joined by UDP_GRO (udp(7)).
 *
 * <p>One owner, one thread. Never allocates after construction.
 */
public final class ReceiveVector implements AutoCloseable {
    private static final int ENTRY_BYTES = 64; // struct mmsghdr on 64-bit Linux: msghdr 56, msg_len 4, padding 4
    private static final int NAME_BYTES = 32; // struct sockaddr_in has 16, struct sockaddr_in6 28
    private static final int CONTROL_BYTES = 64;
    private static final int SOL_UDP = 17;
    private static final int UDP_GRO = 104;
    private static final int TRUNCATED = 0x20; // MSG_TRUNC

    private final ByteBuf memory;
    private final ByteBuf data;
    private final long address;
    private final int slots;
    private final int slotBytes;
    private final int namesAt;
    private final int controlsAt;

    public ReceiveVector(ByteBufAllocator allocator, int slots, int slotBytes) {
        this.slots = slots;
        this.slotBytes = slotBytes;
        int iovecsAt = slots * ENTRY_BYTES;
        this.namesAt = iovecsAt + slots * 16;
        this.controlsAt = namesAt + slots * NAME_BYTES;
        this.memory = allocator.directBuffer(controlsAt + slots * CONTROL_BYTES);
        this.memory.setZero(0, memory.capacity());
        this.address = memory.memoryAddress();
        this.data = allocator.directBuffer(slots * slotBytes);
        for (int i = 0; i < slots; i++) {
            int entry = i * ENTRY_BYTES;
            memory.setLongLE(entry, address + namesAt + (long) i * NAME_BYTES);
            memory.setLongLE(entry + 16, address + iovecsAt + i * 16L);
            memory.setLongLE(entry + 24, 1);
            memory.setLongLE(entry + 32, address + controlsAt + (long) i * CONTROL_BYTES);
            memory.setLongLE(iovecsAt + i * 16, data.memoryAddress() + (long) i * slotBytes);
            memory.setLongLE(iovecsAt + i * 16 + 8, slotBytes);
        }
    }

    /** Makes every slot ready to be filled; what the kernel wrote the last time is forgotten. */
    public void clear() {
        for (int i = 0; i < slots; i++) {
            int entry = i * ENTRY_BYTES;
            memory.setIntLE(entry + 8, NAME_BYTES);
            memory.setLongLE(entry + 40, CONTROL_BYTES);
            memory.setIntLE(entry + 48, 0);
        }
    }

    public int slots() {
        return slots;
    }

    /** The buffer that all slots lie in. */
    public ByteBuf data() {
        return data;
    }

    /** Where slot {@code index} begins in {@link #data}. */
    public int offset(int index) {
        return index * slotBytes;
    }

    /** Octets received into slot {@code index}. */
    public int bytes(int index) {
        return memory.getIntLE(index * ENTRY_BYTES + 56);
    }

    /** Whether the datagram was longer than its slot. */
    public boolean isTruncated(int index) {
        return (memory.getIntLE(index * ENTRY_BYTES + 48) & TRUNCATED) != 0;
    }

    /** Who sent it, on a socket of IPv4. */
    public int source(int index) {
        return memory.getInt(namesAt + index * NAME_BYTES + 4);
    }

    /** Who sent it, on a socket of IPv6: the upper half. */
    public long sourceHigh(int index) {
        return memory.getLong(namesAt + index * NAME_BYTES + 8);
    }

    /** Who sent it, on a socket of IPv6: the lower half. */
    public long sourceLow(int index) {
        return memory.getLong(namesAt + index * NAME_BYTES + 16);
    }

    /** Size of each of the datagrams that were joined, the last of which may be shorter; or all there is. */
    public int segmentBytes(int index) {
        if (memory.getLongLE(index * ENTRY_BYTES + 40) >= 20) {
            int control = controlsAt + index * CONTROL_BYTES;
            if (memory.getIntLE(control + 8) == SOL_UDP && memory.getIntLE(control + 12) == UDP_GRO) {
                int segment = memory.getIntLE(control + 16);
                return segment > 0 ? segment : bytes(index);
            }
        }
        return bytes(index);
    }

    /** Fills slot {@code index} as the kernel would; for ports that are not sockets. */
    public void fill(int index, int source, int bytes, int segmentBytes) {
        memory.setInt(namesAt + index * NAME_BYTES + 4, source);
        fill(index, bytes, segmentBytes);
    }

    /** The same from an IPv6 source. */
    public void fill(int index, long sourceHigh, long sourceLow, int bytes, int segmentBytes) {
        memory.setLong(namesAt + index * NAME_BYTES + 8, sourceHigh);
        memory.setLong(namesAt + index * NAME_BYTES + 16, sourceLow);
        fill(index, bytes, segmentBytes);
    }

    private void fill(int index, int bytes, int segmentBytes) {
        int entry = index * ENTRY_BYTES;
        memory.setIntLE(entry + 56, bytes);
        boolean joined = segmentBytes < bytes;
        memory.setLongLE(entry + 40, joined ? 24 : 0);
        if (joined) {
            int control = controlsAt + index * CONTROL_BYTES;
            memory.setIntLE(control + 8, SOL_UDP);
            memory.setIntLE(control + 12, UDP_GRO);
            memory.setIntLE(control + 16, segmentBytes);
        }
    }

    /** Address of the array, for a system call. */
    public long address() {
        return address;
    }

    @Override
    public void close() {
        data.release();
        memory.release();
    }
}
