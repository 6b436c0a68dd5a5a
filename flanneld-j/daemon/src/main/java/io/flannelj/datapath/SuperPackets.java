package io.flannelj.datapath;

/** How super-packets leave for a peer. */
public enum SuperPackets {
    /** As they are; the kernel or the network card cuts them behind all headers. */
    UNCUT,
    /** Cut here, and sent as runs that the kernel or the network card makes datagrams of (UDP_SEGMENT). */
    SEGMENTED,
    /** Cut here, and each datagram sent by itself. */
    SEPARATE
}
