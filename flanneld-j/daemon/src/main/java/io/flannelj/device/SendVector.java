package io.flannelj.device;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * An array of {@code struct mmsghdr} (sendmmsg(2)) for destinations of one family, with what each entry points to: address,
 * parts, and control messages: the outer traffic class (IP_TOS, ip(7); IPV6_TCLASS, ipv6(7)), and UDP_SEGMENT (udp(7)).
 *
 * <p>One message carries one datagram, or several of one size to one destination, the last of which may be shorter.
 *
 * <p>One owner, one thread. Never allocates after construction.
 */
public final class SendVector implements AutoCloseable {
    /** Datagrams in one message: the kernel's UDP_MAX_SEGMENTS before Linux 6.9. */
    public static final int MAX_SEGMENTS = 64;

    /** Bytes in one message: the largest UDP payload over IPv4, which IPv6 takes as well. */
    public static final int MAX_BYTES = 65_507;

    private static final int ENTRY_BYTES = 64; // struct mmsghdr on 64-bit Linux: msghdr 56, msg_len 4, padding 4
    private static final int NAME_BYTES = 32; // struct sockaddr_in has 16, struct sockaddr_in6 28
    private static final int IPV4_NAME_BYTES = 16;
    private static final int IPV6_NAME_BYTES = 28;
    private static final int CONTROL_BYTES = 24; // CMSG_SPACE of an int or less
    private static final int CLASS_LENGTH = 20; // CMSG_LEN(sizeof(int))
    private static final int SEGMENT_LENGTH = 18; // CMSG_LEN(sizeof(u16))
    private static final int SOL_IP = 0;
    private static final int IP_TOS = 1;
    private static final int SOL_UDP = 17;
    private static final int UDP_SEGMENT = 103;
    private static final int SOL_IPV6 = 41;
    private static final int IPV6_TCLASS = 67;

    private final IpFamily family;
    private final ByteBuf memory;
    private final long address;
    private final int namesAt;
    private final int controlsAt;
    private final int capacity;
    private final Iovecs parts;
    private final int[] firstPart;
    private final int[] datagrams;
    private final int[] segmentBytes;
    private int count;

    /**
     * @param family of all destinations
     */
    public SendVector(ByteBufAllocator allocator, IpFamily family, int messages, int partCapacity) {
        boolean ipv6 = family == IpFamily.IPV6;
        this.family = family;
        this.capacity = messages;
        this.namesAt = messages * ENTRY_BYTES;
        this.controlsAt = namesAt + messages * NAME_BYTES;
        this.memory = allocator.directBuffer(controlsAt + messages * 2 * CONTROL_BYTES);
        this.memory.setZero(0, memory.capacity());
        this.address = memory.memoryAddress();
        this.parts = new Iovecs(allocator, partCapacity);
        this.firstPart = new int[messages + 1];
        this.datagrams = new int[messages];
        this.segmentBytes = new int[messages];
        for (int i = 0; i < messages; i++) {
            int entry = i * ENTRY_BYTES;
            memory.setLongLE(entry, address + namesAt + (long) i * NAME_BYTES);
            memory.setIntLE(entry + 8, ipv6 ? IPV6_NAME_BYTES : IPV4_NAME_BYTES);
            memory.setShortLE(namesAt + i * NAME_BYTES, family.number());
            int control = classAt(i);
            memory.setLongLE(control, CLASS_LENGTH);
            memory.setIntLE(control + 8, ipv6 ? SOL_IPV6 : SOL_IP);
            memory.setIntLE(control + 12, ipv6 ? IPV6_TCLASS : IP_TOS);
            control += CONTROL_BYTES;
            memory.setLongLE(control, SEGMENT_LENGTH);
            memory.setIntLE(control + 8, SOL_UDP);
            memory.setIntLE(control + 12, UDP_SEGMENT);
        }
    }

    /** Where a message's control message of the traffic class begins; that of the segment size stands behind it. */
    private int classAt(int index) {
        return controlsAt + index * 2 * CONTROL_BYTES;
    }

    /** Forgets all messages and parts. */
    public void clear() {
        count = 0;
        parts.clear();
    }

    /**
     * Opens a message; parts added from now on belong to it.
     *
     * @param high upper half of the destination; 0 for an IPv4 address
     * @param low lower half of the destination; an IPv4 address whole
     */
    public void open(long high, long low, int port) {
        int name = namesAt + count * NAME_BYTES;
        memory.setShort(name + 2, port);
        if (family == IpFamily.IPV4) {
            memory.setInt(name + 4, (int) low);
        } else {
            memory.setLong(name + 8, high);
            memory.setLong(name + 16, low);
        }
        memory.setLongLE(count * ENTRY_BYTES + 16, parts.entryAddress(parts.count()));
        firstPart[count] = parts.count();
    }

    /** Adds a part to the open message. */
    public void add(long partAddress, int partBytes) {
        parts.add(partAddress, partBytes);
    }

    /**
     * Completes the open message.
     *
     * @param segment size in bytes of each datagram but the last
     * @param datagramCount how many datagrams the parts make
     * @param trafficClass of their outer headers; 0 is what the kernel writes by itself
     */
    public void complete(int segment, int datagramCount, int trafficClass) {
        int entry = count * ENTRY_BYTES;
        memory.setLongLE(entry + 24, parts.count() - firstPart[count]);
        int control = classAt(count);
        memory.setIntLE(control + 16, trafficClass);
        memory.setShortLE(control + CONTROL_BYTES + 16, segment);
        int from = trafficClass == 0 ? CONTROL_BYTES : 0;
        int to = datagramCount > 1 ? 2 * CONTROL_BYTES : CONTROL_BYTES;
        memory.setLongLE(entry + 32, from < to ? address + control + from : 0);
        memory.setLongLE(entry + 40, to - from);
        datagrams[count] = datagramCount;
        segmentBytes[count] = segment;
        count++;
        firstPart[count] = parts.count();
    }

    /** Complete messages. */
    public int count() {
        return count;
    }

    public boolean isFull() {
        return count == capacity;
    }

    /** How many parts may still be added, over all messages. */
    public int partRoom() {
        return parts.room();
    }

    /** Datagrams that message {@code index} stands for. */
    public int datagrams(int index) {
        return datagrams[index];
    }

    /** Size in bytes of each datagram of message {@code index} but the last. */
    public int segmentBytes(int index) {
        return segmentBytes[index];
    }

    /** Traffic class of the outer headers of message {@code index}. */
    public int trafficClass(int index) {
        return memory.getIntLE(classAt(index) + 16);
    }

    public IpAddress destination(int index) {
        int name = namesAt + index * NAME_BYTES;
        return family == IpFamily.IPV4
                ? IpAddress.ofIpv4(memory.getInt(name + 4))
                : IpAddress.ofIpv6(memory.getLong(name + 8), memory.getLong(name + 16));
    }

    public int port(int index) {
        return memory.getUnsignedShort(namesAt + index * NAME_BYTES + 2);
    }

    /** Number of the first part of message {@code index}; that of the message after it ends its parts. */
    public int firstPart(int index) {
        return firstPart[index];
    }

    public long partAddress(int part) {
        return parts.partAddress(part);
    }

    public int partBytes(int part) {
        return parts.length(part);
    }

    /** Address of message {@code index}, for a system call. */
    public long entryAddress(int index) {
        return address + (long) index * ENTRY_BYTES;
    }

    @Override
    public void close() {
        parts.close();
        memory.release();
    }
}
