package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The routes of one network namespace (rtnetlink(7), RTM_NEWROUTE and its kin). */
public final class Routes {
    private static final int NEWROUTE = 24;
    private static final int DELROUTE = 25;
    private static final int GETROUTE = 26;
    private static final int HEADER_BYTES = 12; // struct rtmsg
    private static final int DESTINATION = 1;
    private static final int SOURCE = 2;
    private static final int IN_LINK = 3;
    private static final int OUT_LINK = 4;
    private static final int GATEWAY = 5;
    private static final int PRIORITY = 6;
    private static final int PREFERRED_SOURCE = 7;
    private static final int METRICS = 8;
    private static final int METRIC_MTU = 2;
    private static final int METRIC_ADVERTISED_MSS = 8;
    private static final int TABLE = 15;
    private static final int IP_PROTOCOL = 27;
    private static final int SOURCE_PORT = 28;
    private static final int DESTINATION_PORT = 29;
    private static final int UDP = 17;
    private static final int ONLINK = 4;
    private static final int MULTIPATH = 9;
    private static final int NEXT_HOP_BYTES = 8; // struct rtnexthop
    private static final int NO_HOP = 0x1 | 0x10; // RTNH_F_DEAD, RTNH_F_LINKDOWN
    private static final int CLONED = 0x200;
    private static final int MATCHED =
            0x2000; // RTM_F_FIB_MATCH: the route of the table, not the one made for the packet
    private static final int BLACKHOLE_METRIC = 1 << 20;

    private final NetlinkSocket netlink;

    public Routes(NetlinkSocket netlink) {
        this.netlink = netlink;
    }

    /** Both families' main tables. */
    public List<Route> list() throws SyscallException {
        return list(Route.MAIN_TABLE);
    }

