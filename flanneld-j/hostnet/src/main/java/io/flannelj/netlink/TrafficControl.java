package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What becomes of packets that a link receives (tc(8), rtnetlink(7)): here, that all of them leave by another link. */
public final class TrafficControl {
    private static final int NEWQDISC = 36;
    private static final int DELQDISC = 37;
    private static final int NEWFILTER = 44;
    private static final int GETFILTER = 46;
    private static final int HEADER_BYTES = 20; // struct tcmsg
    private static final int KIND = 1;
    private static final int OPTIONS = 2;
    private static final int CLSACT = 0xffff_fff1;
    private static final int CLSACT_HANDLE = 0xffff_0000;
    private static final int INGRESS = 0xffff_fff2; // TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
    private static final int FIRST_OF_ALL_PROTOCOLS = 1 << 16 | 0x0300; // priority 1; ETH_P_ALL in network order
    private static final int U32_SELECTOR = 5;
    private static final int U32_ACTIONS = 7;
    private static final byte U32_TERMINAL = 1;
    private static final int SELECTOR_BYTES = 16 + 16; // struct tc_u32_sel with one key, whose mask is 0
    private static final int ACTION_KIND = 1;
    private static final int ACTION_OPTIONS = 2;
    private static final int MIRRED_PARAMETERS = 2;
    private static final int STOLEN = 4;
    private static final int EGRESS_REDIRECT = 1;
    private static final int MIRRED_TARGET_AT = 24; // ifindex in struct tc_mirred

    private final NetlinkSocket netlink;

    public TrafficControl(NetlinkSocket netlink) {
        this.netlink = netlink;
    }

    /**
     * Has every packet that a link receives sent out by another one, before anything of this host sees it: packet filters,
     * connection tracking, routing. What was there of this kind is replaced.
     *
     * @throws SyscallException EOPNOTSUPP or ENOENT where this kernel has no clsact, u32 or mirred
     */
    public void redirect(int fromLink, int toLink) throws SyscallException {
        String subject = "packets of link " + fromLink + " to link " + toLink;
        try {
            netlink.execute(header(DELQDISC, 0, fromLink, CLSACT_HANDLE, CLSACT, 0), "end the redirection of", subject);
        } catch (SyscallException e) {
            if (e.errno() != Errno.ENOENT && e.errno() != Errno.EINVAL) { // EINVAL: there is none of any kind
                throw e;
            }
        }
        netlink.execute(
                header(NEWQDISC, Request.FLAG_CREATE | Request.FLAG_EXCL, fromLink, CLSACT_HANDLE, CLSACT, 0)
                        .attribute(KIND, "clsact"),
                "add clsact for",
                subject);
        byte[] selector = new byte[SELECTOR_BYTES];
        selector[0] = U32_TERMINAL;
        selector[2] = 1;
        Request filter = header(
                        NEWFILTER,
                        Request.FLAG_CREATE | Request.FLAG_EXCL,
                        fromLink,
                        0,
                        INGRESS,
                        FIRST_OF_ALL_PROTOCOLS)
                .attribute(KIND, "u32");
        filter.nested(
                OPTIONS,
                () -> filter.attribute(U32_SELECTOR, selector)
                        .nested(
                                U32_ACTIONS,
                                () -> filter.nested(
                                        1,
                                        () -> filter.attribute(ACTION_KIND, "mirred")
                                                .nested(
                                                        ACTION_OPTIONS,
                                                        () -> filter.attributeU32s(
                                                                MIRRED_PARAMETERS,
                                                                0,
                                                                0,
                                                                STOLEN,
                                                                0,
                                                                0,
                                                                EGRESS_REDIRECT,
                                                                toLink)))));
        netlink.execute(filter, "redirect", subject);
    }

    /**
     * Where a link's packets are redirected to.
     *
     * @return index of the link; 0 when they are not redirected, or are by another program's filters
     */
    public int redirectedTo(int fromLink) throws SyscallException {
        List<Integer> targets = netlink.query(
                header(GETFILTER, Request.FLAG_DUMP, fromLink, 0, INGRESS, 0),
                HEADER_BYTES,
                TrafficControl::target,
                "list filters of",
                "link " + fromLink);
        return targets.size() == 1 ? targets.get(0) : 0;
    }

    /** Of each filter with an action the link it redirects to, 0 for another action; u32's own tables are passed over. */
    private static @Nullable Integer target(Answer answer) {
        Answer action = answer.nested(OPTIONS).nested(U32_ACTIONS).nested(1);
        if (action.text(ACTION_KIND).isEmpty()) {
            return null;
        }
        byte[] parameters = action.nested(ACTION_OPTIONS).bytes(MIRRED_PARAMETERS);
        return parameters == null || !Objects.equals(action.text(ACTION_KIND), "mirred")
                ? Integer.valueOf(0)
                : Integer.valueOf(Answer.u32(parameters, MIRRED_TARGET_AT));
    }

    /** struct tcmsg. */
    private static Request header(int type, int flags, int link, int handle, int parent, int info) {
        return new Request(type, flags)
                .u8(0)
                .u8(0)
                .u16(0)
                .u32(link)
                .u32(handle)
                .u32(parent)
                .u32(info);
    }
}
