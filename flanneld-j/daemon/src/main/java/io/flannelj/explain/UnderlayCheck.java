package io.flannelj.explain;

import io.flannelj.linux.ArpQuestion;
import io.flannelj.linux.Background;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Route;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The way from this node to another node's address. */
final class UnderlayCheck {
    private static final int ASK_MILLIS = 100;
    private static final int TRIES = 8;

    private UnderlayCheck() {}

    /**
     * What is known of the way.
     *
     * @param peer the other node's address
     * @param route to it; null where there is none
     * @param device that the route leads by
     * @param nextHop the node itself, or the router in front of it
     * @param answers whether the next hop answers to ARP; empty where that cannot be asked
     * @param problem why there is no route
     * @param uplinkProblem what is wrong with the interface that the daemon sends by, which begins with its name; else empty
     */
    record Facts(
            IpAddress peer,
            @Nullable Route route,
            String device,
            IpAddress nextHop,
            Optional<Boolean> answers,
            String problem,
            String uplinkProblem) {
        boolean isDirect() {
            return nextHop.equals(peer);
        }

        private Facts answered(boolean how) {
            return new Facts(peer, route, device, nextHop, Optional.of(how), problem, uplinkProblem);
        }

        private Facts unroutable(SyscallException e) {
            return new Facts(peer, null, "", peer, Optional.empty(), String.valueOf(e.getMessage()), uplinkProblem);
        }
    }

    /** Looks at the way, and asks nobody. */
    static Facts gather(Host host, IpAddress peer) {
        try {
            Route route = host.routes().resolve(peer, null, 0);
            IpAddress gateway = route.gateway();
            IpAddress nextHop = gateway == null ? peer : gateway;
            Link link = host.link(route.linkIndex()).orElse(null);
            return new Facts(
                    peer, route, link == null ? "" : link.name(), nextHop, Optional.empty(), "", uplinkProblem(host));
        } catch (SyscallException e) {
            return new Facts(
                    peer, null, "", peer, Optional.empty(), String.valueOf(e.getMessage()), uplinkProblem(host));
        }
    }

    private static String uplinkProblem(Host host) {
        DaemonFacts daemon = host.daemon();
        String uplink = daemon == null ? "" : daemon.uplink();
        return host.link(uplink)
                .filter(link -> !link.isUp())
                .map(link -> link.name() + " is down")
                .orElse("");
    }

    /** Looks at the way, and asks the next hop to answer, beside whatever else is done. */
    static CompletableFuture<Facts> begin(Host host, IpAddress peer) {
        Facts facts = gather(host, peer);
        Route route = facts.route();
        Optional<ArpQuestion> question =
                route == null || route.isLocal() || facts.nextHop().isIpv6()
                        ? Optional.empty()
                        : host.link(route.linkIndex()).flatMap(link -> question(host, link));
        return question.isEmpty()
                ? CompletableFuture.completedFuture(facts)
                : Background.begin("explain", () -> ask(question.get(), facts));
    }

    private static Optional<ArpQuestion> question(Host host, Link link) {
        MacAddress mac = link.mac();
        return mac == null
                ? Optional.empty()
                : host.addressesOf(link).stream()
                        .map(address -> address.cidr().address())
                        .filter(IpAddress::isIpv4)
                        .findFirst()
                        .map(from -> new ArpQuestion(link.index(), mac, from));
    }

    private static Facts ask(ArpQuestion question, Facts facts) {
        try {
            for (int i = 0; i < TRIES; i++) {
                if (question.isAnswered(facts.nextHop(), ASK_MILLIS)) {
                    return facts.answered(true);
                }
            }
            return facts.answered(false);
        } catch (SyscallException e) {
            return facts.unroutable(e);
        }
    }

    /**
     * Judges the way.
     *
     * @param command that finds out more on the other node
     */
    static Finding judge(String node, Facts facts, String command) {
        Route route = facts.route();
        if (!facts.uplinkProblem().isEmpty()) {
            return Finding.broken(
                    node,
                    Hop.UNDERLAY,
                    facts.uplinkProblem(),
                    "ip link set " + facts.uplinkProblem().split(" ", 2)[0] + " up");
        }
        if (route == null || !route.isUnicast()) {
            return Finding.broken(
                    node,
                    Hop.UNDERLAY,
                    "this node has no route to " + facts.peer() + (route == null ? ": " + facts.problem() : ""),
                    "ip route get " + facts.peer());
        }
        String way = facts.device() + (facts.isDirect() ? "" : " via " + facts.nextHop());
        if (!facts.answers().orElse(true)) {
            return Finding.broken(
                    facts.isDirect() ? facts.peer().toString() : node,
                    Hop.UNDERLAY,
                    facts.nextHop() + " does not answer on " + facts.device() + " (ARP): "
                            + (facts.isDirect()
                                    ? "that node is down, or its interface: start it, and ask there"
                                    : "that router is down"),
                    facts.isDirect() ? command : "ip neigh show " + facts.nextHop());
        }
        return Finding.ok(node, Hop.UNDERLAY, facts.peer() + " by " + way);
    }
}
