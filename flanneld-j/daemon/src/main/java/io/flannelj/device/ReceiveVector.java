package io.flannelj.device;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
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
    private static final int CONTROL_HEADER_BYTES = 16; // struct cmsghdr
    private static final int SOL_SOCKET = 1;
    private static final int SCM_TIMESTAMPNS = 35;
    private static final int SOL_IP = 0;
    private static final int IP_TOS = 1;
    private static final int SOL_UDP = 17;
    private static final int UDP_GRO = 104;
    private static final int SOL_IPV6 = 41;
    private static final int IPV6_TCLASS = 67;
    private static final int TRUNCATED = 0x20; // MSG_TRUNC

    private final IpFamily family;
    private final ByteBuf memory;
    private final ByteBuf data;
    private final long address;
    private final int slots;
    private final int slotBytes;
    private final int namesAt;
    private final int controlsAt;

    /** @param family of those who send */
    public ReceiveVector(ByteBufAllocator allocator, IpFamily family, int slots, int slotBytes) {
        this.family = family;
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

    /** Bytes received into slot {@code index}. */
    public int bytes(int index) {
        return memory.getIntLE(index * ENTRY_BYTES + 56);
    }

    /** Whether the datagram was longer than its slot. */
    public boolean isTruncated(int index) {
        return (memory.getIntLE(index * ENTRY_BYTES + 48) & TRUNCATED) != 0;
    }

    /** Who sent it. */
    public IpAddress source(int index) {
        return family == IpFamily.IPV4
                ? IpAddress.ofIpv4((int) sourceLow(index))
                : IpAddress.ofIpv6(sourceHigh(index), sourceLow(index));
    }

    /** Who sent it: the upper half of the address; 0 of an IPv4 one. */
    public long sourceHigh(int index) {
        return family == IpFamily.IPV4 ? 0 : memory.getLong(namesAt + index * NAME_BYTES + 8);
    }

    /** Who sent it: the lower half of the address; an IPv4 one whole. */
    public long sourceLow(int index) {
        int name = namesAt + index * NAME_BYTES;
        return family == IpFamily.IPV4 ? memory.getUnsignedInt(name + 4) : memory.getLong(name + 16);
    }

    /** Size of each of the datagrams that were joined, the last of which may be shorter; or all there is. */
    public int segmentBytes(int index) {
        int control = control(index, SOL_UDP, UDP_GRO);
        int segment = control < 0 ? 0 : memory.getIntLE(control);
        return segment > 0 ? segment : bytes(index);
    }

    /** Type of service or traffic class of the outer header, which all that were joined share; 0 where nothing told. */
    public int trafficClass(int index) {
        int control = control(index, SOL_IP, IP_TOS);
        if (control < 0) {
            control = control(index, SOL_IPV6, IPV6_TCLASS);
        }
        return control < 0 ? 0 : memory.getUnsignedByte(control);
    }

    /** When it arrived, in nanoseconds of the time of day; -1 where the socket does not tell (SO_TIMESTAMPNS). */
    public long arrivedAtNanos(int index) {
        int control = control(index, SOL_SOCKET, SCM_TIMESTAMPNS);
        return control < 0 ? -1 : memory.getLongLE(control) * 1_000_000_000 + memory.getLongLE(control + 8);
    }

    /** Where the data of a slot's control message begins; -1 when there is none of that kind. */
    private int control(int index, int level, int type) {
        int at = controlsAt + index * CONTROL_BYTES;
        int end = at + (int) memory.getLongLE(index * ENTRY_BYTES + 40);
        while (at + CONTROL_HEADER_BYTES < end) {
            if (memory.getIntLE(at + 8) == level && memory.getIntLE(at + 12) == type) {
                return at + CONTROL_HEADER_BYTES;
            }
            at += (int) Math.max(CONTROL_HEADER_BYTES, memory.getLongLE(at) + 7 & ~7);
        }
        return -1;
    }

    /** Fills slot {@code index} as the kernel would; for sockets that are not the kernel's. */
    public void fill(int index, long sourceHigh, long sourceLow, int bytes, int segmentBytes, int trafficClass) {
        int name = namesAt + index * NAME_BYTES;
        int entry = index * ENTRY_BYTES;
        memory.setIntLE(entry + 56, bytes);
        memory.setLongLE(entry + 40, 0);
        if (segmentBytes < bytes) {
            addControl(index, SOL_UDP, UDP_GRO, segmentBytes);
        }
        if (family == IpFamily.IPV4) {
            memory.setInt(name + 4, (int) sourceLow);
            addControl(index, SOL_IP, IP_TOS, trafficClass);
        } else {
            memory.setLong(name + 8, sourceHigh);
            memory.setLong(name + 16, sourceLow);
            addControl(index, SOL_IPV6, IPV6_TCLASS, trafficClass);
        }
    }

    private void addControl(int index, int level, int type, int value) {
        int entry = index * ENTRY_BYTES;
        int used = (int) memory.getLongLE(entry + 40);
        int control = controlsAt + index * CONTROL_BYTES + used;
        memory.setLongLE(control, CONTROL_HEADER_BYTES + 4);
        memory.setIntLE(control + 8, level);
        memory.setIntLE(control + 12, type);
        memory.setIntLE(control + CONTROL_HEADER_BYTES, value);
        memory.setLongLE(entry + 40, used + CONTROL_HEADER_BYTES + 8);
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