    public List<Route> list(int table) throws SyscallException {
        List<Route> routes = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            routes.addAll(netlink.query(dump(family), HEADER_BYTES, of(table), "list", "routes"));
        }
        return routes;
    }

    /** Adds a route, in the place of another one to the same destination. */
    public void replace(Route route) throws SyscallException {
        netlink.execute(
                request(NEWROUTE, Request.FLAG_CREATE | Request.FLAG_REPLACE, route),
                "replace route",
                route.toString());
    }

    /**
     * Adds a route that takes nothing from those to the same destination that are there: IPv4 keeps it behind them; IPv6, which would
     * share the traffic out between them, goes on with the first alone.
     *
     * @param priority metric; 0 for none
     * @param mtuBytes path MTU; 0 for the link's
     * @param advertisedMssBytes TCP segment size that is announced; 0 for the kernel's choice
     */
    public void addBehind(Route route, int priority, int mtuBytes, int advertisedMssBytes) throws SyscallException {
        int behind = route.destination().isIpv6() ? Request.FLAG_EXCL : Request.FLAG_APPEND;
        Request request = request(NEWROUTE, Request.FLAG_CREATE | behind, route);
        if (priority != 0) {
            request.attributeU32(PRIORITY, priority);
        }
        if (mtuBytes != 0 || advertisedMssBytes != 0) {
            request.nested(METRICS, () -> {
                if (mtuBytes != 0) {
                    request.attributeU32(METRIC_MTU, mtuBytes);
                }
                if (advertisedMssBytes != 0) {
                    request.attributeU32(METRIC_ADVERTISED_MSS, advertisedMssBytes);
                }
            });
        }
        try {
            netlink.execute(request, "add route", route.toString());
        } catch (SyscallException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
        }
    }

    public void delete(Route route) throws SyscallException {
        netlink.execute(request(DELROUTE, 0, route), "delete route", route.toString());
    }

    /** Deletes a route that may be gone, or lead another way by now. */
    public void deleteIfPresent(Route route) throws SyscallException {
        try {
            delete(route);
        } catch (SyscallException e) {
            if (e.errno() != Errno.ESRCH) {
                throw e;
            }
        }
    }

    /**
     * Keeps packets to a network from leaving by any less specific route. Routes of the kernel's own to the same network
     * go first. Takes the place of an earlier one of ours.
     */
    public void putBlackhole(Cidr destination) throws SyscallException {
        netlink.execute(
                request(NEWROUTE, Request.FLAG_CREATE | Request.FLAG_REPLACE, Route.blackhole(destination))
                        .attributeU32(PRIORITY, BLACKHOLE_METRIC),
                "add blackhole route",
                destination.toString());
    }

    /**
     * The main table's default routes of one family that packets can take, the kernel's choice first: by metric, and each
     * hop of a multipath route by itself. Unreachable, blackhole and prohibit routes are left out, and so are hops whose
     * link is down.
     */
    public List<Route> listDefaults(IpFamily family) throws SyscallException {
        List<Hops> defaults = netlink.query(
                dump(family),
                HEADER_BYTES,
                answer -> {
                    Route route = of(Route.MAIN_TABLE).read(answer);
                    return route == null || !route.isDefault() || !route.isUnicast() ? null : hops(answer, route);
                },
                "list",
                "default routes");
        return defaults.stream()
                .sorted(Comparator.comparingLong(Hops::metric))
                .flatMap(hops -> hops.routes().stream())
                .toList();
    }

    /** One route of the table, by the hops that it may take. */
    private record Hops(long metric, List<Route> routes) {}

    private static Hops hops(Answer answer, Route route) {
        List<Route> routes = new ArrayList<>();
        if (route.linkIndex() > 0 && (answer.u32(8) & NO_HOP) == 0) {
            routes.add(route);
        }
        for (Answer hop : answer.records(MULTIPATH, NEXT_HOP_BYTES)) {
            if ((hop.u8(2) & NO_HOP) == 0) {
                routes.add(new Route(
                        route.destination(),
                        hop.address(GATEWAY),
                        hop.u32(4),
                        route.source(),
                        route.scope(),
                        (hop.u8(2) & ONLINK) != 0,
                        route.table(),
                        route.protocol(),
                        route.type()));
            }
        }
        return new Hops(Integer.toUnsignedLong(answer.u32Attribute(PRIORITY, 0)), routes);
    }

    private static Request question(IpAddress to, int sourceBits, int flags) {
        return new Request(GETROUTE, 0)
                .u8(to.family().number())
                .u8(to.family().bits())
                .u8(sourceBits)
                .u8(0)
                .u8(0)
                .u8(0)
                .u8(0)
                .u8(0)
                .u32(flags)
                .attribute(DESTINATION, to);
    }

    private <T> T answer(Request request, Answer.Reader<T> reader, IpAddress to) throws SyscallException {
        List<T> found = netlink.query(request, HEADER_BYTES, reader, "find route to", to.toString());
        if (found.isEmpty()) {
            throw new SyscallException("find route to", to.toString(), Errno.ESRCH, "the kernel named none");
        }
        return found.get(0);
    }

    /** The way that the kernel would take to an address. */
    public Route lookup(IpAddress to) throws SyscallException {
        Request request = question(to, 0, 0);
        return answer(request, Routes::route, to);
    }

    /**
     * The way that the kernel would take with one packet, by all tables and rules.
     *
     * @param from its source address; null for the kernel's choice
     * @param arrivesBy index of the interface that it arrives by, so that the checks of forwarded packets count as well (source,
     *     rp_filter, forwarding); 0 for a packet of this host itself
     * @return the route in force, of whatever table and type, with its own destination
     * @throws SyscallException as the kernel would treat the packet: EXDEV where the way back leads elsewhere (rp_filter),
     *     EHOSTUNREACH where it does not forward, EINVAL for a source that cannot be, ENETUNREACH without a route
     */
    public Route resolve(IpAddress to, @Nullable IpAddress from, int arrivesBy) throws SyscallException {
        Request request = question(to, from == null ? 0 : from.family().bits(), MATCHED);
        if (from != null) {
            request.attribute(SOURCE, from);
        }
        if (arrivesBy > 0) {
            request.attributeU32(IN_LINK, arrivesBy);
        }
        return answer(request, Routes::firstHop, to);
    }

    /**
     * The hop that the kernel would send a UDP datagram of this host to, by all tables and rules; of several hops the one that
     * this flow is given.
     *
     * @throws SyscallException as the kernel would refuse the datagram
     */
    public UdpRoute resolveUdp(IpAddress from, int sourcePort, IpAddress to, int destinationPort)
            throws SyscallException {
        Request request = question(to, from.family().bits(), 0)
                .attribute(SOURCE, from)
                .attributeU8(IP_PROTOCOL, UDP)
                .attributePort(SOURCE_PORT, sourcePort)
                .attributePort(DESTINATION_PORT, destinationPort);
        return answer(request, Routes::udpRoute, to);
    }

    private static UdpRoute udpRoute(Answer answer) {
        return new UdpRoute(route(answer), answer.nested(METRICS).u32Attribute(METRIC_MTU, 0));
    }

    /** Of a route with several hops the first. */
    private static Route firstHop(Answer answer) {
        Route route = route(answer);
        List<Route> hops = hops(answer, route).routes();
        return route.linkIndex() > 0 || hops.isEmpty() ? route : hops.get(0);
    }

    /** Every route of one family; which table a route is of, its answer says. */
    private static Request dump(IpFamily family) {
        return new Request(GETROUTE, Request.FLAG_DUMP)
                .u8(family.number())
                .u8(0)
                .u8(0)
                .u8(0)
                .u8(0)
                .u8(0)
                .u8(0)
                .u8(0)
                .u32(0);
    }

    private static Request request(int type, int flags, Route route) {
        Cidr destination = route.destination().network();
        Request request = new Request(type, flags)
                .u8(destination.family().number())
                .u8(destination.length())
                .u8(0)
                .u8(0)
                .u8(route.table() < 256 ? route.table() : 0)
                .u8(route.protocol())
                .u8(route.scope())
                .u8(route.type())
                .u32(route.onLink() ? ONLINK : 0);
        if (destination.length() > 0) {
            request.attribute(DESTINATION, destination.address());
        }
        if (route.linkIndex() > 0) {
            request.attributeU32(OUT_LINK, route.linkIndex());
        }
        IpAddress gateway = route.gateway();
        if (gateway != null) {
            request.attribute(GATEWAY, gateway);
        }
        IpAddress source = route.source();
        if (source != null) {
            request.attribute(PREFERRED_SOURCE, source);
        }
        return request.attributeU32(TABLE, route.table());
    }

    static Answer.Reader<Route> of(int table) {
        return answer -> table(answer) == table && (answer.u32(8) & CLONED) == 0 ? route(answer) : null;
    }

    private static int table(Answer answer) {
        return answer.u32Attribute(TABLE, answer.u8(4));
    }

    static Route route(Answer answer) {
        IpFamily family = answer.u8(0) == IpFamily.IPV4.number() ? IpFamily.IPV4 : IpFamily.IPV6;
        IpAddress to = answer.address(DESTINATION);
        return new Route(
                to == null ? family.everything() : new Cidr(to, answer.u8(1)),
                answer.address(GATEWAY),
                answer.u32Attribute(OUT_LINK, 0),
                answer.address(PREFERRED_SOURCE),
                answer.u8(6),
                (answer.u32(8) & ONLINK) != 0,
                table(answer),
                answer.u8(5),
                answer.u8(7));
    }
}
