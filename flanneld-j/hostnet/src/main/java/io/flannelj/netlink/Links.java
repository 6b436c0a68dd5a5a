package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The links of one network namespace (rtnetlink(7), RTM_NEWLINK and its kin). */
public final class Links {
    private static final int NEWLINK = 16;
    private static final int DELLINK = 17;
    private static final int GETLINK = 18;
    private static final int SETLINK = 19;
    private static final int HEADER_BYTES = 16; // struct ifinfomsg
    static final int ADDRESS = 1;
    private static final int NAME = 3;
    static final int MTU = 4;
    private static final int LINK = 5;
    private static final int MASTER = 10;
    private static final int PROTINFO = 12;
    private static final int OPERSTATE = 16;
    private static final int LINKINFO = 18;
    private static final int ALIAS = 20;
    private static final int AF_SPEC = 26;
    private static final int NET_NS_FD = 28;
    private static final int ALTERNATIVE_NAME = 53;
    private static final int NAME_MAX_BYTES = 15;
    private static final int ALTERNATIVE_NAME_MAX_BYTES = 127;
    private static final int INFO_KIND = 1;
    private static final int INFO_DATA = 2;
    private static final int INFO_PORT_DATA = 5;
    private static final int PORT_STATE = 1;
    private static final int PORT_STATE_UNKNOWN = -1;
    private static final int VETH_PEER = 1;
    private static final int BRIDGE_VLAN_FILTERING = 7;
    private static final int BRIDGE_PORT_HAIRPIN = 4;
    private static final int BRIDGE_PORT_ISOLATED = 33;
    private static final int BRIDGE_VLAN_INFO = 2;
    private static final int VLAN_PVID = 0x2;
    private static final int VLAN_UNTAGGED = 0x4;
    private static final int TUN_QUEUES = 8;
    private static final int TUN_DISABLED_QUEUES = 9;
    private static final int IPV4_CONF = 1;
    private static final int IPV4_ARP_NOTIFY = 22;
    private static final int UP = 0x1;
    private static final int PROMISCUOUS = 0x100;

    private static final long POLL_NANOS = 100_000;

    private final NetlinkSocket netlink;

    public Links(NetlinkSocket netlink) {
        this.netlink = netlink;
    }

    public List<Link> list() throws SyscallException {
        return list(Links::link);
    }

    private <T> List<T> list(Answer.Reader<T> reader) throws SyscallException {
        return netlink.query(header(GETLINK, Request.FLAG_DUMP, 0, 0, 0), HEADER_BYTES, reader, "list", "links");
    }

    /** The link of that name, or of that alternative name (ip-link(8), altname), which may be as long as 127 bytes. */
    public Optional<Link> find(String name) throws SyscallException {
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        return bytes == 0 || bytes > ALTERNATIVE_NAME_MAX_BYTES
                ? Optional.empty()
                : get(
                        header(GETLINK, 0, 0, 0, 0).attribute(bytes > NAME_MAX_BYTES ? ALTERNATIVE_NAME : NAME, name),
                        name);
    }

    public Optional<Link> find(int index) throws SyscallException {
        return get(header(GETLINK, 0, index, 0, 0), "link " + index);
    }

    /** The link of that name, or the error that there is none. */
    public Link require(String name) throws SyscallException {
        return find(name).orElseThrow(() -> new SyscallException("find link", name, Errno.ENODEV));
    }

