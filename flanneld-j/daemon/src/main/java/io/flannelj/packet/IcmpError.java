package io.flannelj.packet;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBuf;

/** ICMP errors of one family: whether a packet may be answered with one, and the whole answer, IP header included. */
public sealed interface IcmpError permits Icmpv4Error, Icmpv6Error {
    /** Bytes of an answer at most, in either family. */
    int MAX_BYTES = Ipv6Header.MIN_MTU_BYTES;

    /** What is wrong with a packet. */
    enum Reason {
        NO_ROUTE,
        TOO_BIG
    }

    static IcmpError of(IpFamily family) {
        return family == IpFamily.IPV4 ? new Icmpv4Error() : new Icmpv6Error();
    }

    /** Whether the packet may be answered at all: errors, and what many would answer, may not. */
    boolean mayAnswer(ByteBuf packet, int offset, int length, Reason reason);

    /**
     * Writes the answer to a packet. It comes from where the packet was going: what comes out of the tunnel from an address of
     * this node, the node drops as forged.
     *
     * @param ours the address that answers in the place of a multicast address
     * @param mtuBytes for {@link Reason#TOO_BIG}
     * @return bytes written, at most {@link #MAX_BYTES}
     */
    int write(
            ByteBuf answer,
            int at,
            Reason reason,
            int mtuBytes,
            IpAddress ours,
            ByteBuf packet,
            int offset,
            int length);
}
