package io.flannelj.netlink;

import io.flannelj.linux.SyscallException;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.util.List;

/** Forwarding database of VXLAN devices: which VTEP is behind which underlay address (bridge(8), fdb). */
public final class Fdb {
    private static final int SELF = 0x02;
    private static final int DESTINATION = 1;

    private final NetlinkSocket netlink;

    public Fdb(NetlinkSocket netlink) {
        this.netlink = netlink;
    }

    /** Entries of one device; the address is the VTEP's underlay address. */
    public List<Neighbor> list(int linkIndex) throws SyscallException {
        Request request = new Request(Neighbors.GETNEIGH, Request.FLAG_DUMP)
                .u8(Request.AF_BRIDGE)
                .u8(0)
                .u16(0)
                .u32(0)
                .u16(0)
                .u8(0)
                .u8(0);
        return netlink.query(request, Neighbors.HEADER_BYTES, Neighbors.of(linkIndex), "list", "FDB");
    }

    /** Sets a permanent entry, whatever was there. */
    public void replace(int linkIndex, MacAddress mac, IpAddress underlay) throws SyscallException {
        Request request = Neighbors.header(
                        Neighbors.NEWNEIGH,
                        Request.FLAG_CREATE | Request.FLAG_REPLACE,
                        Request.AF_BRIDGE,
                        linkIndex,
                        SELF)
                .attribute(DESTINATION, underlay)
                .attribute(Neighbors.MAC, mac.toBytes());
        netlink.execute(request, "set FDB entry", mac + " to " + underlay + " on link " + linkIndex);
    }

    public void delete(int linkIndex, MacAddress mac, IpAddress underlay) throws SyscallException {
        Request request = Neighbors.header(Neighbors.DELNEIGH, 0, Request.AF_BRIDGE, linkIndex, SELF)
                .attribute(DESTINATION, underlay)
                .attribute(Neighbors.MAC, mac.toBytes());
        netlink.execute(request, "delete FDB entry", mac + " to " + underlay + " on link " + linkIndex);
    }
}
