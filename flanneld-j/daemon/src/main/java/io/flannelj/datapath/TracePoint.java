package io.flannelj.datapath;

/** Where on its way through a worker a packet is seen. */
@SuppressWarnings("EnumOrdinal") // within this process's own memory, never stored or sent
public enum TracePoint {
    /** From a pod or the node, about to be encapsulated; a super-packet whole. */
    FROM_POD,
    /** Encapsulated, and taken by the kernel; each datagram by itself. */
    TO_WIRE,
    /** From another node, still encapsulated, its headers checked; each datagram by itself. */
    FROM_WIRE,
    /** Taken by the node's IP stack; neighbours of one flow joined. */
    TO_POD,
    /** It goes no further, for a {@link DropReason}. */
    DROPPED;

    /** This point in a set of points. */
    int bit() {
        return 1 << ordinal();
    }
}
