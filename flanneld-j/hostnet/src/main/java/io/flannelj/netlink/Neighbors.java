package io.flannelj.netlink;

import io.flannelj.linux.SyscallException;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.util.List;

/** The IP neighbours of one network namespace (rtnetlink(7), RTM_NEWNEIGH and its kin). */
public final class Neighbors {
    static final int NEWNEIGH = 28;
    static final int DELNEIGH = 29;
    static final int GETNEIGH = 30;
    static final int HEADER_BYTES = 12; // struct ndmsg
    static final int ADDRESS = 1;
    static final int MAC = 2;
    static final int PERMANENT = 0x80;

    private static final int USE = 1; // NTF_USE

    private final NetlinkSocket netlink;

    public Neighbors(NetlinkSocket netlink) {
        this.netlink = netlink;
    }

    public List<Neighbor> list(int linkIndex) throws SyscallException {
        Request request = new Request(GETNEIGH, Request.FLAG_DUMP)
                .u8(0)
                .u8(0)
                .u16(0)
                .u32(0)
                .u16(0)
                .u8(0)
                .u8(0);
        return netlink.query(request, HEADER_BYTES, of(linkIndex), "list", "neighbours");
    }

    /** Sets a permanent entry, whatever was there. */
    public void replace(int linkIndex, IpAddress address, MacAddress mac) throws SyscallException {
        Request request = header(
                        NEWNEIGH,
                        Request.FLAG_CREATE | Request.FLAG_REPLACE,
                        address.family().number(),
                        linkIndex,
                        0)
                .attribute(ADDRESS, address)
                .attribute(MAC, mac.toBytes());
        netlink.execute(request, "set neighbour", address + " at " + mac + " on link " + linkIndex);
    }

    public void delete(int linkIndex, IpAddress address) throws SyscallException {
        netlink.execute(
                header(DELNEIGH, 0, address.family().number(), linkIndex, 0).attribute(ADDRESS, address),
                "delete neighbour",
                address + " on link " + linkIndex);
    }

    /**
     * Says that an entry is in use, as a packet that is sent to it does: one that has not been heard of for a while is asked
     * again whether it is there.
     *
     * @throws SyscallException ENOENT where there is no such entry
     */
    public void use(int linkIndex, IpAddress address) throws SyscallException {
        netlink.execute(
                header(NEWNEIGH, 0, address.family().number(), linkIndex, USE).attribute(ADDRESS, address),
                "use neighbour",
                address + " on link " + linkIndex);
    }

    static Request header(int type, int flags, int family, int linkIndex, int entryFlags) {
        return new Request(type, flags)
                .u8(family)
                .u8(0)
                .u16(0)
                .u32(linkIndex)
                .u16(PERMANENT)
                .u8(entryFlags)
                .u8(0);
    }

    /** The entries of one link, out of a dump of all. */
    static Answer.Reader<Neighbor> of(int linkIndex) {
        return answer -> answer.u32(4) == linkIndex ? neighbor(answer) : null;
    }

    private static Neighbor neighbor(Answer answer) {
        byte[] mac = answer.bytes(MAC);
        return new Neighbor(
                answer.u32(4),
                answer.address(ADDRESS),
                mac != null && mac.length == 6 ? MacAddress.ofBytes(mac) : null,
                answer.u16(8));
    }
}
