package io.flannelj.explain;

import io.flannelj.cni.engine.KnownPod;
import io.flannelj.explain.filter.Passage;
import io.flannelj.explain.filter.Passage.Hook;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * This node's half of a way, link by link in the order in which a packet meets them. After a broken link the next are judged all
 * the same, as far as they do not depend on it.
 */
final class Halves {
    private final Host host;
    private final @Nullable DaemonFacts daemon;
    private final Question question;
    private final List<Finding> findings = new ArrayList<>();

    private final Role role;
    private CompletableFuture<List<PathFacts>> probed = CompletableFuture.completedFuture(List.of());

    /** Which node looks at its half. */
    enum Role {
        /** The one on which explain was called: it looks at the path to the other one itself, once that has answered. */
        ASKS,
        /** The other one. */
        ANSWERS
    }

    private Halves(Host host, Question question, Role role) {
        this.role = role;
        this.host = host;
        this.daemon = host.daemon();
        this.question = question;
    }

    /** From the sender, who is on this node, to where this node sends the packet. */
    static List<Finding> departure(Host host, Question question, Role role) throws IOException {
        Halves half = new Halves(host, question, role);
        half.depart(Target.of(host, question.from()), Target.of(host, question.to()));
        return half.findings;
    }

    /** From where the packet comes to this node, to the receiver, who is on it. */
    static List<Finding> arrival(Host host, Question question, Role role) throws IOException {
        Halves half = new Halves(host, question, role);
        half.arrive(Target.of(host, question.from()), Target.of(host, question.to()));
        return half.findings;
    }

    /** The path to the node that asks, beside everything else. */
    private void beginToProbe(Target end) {
        if (role == Role.ANSWERS && question.sends()) {
            end.usablePeer().ifPresent(peer -> probed = PathCheck.begin(host, peer));
        }
    }

    private void depart(Target from, Target to) throws IOException {
        beginToProbe(to);
        Optional<PodFindings> pod = pod(from, question.to(), 0);
        if (pod.isPresent()) {
            findings.addAll(pod.get().inside(question.to()));
            findings.add(pod.get().veth());
            findings.add(pod.get().bridgeFinding());
        }
        boolean overlay = to.kind() == Target.Kind.OTHER_POD;
        if (overlay) {
            findings.add(DaemonCheck.judge(host));
        }
        String bridge = bridge(pod, question.from(), from);
        route(bridge, to.isHere() ? Set.of() : expected(to));
        if (overlay && daemon != null) {
            pod.ifPresent(known ->
                    findings.add(wayBack(daemon.device(question.family()).orElse(""), Set.of(known.bridge()))));
            findings.add(LeaseCheck.judge(host.node(), daemon, question.to()));
            to.usablePeer().ifPresent(this::crossing);
        }
        if (question.sends() && findings.stream().noneMatch(Finding::isBroken)) {
            pod.flatMap(known -> known.packet(question)).ifPresent(findings::add);
        }
    }

    /** Tunnel packets as this node sends and takes them. */
    private void crossing(DaemonFacts.Peer peer) {
        DaemonFacts known = daemon;
        if (known != null && !peer.address().isEmpty()) {
            Tunnels.rules(host, known, peer).ifPresent(findings::add);
            findings.add(UnderlayCheck.judge(
                    host.node(),
                    UnderlayCheck.gather(host, IpAddress.parse(peer.address()), question.sends()),
                    question.command()));
            List<PathFacts> paths = PathCheck.end(probed);
            if (PathCheck.isKnown(paths)) {
                findings.addAll(PathCheck.judge(host.node(), peer.address(), PathCheck.Uplink.of(host, known), paths));
            }
        }
    }

    private void arrive(Target from, Target to) throws IOException {
        beginToProbe(from);
        boolean overlay = from.kind() == Target.Kind.OTHER_POD;
        if (overlay) {
            findings.add(DaemonCheck.judge(host));
            if (daemon != null) {
                findings.add(LeaseCheck.judge(host.node(), daemon, question.from()));
                from.usablePeer().ifPresent(this::crossing);
            }
        }
        Optional<PodFindings> pod = pod(to, question.from(), question.port());
        if (pod.isPresent()) {
            findings.add(pod.get().bridgeFinding());
        }
        boolean bridgeIsWell =
                findings.isEmpty() || !findings.get(findings.size() - 1).isBroken();
        if (!from.isHere() && bridgeIsWell) {
            String device =
                    overlay && daemon != null ? daemon.device(question.family()).orElse("") : uplink();
            route(device, pod.map(known -> Set.of(known.bridge())).orElse(Set.of()));
        }
        if (pod.isPresent()) {
            findings.add(pod.get().veth());
            boolean reachable = findings.stream()
                    .noneMatch(finding ->
                            finding.isBroken() && Set.of(Hop.BRIDGE, Hop.VETH).contains(finding.hop()));
            List<Finding> inside = pod.get().inside(question.from());
            boolean hasAddress = inside.stream().noneMatch(Finding::isBroken)
                    || inside.get(0).verdict() == Verdict.OK;
            if (reachable && hasAddress && question.sends()) {
                pod.get().holders().ifPresent(findings::add);
            }
            findings.addAll(inside);
            if (overlay && daemon != null) {
                findings.add(wayBack(pod.get().bridge(), expected(from)));
            }
            pod.get().socket(question.protocol(), question.port()).ifPresent(findings::add);
        }
    }

