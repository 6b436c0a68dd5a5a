package io.flannelj.packet;

/**
 * Explicit congestion notification (RFC 3168) between the headers of a tunnel, RFC 6040, as Linux has it
 * (include/net/inet_ecn.h). A mark is the lower two bits of IPv4's type of service or IPv6's traffic class.
 */
public final class Ecn {
    public static final int MASK = 3;
    public static final int NOT_ECT = 0;
    public static final int ECT_1 = 1;
    public static final int ECT_0 = 2;
    public static final int CE = 3;

    private Ecn() {}

    /** The mark of a new outer header. CE stays inside, where it arrives anyway: outside it is ECT(0), as in Linux. */
    public static int encapsulate(int inner) {
        return inner == CE ? ECT_0 : inner;
    }

    /**
     * The mark of the inner header once the outer one is gone, RFC 6040 §4.2.
     *
     * @return a mark, or -1 when the packet must be dropped: marked by a router, though its sender would not see the mark
     */
    public static int decapsulate(int outer, int inner) {
        if (outer == CE) {
            return inner == NOT_ECT ? -1 : CE;
        }
        return outer == ECT_1 && inner == ECT_0 ? ECT_1 : inner;
    }
}