    /**
     * Waits until packets pass a link. The kernel drops them until a worker of its own has seen that the link is set up, which
     * takes microseconds, or a second on a busy machine.
     *
     * @return whether they do; false after the time, and when the link is gone
     */
    public boolean awaitOperational(int index, Duration atMost) throws SyscallException {
        long end = System.nanoTime() + atMost.toNanos();
        while (true) {
            Optional<Link> link = find(index);
            if (link.isEmpty() || link.get().isOperational()) {
                return link.isPresent();
            }
            if (System.nanoTime() - end > 0) {
                return false;
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /**
     * Makes a bridge.
     *
     * @return its index
     */
    public int addBridge(String name, int mtuBytes) throws SyscallException {
        Request request = create(name);
        request.attributeU32(MTU, mtuBytes).nested(LINKINFO, () -> request.attribute(INFO_KIND, "bridge"));
        netlink.execute(request, "add bridge", name);
        return require(name).index();
    }

    /** Makes a bridge tell VLANs apart, or stop it. */
    public void setVlanFiltering(int bridgeIndex, boolean filtering) throws SyscallException {
        change(
                bridgeIndex,
                "set VLAN filtering of",
                request ->
                        ofKind(request, "bridge", () -> request.attributeU8(BRIDGE_VLAN_FILTERING, filtering ? 1 : 0)));
    }

    /** Gives a bridge port one VLAN, untagged, which also takes what comes in without a tag. */
    public void addPortVlan(int index, int vlan) throws SyscallException {
        portVlan(SETLINK, index, vlan, VLAN_PVID | VLAN_UNTAGGED, "add VLAN " + vlan + " to");
    }

    /** Takes a VLAN away from a bridge port. */
    public void deletePortVlan(int index, int vlan) throws SyscallException {
        portVlan(DELLINK, index, vlan, 0, "take VLAN " + vlan + " from");
    }

    private void portVlan(int type, int index, int vlan, int flags, String operation) throws SyscallException {
        Request request = bridged(type, index);
        request.nested(AF_SPEC, () -> request.attributeU32(BRIDGE_VLAN_INFO, vlanInfo(vlan, flags)));
        netlink.execute(request, operation, "link " + index);
    }

    /** {@code struct bridge_vlan_info}: two 16-bit numbers, flags first, in the machine's order. */
    private static int vlanInfo(int vlan, int flags) {
        return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? vlan << 16 | flags : flags << 16 | vlan;
    }

    /**
     * Makes a veth pair whose other end is born inside another namespace.
     *
     * @param peerNetnsFd the namespace
     * @param peerMac address of the other end; null lets the kernel choose
     */
    public void addVeth(String name, String peerName, int peerNetnsFd, int mtuBytes, @Nullable MacAddress peerMac)
            throws SyscallException {
        Request request = create(name);
        ofKind(
                request.attributeU32(MTU, mtuBytes),
                "veth",
                () -> request.nested(VETH_PEER, () -> {
                    request.u8(0).u8(0).u16(0).u32(0).u32(0).u32(0);
                    request.attribute(NAME, peerName).attributeU32(MTU, mtuBytes);
                    if (peerMac != null) {
                        request.attribute(ADDRESS, peerMac.toBytes());
                    }
                    request.attributeU32(NET_NS_FD, peerNetnsFd);
                }));
        netlink.execute(request, "add veth pair", name + " and " + peerName);
    }

    /** How many queues of a TUN or TAP device are open, in whatever process; 0 of other links, and where the kernel does not tell. */
    public int tunQueues(int index) throws SyscallException {
        Answer.Reader<Integer> reader = answer -> {
            Answer data = options(answer);
            return data.u32Attribute(TUN_QUEUES, 0) + data.u32Attribute(TUN_DISABLED_QUEUES, 0);
        };
        return get(header(GETLINK, 0, index, 0, 0), reader, "link " + index).orElse(0);
    }

    public void setUp(int index) throws SyscallException {
        netlink.execute(header(NEWLINK, 0, index, UP, UP), "set up", "link " + index);
    }

    public void setMtu(int index, int mtuBytes) throws SyscallException {
        change(index, "set MTU " + mtuBytes + " of", request -> request.attributeU32(MTU, mtuBytes));
    }

    public void setMac(int index, MacAddress mac) throws SyscallException {
        change(index, "set MAC address " + mac + " of", request -> request.attribute(ADDRESS, mac.toBytes()));
    }

    /** Whether the link tells its neighbours of its IPv4 addresses when it comes up (sysctl {@code arp_notify}). */
    public void setArpNotify(int index, boolean notify) throws SyscallException {
        change(
                index,
                "set arp_notify of",
                request -> request.nested(
                        AF_SPEC,
                        () -> request.nested(
                                IpFamily.IPV4.number(),
                                () -> request.nested(
                                        IPV4_CONF, () -> request.attributeU32(IPV4_ARP_NOTIFY, notify ? 1 : 0)))));
    }

    /** Makes the link a port of a bridge; 0 releases it. */
    public void setMaster(int index, int bridgeIndex) throws SyscallException {
        change(index, "make port of link " + bridgeIndex + " of", request -> request.attributeU32(MASTER, bridgeIndex));
    }

    /**
     * Makes a link a port of a bridge that is up and carries a note, in one request.
     *
     * @param alias as {@link #setAlias}
     */
    public void setPort(int index, int bridgeIndex, String alias) throws SyscallException {
        Request request = header(NEWLINK, 0, index, UP, UP)
                .attribute(ALIAS, alias.getBytes(StandardCharsets.UTF_8))
                .attributeU32(MASTER, bridgeIndex);
        netlink.execute(request, "make port of link " + bridgeIndex + " of", "link " + index);
    }

    /** Whether it takes frames for other addresses than its own, too. */
    public void setPromiscuous(int index, boolean promiscuous) throws SyscallException {
        netlink.execute(
                header(NEWLINK, 0, index, promiscuous ? PROMISCUOUS : 0, PROMISCUOUS),
                "set promiscuous mode of",
                "link " + index);
    }

    /** Gives the link a note of what it is for, at most 255 bytes, which {@link #withAlias} finds. */
    public void setAlias(int index, String alias) throws SyscallException {
        change(index, "set alias of", request -> request.attribute(ALIAS, alias.getBytes(StandardCharsets.UTF_8)));
    }

    /** Links whose note begins so, by their notes. */
    public Map<String, Link> withAlias(String prefix) throws SyscallException {
        Answer.Reader<Map.Entry<String, Link>> reader = answer -> {
            String alias = answer.text(ALIAS);
            return alias.isEmpty() || !alias.startsWith(prefix) ? null : Map.entry(alias, link(answer));
        };
        Map<String, Link> found = new TreeMap<>();
        list(reader).forEach(entry -> found.put(entry.getKey(), entry.getValue()));
        return found;
    }

    /** The notes of those links that have one, by index. */
    public Map<Integer, String> aliases() throws SyscallException {
        Answer.Reader<Map.Entry<Integer, String>> reader = answer -> {
            String alias = answer.text(ALIAS);
            return alias.isEmpty() ? null : Map.entry(link(answer).index(), alias);
        };
        return list(reader).stream().collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    /** Whether an isolated port's frames reach only ports that are not isolated. */
    public void setBridgePortIsolated(int index, boolean isolated) throws SyscallException {
        bridgePort(index, BRIDGE_PORT_ISOLATED, isolated, "set isolation of");
    }

    /** Whether frames may leave by the bridge port that they came in by. */
    public void setBridgePortHairpin(int index, boolean hairpin) throws SyscallException {
        bridgePort(index, BRIDGE_PORT_HAIRPIN, hairpin, "set hairpin mode of");
    }

    private void bridgePort(int index, int property, boolean value, String operation) throws SyscallException {
        Request request = bridged(SETLINK, index);
        request.nested(PROTINFO, () -> request.attributeU8(property, value ? 1 : 0));
        netlink.execute(request, operation, "link " + index);
    }

    /** The state of a bridge's port (IFLA_BRPORT_STATE): 3 forwards, others do not; -1 of what is no port. */
    public int bridgePortState(int index) throws SyscallException {
        Answer.Reader<Integer> reader =
                answer -> answer.nested(LINKINFO).nested(INFO_PORT_DATA).u8Attribute(PORT_STATE, PORT_STATE_UNKNOWN);
        return get(header(GETLINK, 0, index, 0, 0), reader, "link " + index).orElse(PORT_STATE_UNKNOWN);
    }

    public void delete(int index) throws SyscallException {
        netlink.execute(header(DELLINK, 0, index, 0, 0), "delete", "link " + index);
    }

    private interface Change {
        Request on(Request request);
    }

    private void change(int index, String operation, Change change) throws SyscallException {
        netlink.execute(change.on(header(NEWLINK, 0, index, 0, 0)), operation, "link " + index);
    }

    /** Asks for a link of that kind, with the options that {@code options} adds. */
    static Request ofKind(Request request, String kind, Runnable options) {
        return request.nested(LINKINFO, () -> request.attribute(INFO_KIND, kind).nested(INFO_DATA, options));
    }

    /** What is particular to the link's kind. */
    static Answer options(Answer answer) {
        return answer.nested(LINKINFO).nested(INFO_DATA);
    }

    private Optional<Link> get(Request request, String subject) throws SyscallException {
        return get(request, Links::link, subject);
    }

    <T> Optional<T> get(Request request, Answer.Reader<T> reader, String subject) throws SyscallException {
        try {
            return netlink.query(request, HEADER_BYTES, reader, "find link", subject).stream()
                    .findFirst();
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENODEV) {
                return Optional.empty();
            }
            throw e;
        }
    }

    static Request create(String name) {
        return header(NEWLINK, Request.FLAG_CREATE | Request.FLAG_EXCL, 0, 0, 0).attribute(NAME, name);
    }

    static Request byName(String name) {
        return header(GETLINK, 0, 0, 0, 0).attribute(NAME, name);
    }

    private static Request bridged(int type, int index) {
        return new Request(type, 0)
                .u8(Request.AF_BRIDGE)
                .u8(0)
                .u16(0)
                .u32(index)
                .u32(0)
                .u32(0);
    }

    private static Request header(int type, int flags, int index, int value, int mask) {
        return new Request(type, flags).u8(0).u8(0).u16(0).u32(index).u32(value).u32(mask);
    }

    static Link link(Answer answer) {
        byte[] mac = answer.bytes(ADDRESS);
        return new Link(
                answer.u32(4),
                answer.text(NAME),
                answer.nested(LINKINFO).text(INFO_KIND),
                answer.u32Attribute(MTU, 0),
                mac != null && mac.length == 6 ? MacAddress.ofBytes(mac) : null,
                answer.u32(8),
                answer.u32Attribute(MASTER, 0),
                answer.u32Attribute(LINK, 0),
                answer.u8Attribute(OPERSTATE, 0));
    }
}