    /**
     * The node's route for the answers.
     *
     * @param arrivesBy interface that they come to this node by
     * @param expected interfaces that they should leave by
     */
    private Finding wayBack(String arrivesBy, Set<String> expected) {
        Finding route = RouteCheck.judgeRoute(
                host.node(), RouteCheck.gather(host, question.to(), question.from(), arrivesBy), expected, networks());
        return new Finding(route.verdict(), route.node(), route.hop(), "answers: " + route.evidence(), route.remedy());
    }

    private Optional<PodFindings> pod(Target end, IpAddress other, int port) throws IOException {
        if (end.kind() != Target.Kind.OWN_POD) {
            return Optional.empty();
        }
        Optional<KnownPod> known = host.podWith(end.address());
        if (known.isEmpty()) {
            findings.add(Finding.unknown(
                    host.node(), Hop.POD, "no pod that our CNI plugin wired has " + end.address() + " here"));
            return Optional.empty();
        }
        return Optional.of(PodFindings.gather(host, known.get(), end.address(), other, question.protocol(), port));
    }

    /** The interface that the sender's packets arrive by; empty for this node's own. */
    private String bridge(Optional<PodFindings> pod, IpAddress sender, Target from) {
        if (pod.isPresent()) {
            return pod.get().bridge();
        }
        if (from.kind() != Target.Kind.OWN_POD) {
            return "";
        }
        return RouteCheck.gather(host, sender, sender, "").device();
    }

    private String uplink() {
        return daemon == null ? "" : daemon.uplink();
    }

    /** The interfaces that lead to another node's pods: the tunnel's, or those of a plain route through that node. */
    private Set<String> expected(Target end) {
        Set<String> expected =
                new HashSet<>(daemon == null || end.kind() != Target.Kind.OTHER_POD ? List.of() : daemon.devices());
        DaemonFacts.Peer peer = end.peer();
        IpAddress own = end.address().equals(question.to()) ? question.from() : question.to();
        Route route = RouteCheck.gather(host, own, end.address(), "").route();
        IpAddress gateway = route == null ? null : route.gateway();
        if (route != null
                && peer != null
                && gateway != null
                && gateway.toString().equals(peer.address())) {
            expected.add(host.nameOf(route.linkIndex()));
        }
        return expected;
    }

    /** The kernel's decisions on the packet, and the packet filter's. */
    private void route(String arrivesBy, Set<String> expected) {
        String node = host.node();
        RouteCheck.Facts facts = RouteCheck.gather(host, question.from(), question.to(), arrivesBy);
        Optional<Finding> forwarding = RouteCheck.judgeForwarding(node, facts);
        Optional<Finding> source = RouteCheck.judgeSource(node, facts);
        boolean toThisHost = facts.route() != null && facts.route().isLocal();
        Stream.of(toThisHost ? Optional.<Finding>empty() : forwarding, source)
                .flatMap(Optional::stream)
                .forEach(findings::add);
        boolean refused =
                Stream.of(forwarding, source).flatMap(Optional::stream).anyMatch(Finding::isBroken);
        RouteCheck.Facts way = refused ? RouteCheck.gather(host, question.from(), question.to(), "") : facts;
        findings.add(RouteCheck.judgeRoute(node, way, expected, networks()));
        if (way.route() != null) {
            findings.add(RulesCheck.judge(
                    node,
                    Hop.RULES,
                    host.rules(question.family()),
                    "packets from " + question.from() + " to " + question.to(),
                    passages(arrivesBy, way.device(), way.route().isLocal())));
        }
    }

    private List<Passage> passages(String in, String out, boolean toThisHost) {
        if (in.isEmpty()) {
            return List.of(
                    question.at(Hook.OUTPUT, "", out),
                    question.at(Hook.POSTROUTING, "", out),
                    question.answerAt(Hook.INPUT, out, ""));
        }
        if (toThisHost) {
            return List.of(
                    question.at(Hook.PREROUTING, in, ""),
                    question.at(Hook.INPUT, in, ""),
                    question.answerAt(Hook.OUTPUT, "", in));
        }
        return List.of(
                question.at(Hook.PREROUTING, in, ""),
                question.at(Hook.FORWARD, in, out),
                question.at(Hook.POSTROUTING, in, out),
                question.answerAt(Hook.PREROUTING, out, ""),
                question.answerAt(Hook.FORWARD, out, in));
    }

    private List<Cidr> networks() {
        return Arrays.stream(IpFamily.values())
                .map(host::network)
                .flatMap(Optional::stream)
                .toList();
    }
}
