package io.flannelj.explain;

import io.flannelj.linux.SyscallException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Route;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the node's kernel decides of a packet: whether it takes it, whether it forwards it, and by which interface. */
final class RouteCheck {
    private static final String FORWARD = "net.ipv4.ip_forward";
    private static final String FORWARD_IPV6 = "net.ipv6.conf.all.forwarding";

    private RouteCheck() {}

    /**
     * The kernel's answers.
     *
     * @param from of the packet
     * @param to of the packet
     * @param arrivesBy interface that it arrives by; empty for a packet of this host
     * @param route in force; null where there is none
     * @param device that it leads by
     * @param problem why there is none
     * @param backDevice where the answers leave by; empty where nowhere
     * @param forwards whether the kernel forwards what arrives by that interface
     * @param forwardsAtAll whether it forwards what arrives by others
     * @param strict whether it takes packets only by the interface that answers leave by (rp_filter 1)
     * @param loose whether it takes packets only from where answers can be sent to (rp_filter 2)
     * @param filteredBy which setting says so: {@code all}, or the interface's own
     */
    record Facts(
            IpAddress from,
            IpAddress to,
            String arrivesBy,
            @Nullable Route route,
            String device,
            String problem,
            String backDevice,
            boolean forwards,
            boolean forwardsAtAll,
            boolean strict,
            boolean loose,
            String filteredBy) {
        boolean isForwarded() {
            return !arrivesBy.isEmpty();
        }
    }

    static Facts gather(Host host, IpAddress from, IpAddress to, String arrivesBy) {
        int link = host.link(arrivesBy).map(found -> found.index()).orElse(0);
        String back = "";
        boolean isOurs = false;
        try {
            Route answers = host.routes().resolve(from, null, 0);
            back = host.nameOf(answers.linkIndex());
            isOurs = answers.isLocal();
        } catch (SyscallException e) {
            back = "";
        }
        Route route = null;
        String device = "";
        String problem = "";
        try {
            // The kernel takes another host's address for a source only with the interface that its packets arrive by.
            route = host.routes().resolve(to, isOurs || link != 0 ? from : null, link);
            device = route.isBlackhole() ? "" : host.nameOf(route.linkIndex());
        } catch (SyscallException e) {
            problem = String.valueOf(e.getMessage());
        }
        String key = arrivesBy.indexOf('.') < 0 ? arrivesBy.replace('/', '.') : arrivesBy;
        boolean ipv4 = to.isIpv4();
        String forwarding = ipv4 ? Host.sysctl("net/ipv4/conf/" + key + "/forwarding") : Host.sysctl(FORWARD_IPV6);
        int everywhere = ipv4 ? number("net/ipv4/conf/all/rp_filter") : 0;
        int filter =
                Math.max(everywhere, ipv4 ? number("net/ipv4/conf/" + key + "/rp_filter") : 0); // as the kernel does
        boolean atAll = !Host.sysctl(ipv4 ? FORWARD : FORWARD_IPV6).equals("0");
        return new Facts(
                from,
                to,
                arrivesBy,
                route,
                device,
                problem,
                back,
                !forwarding.equals("0"),
                atAll,
                filter == 1,
                filter == 2,
                everywhere == filter ? "all" : arrivesBy);
    }

    private static int number(String key) {
        String value = Host.sysctl(key);
        return value.equals("1") ? 1 : value.equals("2") ? 2 : 0;
    }

    static Optional<Finding> judgeForwarding(String node, Facts facts) {
        if (!facts.isForwarded()) {
            return Optional.empty();
        }
        String key = facts.to().isIpv4() ? FORWARD : FORWARD_IPV6;
        if (facts.forwards()) {
            return Optional.of(Finding.ok(node, Hop.FORWARDING, key + " 1"));
        }
        String off = !facts.forwardsAtAll()
                ? key
                : "net.ipv4.conf." + facts.arrivesBy().replace('.', '/') + ".forwarding";
        return Optional.of(Finding.broken(
                node,
                Hop.FORWARDING,
                off + " is 0: this node forwards nothing from " + facts.arrivesBy(),
                "sysctl -w " + off + "=1"));
    }

    static Optional<Finding> judgeSource(String node, Facts facts) {
        if (!facts.isForwarded()) {
            return Optional.empty();
        }
        boolean elsewhere = !facts.backDevice().equals(facts.arrivesBy());
        boolean refused = (facts.strict() && elsewhere)
                || (facts.loose() && facts.backDevice().isEmpty());
        if (!refused) {
            return Optional.of(Finding.ok(
                    node,
                    Hop.RP_FILTER,
                    facts.strict()
                            ? "strict, and answers leave by " + facts.arrivesBy()
                            : "not strict on " + facts.arrivesBy()));
        }
        return Optional.of(Finding.broken(
                node,
                Hop.RP_FILTER,
                "rp_filter drops packets from " + facts.from() + " by " + facts.arrivesBy() + ": answers leave by "
                        + (facts.backDevice().isEmpty() ? "nowhere" : facts.backDevice()),
                "sysctl -w net.ipv4.conf." + facts.filteredBy().replace('.', '/') + ".rp_filter=2"));
    }

    /**
     * Whether the route leads where it should.
     *
     * @param expected interfaces that are right; none where any is
     * @param networks the pod networks: a more specific route in them that nobody needs may go
     */
    static Finding judgeRoute(String node, Facts facts, Set<String> expected, List<Cidr> networks) {
        Route route = facts.route();
        String way = facts.isForwarded() ? " from " + facts.arrivesBy() : "";
        if (route == null || (!route.isUnicast() && !route.isLocal())) {
            return Finding.broken(
                    node,
                    Hop.ROUTE,
                    route == null
                            ? "the kernel has no route to " + facts.to() + way + ": " + facts.problem()
                            : "a route refuses " + facts.to() + ": " + text(route, facts.device()),
                    route == null ? "ip route get " + facts.to() : removal(route, "", networks));
        }
        String text = text(route, facts.device());
        if (!expected.isEmpty() && !route.isLocal() && !expected.contains(facts.device())) {
            return Finding.broken(
                    node,
                    Hop.ROUTE,
                    facts.to() + " goes by " + facts.device() + " and not by " + String.join(" or ", expected) + ": "
                            + text,
                    removal(route, facts.device(), networks));
        }
        return Finding.ok(node, Hop.ROUTE, facts.to() + " by " + text);
    }

    /** Named only where nothing but pods can be behind the route. */
    private static String removal(Route route, String device, List<Cidr> networks) {
        Cidr destination = route.destination();
        boolean onlyPods =
                networks.stream().anyMatch(network -> network.contains(destination) && !network.equals(destination));
        if (!onlyPods || route.protocol() == Route.PROTOCOL_KERNEL) {
            return "find out who made the route, and why it is chosen: ip rule; ip route get";
        }
        return "ip route delete " + (device.isEmpty() ? "blackhole " : "") + destination
                + (device.isEmpty() ? "" : " dev " + device)
                + (route.table() == Route.MAIN_TABLE ? "" : " table " + route.table());
    }

    private static String text(Route route, String device) {
        return "route " + (route.isDefault() ? "default" : route.destination())
                + (route.gateway() == null ? "" : " via " + route.gateway())
                + (device.isEmpty() ? "" : " dev " + device)
                + (route.table() == Route.MAIN_TABLE || route.isLocal() ? "" : ", table " + route.table());
    }
}
