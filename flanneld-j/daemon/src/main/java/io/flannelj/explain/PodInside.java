package io.flannelj.explain;

import io.flannelj.cni.engine.KnownPod;
import io.flannelj.explain.SocketTable.Listener;
import io.flannelj.explain.filter.Passage;
import io.flannelj.linux.ProcNet;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsVisit;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The pod's own end of a way: its interface, address and route, and who listens in it. */
final class PodInside {
    private static final int LISTENING = 0x0A; // TCP_LISTEN of net/tcp_states.h
    private static final int UDP_UNCONNECTED = 0x07;

    private static final int MOST_LISTENERS = 6;
    private static final String AGAIN = "start the pod again";

    private PodInside() {}

    /**
     * What a visit of the pod's network namespace found.
     *
     * @param pod whose it is
     * @param address that the pod should have
     * @param link its interface; null when it is gone
     * @param addresses of the interface
     * @param route to the other end; null where there is none
     * @param routeDevice name of the interface that the route leads by
     * @param routeProblem why there is no route
     * @param listeners sockets that take packets; none where no port is asked about
     */
    record Facts(
            KnownPod pod,
            IpAddress address,
            @Nullable Link link,
            List<Address> addresses,
            @Nullable Route route,
            String routeDevice,
            String routeProblem,
            List<Listener> listeners) {
        /** The prefix of a command that is run inside the pod. */
        String inside() {
            return "nsenter --net=" + pod.netns() + " ";
        }
    }

    /**
     * Visits the pod.
     *
     * @param address of the pod
     * @param other the other end
     * @throws IOException when its namespace cannot be entered from here
     */
    static Facts gather(KnownPod pod, IpAddress address, IpAddress other, int protocol, int port) throws IOException {
        if (pod.netns().isEmpty()) {
            throw new IOException("where its network namespace is was not kept");
        }
        try (Netns netns = Netns.open(Path.of(pod.netns()))) {
            return NetnsVisit.call(netns, () -> inside(pod, address, other, protocol, port));
        }
    }

    private static Facts inside(KnownPod pod, IpAddress address, IpAddress other, int protocol, int port)
            throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            Links links = new Links(netlink);
            Link link = links.find(pod.ifName()).orElse(null);
            List<Address> addresses = link == null ? List.of() : new Addresses(netlink).list(link.index());
            Route route = null;
            String device = "";
            String problem = "";
            try {
                route = new Routes(netlink).resolve(other, null, 0);
                device = links.find(route.linkIndex()).map(Link::name).orElse("");
            } catch (SyscallException e) {
                problem = String.valueOf(e.getMessage());
            }
            List<Listener> listeners = port == 0 ? List.of() : listeners(protocol);
            return new Facts(pod, address, link, addresses, route, device, problem, listeners);
        }
    }

    /** Who takes such packets; this thread is in the pod's namespace. */
    private static List<Listener> listeners(int protocol) {
        String name = protocol == Passage.UDP ? "udp" : "tcp";
        int state = protocol == Passage.UDP ? UDP_UNCONNECTED : LISTENING;
        return Stream.of(name, name + "6")
                .flatMap(file -> SocketTable.listeners(ProcNet.read(file), state).stream())
                .toList();
    }

    /**
     * Whether the pod's interface is up and has its address.
     *
     * @param gateway the bridge's address; null where it is not known
     */
    static Finding judgeInterface(String node, Facts facts, @Nullable Cidr gateway) {
        Link link = facts.link();
        String name = facts.pod().ifName();
        if (link == null) {
            return Finding.broken(node, Hop.POD, "pod " + facts.pod().name() + " has no " + name, AGAIN);
        }
        if (!link.isUp()) {
            return Finding.broken(
                    node,
                    Hop.POD,
                    name + " of pod " + facts.pod().name() + " is down",
                    facts.inside() + "ip link set " + name + " up");
        }
        Optional<Address> held = facts.addresses().stream()
                .filter(address -> address.cidr().address().equals(facts.address()))
                .findFirst();
        if (held.isEmpty()) {
            return Finding.broken(
                    node,
                    Hop.POD,
                    name + " of pod " + facts.pod().name() + " is without its address " + facts.address(),
                    gateway == null
                            ? AGAIN
                            : facts.inside() + "ip addr add " + facts.address() + "/" + gateway.length() + " dev "
                                    + name);
        }
        return Finding.ok(
                node,
                Hop.POD,
                facts.pod().name() + " " + name + " " + held.get().cidr() + ", MTU " + link.mtuBytes());
    }

    /**
     * The pod's route to the other end.
     *
     * @param gateway the bridge's address; null where it is not known
     */
    static Finding judgeRoute(String node, Facts facts, IpAddress other, @Nullable IpAddress gateway) {
        Route route = facts.route();
        String remedy = gateway == null
                ? AGAIN
                : facts.inside() + "ip route replace default via " + gateway + " dev "
                        + facts.pod().ifName();
        if (route == null || !route.isUnicast()) {
            return Finding.broken(
                    node,
                    Hop.POD_ROUTE,
                    "pod " + facts.pod().name() + " has no route to " + other,
                    route == null ? remedy : "find out who made " + text(route, facts.routeDevice()));
        }
        if (!facts.routeDevice().equals(facts.pod().ifName())) {
            return Finding.unknown(
                    node,
                    Hop.POD_ROUTE,
                    "the pod sends to " + other + " by " + facts.routeDevice() + ", which is not of this network");
        }
        if (route.gateway() != null && gateway != null && !route.gateway().equals(gateway)) {
            return Finding.broken(
                    node, Hop.POD_ROUTE, "the pod sends to " + route.gateway() + ", the bridge is " + gateway, remedy);
        }
        return Finding.ok(node, Hop.POD_ROUTE, text(route, facts.routeDevice()));
    }

    static Finding judgeSocket(String node, Facts facts, int protocol, int port) {
        String what = (protocol == Passage.UDP ? "UDP" : "TCP") + " port " + port;
        if (facts.listeners().stream().anyMatch(listener -> listener.takes(facts.address(), port))) {
            return Finding.ok(node, Hop.SOCKET, "somebody listens at " + what);
        }
        String others = facts.listeners().stream()
                .sorted(Comparator.comparing((Listener listener) -> listener.port() != port)
                        .thenComparing(Listener::port))
                .map(Listener::toString)
                .distinct()
                .limit(MOST_LISTENERS)
                .collect(Collectors.joining(", "));
        return Finding.broken(
                node,
                Hop.SOCKET,
                "nobody in pod " + facts.pod().name() + " listens at " + what + " of " + facts.address()
                        + (others.isEmpty() ? ", nor at any other" : ", but at " + others)
                        + ": start the program there, or let it listen at the pod's address",
                facts.inside() + "ss -lnp" + (protocol == Passage.UDP ? "u" : "t"));
    }

    static String text(Route route, String device) {
        String to = route.isDefault() ? "default" : route.destination().toString();
        return String.format(
                Locale.ROOT, "%s%s dev %s", to, route.gateway() == null ? "" : " via " + route.gateway(), device);
    }
}
