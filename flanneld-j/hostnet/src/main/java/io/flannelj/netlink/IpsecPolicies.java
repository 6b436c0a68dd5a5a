package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The IPsec policies of one network namespace (ip-xfrm(8)): what of its packets must be encrypted. */
public final class IpsecPolicies implements AutoCloseable {
    private static final int GETSPDINFO = 0x25;
    private static final int HEADER_BYTES = 4;
    private static final int COUNTS = 1;
    private static final int OUTBOUND_AT = 4; // outcnt in struct xfrmu_spdinfo

    private final @Nullable NetlinkSocket netlink;

    private IpsecPolicies(@Nullable NetlinkSocket netlink) {
        this.netlink = netlink;
    }

    /** Opens a way to ask, in the calling thread's network namespace. A kernel without IPsec has no policies. */
    public static IpsecPolicies open() throws SyscallException {
        try {
            return new IpsecPolicies(NetlinkSocket.openIpsec());
        } catch (SyscallException e) {
            if (e.errno() == Errno.EPROTONOSUPPORT) {
                return new IpsecPolicies(null);
            }
            throw e;
        }
    }

    /** How many there are for packets that leave. */
    public int countOutbound() throws SyscallException {
        if (netlink == null) {
            return 0;
        }
        List<Integer> counts = netlink.query(
                new Request(GETSPDINFO, 0).u32(0), HEADER_BYTES, IpsecPolicies::outbound, "count", "IPsec policies");
        return counts.isEmpty() ? 0 : counts.get(0);
    }

    private static @Nullable Integer outbound(Answer answer) {
        byte[] counts = answer.bytes(COUNTS);
        return counts == null ? null : Integer.valueOf(Answer.u32(counts, OUTBOUND_AT));
    }

    @Override
    public void close() {
        if (netlink != null) {
            netlink.close();
        }
    }
}
