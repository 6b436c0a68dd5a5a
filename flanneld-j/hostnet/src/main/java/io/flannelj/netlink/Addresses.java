package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The addresses of the links of one network namespace (rtnetlink(7), RTM_NEWADDR and its kin). */
public final class Addresses {
    private static final int NEWADDR = 20;
    private static final int DELADDR = 21;
    private static final int GETADDR = 22;
    private static final int HEADER_BYTES = 8; // struct ifaddrmsg
    private static final int ADDRESS = 1;
    private static final int LOCAL = 2;
    private static final int BROADCAST = 4;
    private static final int FLAGS = 8;
    private static final int NO_DETECTION = 0x02; // IFA_F_NODAD

    private final NetlinkSocket netlink;

    public Addresses(NetlinkSocket netlink) {
        this.netlink = netlink;
    }

    /** All addresses of all links. */
    public List<Address> list() throws SyscallException {
        Request request =
                new Request(GETADDR, Request.FLAG_DUMP).u8(0).u8(0).u8(0).u8(0).u32(0);
        return netlink.query(request, HEADER_BYTES, Addresses::address, "list", "addresses");
    }

    public List<Address> list(int linkIndex) throws SyscallException {
        return list().stream()
                .filter(address -> address.linkIndex() == linkIndex)
                .toList();
    }

    /** Adds an address; with a broadcast address where an IPv4 prefix has one. */
    public void add(int linkIndex, Cidr cidr) throws SyscallException {
        Request request = header(NEWADDR, Request.FLAG_CREATE | Request.FLAG_EXCL, linkIndex, cidr);
        if (cidr.isIpv4() && cidr.length() < 31) {
            request.attribute(BROADCAST, cidr.lastAddress());
        }
        netlink.execute(request, "add address", cidr + " to link " + linkIndex);
    }

    /** Adds an IPv6 address that is used at once, without looking for a duplicate; an IPv4 address as {@link #add}. */
    public void addWithoutDetection(int linkIndex, Cidr cidr) throws SyscallException {
        if (cidr.isIpv4()) {
            add(linkIndex, cidr);
            return;
        }
        Request request = header(NEWADDR, Request.FLAG_CREATE | Request.FLAG_EXCL, linkIndex, cidr)
                .attributeU32(FLAGS, NO_DETECTION);
        netlink.execute(request, "add address", cidr + " to link " + linkIndex);
    }

    /** Adds an address unless it is there. */
    public void addIfAbsent(int linkIndex, Cidr cidr) throws SyscallException {
        try {
            add(linkIndex, cidr);
        } catch (SyscallException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
        }
    }

    public void delete(int linkIndex, Cidr cidr) throws SyscallException {
        netlink.execute(header(DELADDR, 0, linkIndex, cidr), "delete address", cidr + " of link " + linkIndex);
    }

    private static Request header(int type, int flags, int linkIndex, Cidr cidr) {
        int family = cidr.family().number();
        return new Request(type, flags)
                .u8(family)
                .u8(cidr.length())
                .u8(0)
                .u8(0)
                .u32(linkIndex)
                .attribute(LOCAL, cidr.address())
                .attribute(ADDRESS, cidr.address());
    }

    static @Nullable Address address(Answer answer) {
        IpAddress local = answer.address(LOCAL);
        IpAddress address = local != null ? local : answer.address(ADDRESS);
        return address == null
                ? null
                : new Address(
                        answer.u32(4),
                        new Cidr(address, answer.u8(1)),
                        answer.u8(3),
                        answer.u32Attribute(FLAGS, answer.u8(2)));
    }
}
