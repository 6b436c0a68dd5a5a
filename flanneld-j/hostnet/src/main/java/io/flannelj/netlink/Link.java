package io.flannelj.netlink;

import io.flannelj.net.MacAddress;
import org.jspecify.annotations.Nullable;

/**
 * A network interface, as the kernel tells it.
 *
 * @param index of the interface; unique in its namespace
 * @param kind what it is: {@code bridge}, {@code veth}, {@code tun}, {@code vxlan}…; empty for hardware and loopback
 * @param mac its address; null where the kind has none
 * @param flags IFF_ bits
 * @param masterIndex of the bridge it is a port of; 0 when it is none
 * @param peerIndex of the other end (veth) or of the interface below; 0 when there is none
 * @param operState RFC 2863 state, 6 is up
 */
public record Link(
        int index,
        String name,
        String kind,
        int mtuBytes,
        @Nullable MacAddress mac,
        int flags,
        int masterIndex,
        int peerIndex,
        int operState) {
    private static final int UP = 0x1;
    private static final int LOOPBACK = 0x8;
    private static final int RUNNING = 0x40;
    private static final int OPER_UNKNOWN = 0;
    private static final int OPER_UP = 6;

    public boolean isUp() {
        return (flags & UP) != 0;
    }

    public boolean isLoopback() {
        return (flags & LOOPBACK) != 0;
    }

    public boolean isRunning() {
        return (flags & RUNNING) != 0;
    }

    /** Whether packets pass it: the kernel says so, or its driver says nothing (RFC 2863, ifOperStatus). */
    public boolean isOperational() {
        return isUp() && (operState == OPER_UP || operState == OPER_UNKNOWN);
    }
}
