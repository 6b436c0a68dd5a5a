package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The kernel's tunnel devices, of VXLAN and of IP in IP (include/uapi/linux/if_link.h, if_tunnel.h). */
public final class TunnelDevices {
    private static final String VXLAN = "vxlan";
    private static final int VXLAN_ID = 1;
    private static final int VXLAN_GROUP = 2;
    private static final int VXLAN_LINK = 3;
    private static final int VXLAN_LOCAL = 4;
    private static final int VXLAN_LEARNING = 7;
    private static final int VXLAN_L2MISS = 13;
    private static final int VXLAN_PORT = 15;
    private static final int VXLAN_GROUP6 = 16;
    private static final int VXLAN_LOCAL6 = 17;
    private static final int VXLAN_GBP = 23;
    private static final String IPIP = "ipip";
    private static final int IPTUN_LOCAL = 2;
    private static final int IPTUN_PMTUDISC = 10;
    private static final int IPTUN_REMOTE = 3;
    private static final int IPTUN_PROTO = 9;

    private final NetlinkSocket netlink;
    private final Links links;

    public TunnelDevices(NetlinkSocket netlink) {
        this.netlink = netlink;
        this.links = new Links(netlink);
    }

    /** Whether this kernel has VXLAN; nothing is made. */
    public boolean hasVxlan() throws SyscallException {
        return knows(VXLAN, request -> request.attributeU32(VXLAN_ID, 1 << 24), Errno.ERANGE);
    }

    /** Whether this kernel has IP in IP tunnels; nothing is made. */
    public boolean hasIpip() throws SyscallException {
        return knows(IPIP, request -> request.attributeU8(IPTUN_PROTO, 255), Errno.EINVAL);
    }

    /**
     * The kernel looks for the kind first, then at the options (net/core/rtnetlink.c, rtnl_newlink), so that one option out of
     * its range tells whether the kind is there.
     */
    private boolean knows(String kind, Consumer<Request> impossible, int refusal) throws SyscallException {
        String probe = "flj-probe." + kind;
        Request request = Links.create(probe);
        try {
            netlink.execute(
                    Links.ofKind(request, kind, () -> impossible.accept(request)), "ask for the kind of device", kind);
        } catch (SyscallException e) {
            if (e.errno() == refusal || e.errno() == Errno.EOPNOTSUPP) {
                return e.errno() == refusal;
            }
            throw e;
        }
        links.delete(links.require(probe).index()); // a kernel that does not look at this option
        return true;
    }

    /**
     * Makes a kernel VXLAN device.
     *
     * @return its index
     */
    public int addVxlan(VxlanLink vxlan) throws SyscallException {
        Request request = Links.create(vxlan.name()).attributeU32(Links.MTU, vxlan.mtuBytes());
        MacAddress mac = vxlan.mac();
        if (mac != null) {
            request.attribute(Links.ADDRESS, mac.toBytes());
        }
        Links.ofKind(request, VXLAN, () -> {
            request.attributeU32(VXLAN_ID, vxlan.vni()).attributeU32(VXLAN_LINK, vxlan.lowerIndex());
            IpAddress local = vxlan.local();
            if (local != null) {
                request.attribute(local.isIpv4() ? VXLAN_LOCAL : VXLAN_LOCAL6, local);
            }
            request.attributeU8(VXLAN_LEARNING, vxlan.learning() ? 1 : 0).attributePort(VXLAN_PORT, vxlan.port());
            if (vxlan.gbp()) {
                request.attribute(VXLAN_GBP, new byte[0]);
            }
        });
        netlink.execute(request, "add VXLAN device", vxlan.name());
        return links.require(vxlan.name()).index();
    }

    /** The kernel VXLAN device of that name; empty when there is none, or a link of another kind. */
    public Optional<VxlanLink> findVxlan(String name) throws SyscallException {
        return links.get(Links.byName(name), TunnelDevices::vxlan, name);
    }

    static @Nullable VxlanLink vxlan(Answer answer) {
        Link link = Links.link(answer);
        if (!link.kind().equals(VXLAN)) {
            return null;
        }
        Answer data = Links.options(answer);
        byte[] port = data.bytes(VXLAN_PORT);
        IpAddress local = data.address(VXLAN_LOCAL);
        return new VxlanLink(
                link.name(),
                data.u32Attribute(VXLAN_ID, 0),
                data.u32Attribute(VXLAN_LINK, 0),
                local != null ? local : data.address(VXLAN_LOCAL6),
                port == null || port.length != 2 ? 0 : (port[0] & 0xff) << 8 | port[1] & 0xff,
                link.mtuBytes(),
                link.mac(),
                data.u8Attribute(VXLAN_LEARNING, 0) != 0,
                data.bytes(VXLAN_GBP) != null,
                data.bytes(VXLAN_GROUP) != null
                        || data.bytes(VXLAN_GROUP6) != null
                        || data.u8Attribute(VXLAN_L2MISS, 0) != 0);
    }

    /**
     * Makes a kernel IP in IP device for IPv4 that sends to wherever a route says, and forbids fragments only where the packet
     * inside does.
     *
     * @param local where it sends from; packets to other addresses are not for it
     * @return its index
     */
    public int addIpip(String name, IpAddress local, int mtuBytes) throws SyscallException {
        Request request = Links.create(name).attributeU32(Links.MTU, mtuBytes);
        Links.ofKind(request, IPIP, () -> request.attribute(IPTUN_LOCAL, local).attributeU8(IPTUN_PMTUDISC, 0));
        netlink.execute(request, "add IP in IP device", name);
        return links.require(name).index();
    }

    /** Whether a device is one of {@link #addIpip} from that address, to wherever a route says. */
    public boolean isIpip(String name, IpAddress local) throws SyscallException {
        Answer.Reader<Boolean> reader = answer -> {
            Answer data = Links.options(answer);
            IpAddress remote = data.address(IPTUN_REMOTE);
            return Links.link(answer).kind().equals(IPIP)
                    && Objects.equals(local, data.address(IPTUN_LOCAL))
                    && (remote == null || remote.equals(IpAddress.ANY_V4));
        };
        return links.get(Links.byName(name), reader, name).orElse(false);
    }
}
