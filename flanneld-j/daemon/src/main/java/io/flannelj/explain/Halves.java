package io.flannelj.explain;

import io.flannelj.cni.engine.KnownPod;
import io.flannelj.explain.filter.Passage;
import io.flannelj.explain.filter.Passage.Hook;
import io.flannelj.linux.Background;
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
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * This node's half of a way, link by link in the order in which a packet meets them. After a broken link the next are judged all
 * the same, as far as they do not depend on it. What takes time is begun at once, and waited for where its link is due.
 */
final class Halves {
    private static final int PATH_SECONDS = 6; // who asks waits for eight

    private final Host host;
    private final @Nullable DaemonFacts daemon;
    private final Question question;
    private final List<Finding> findings = new ArrayList<>();

    private final Role role;
    private CompletableFuture<List<PathFacts>> probed = CompletableFuture.completedFuture(List.of());
    private Optional<CompletableFuture<UnderlayCheck.Facts>> underlay = Optional.empty();

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

    /** What takes longest: rules, the path to the node that asks, the way to the other node. */
    private void begin(Target other) {
        host.beginToListRules(question.family());
        if (!question.sends()) {
            return;
        }
        if (role == Role.ANSWERS) {
            other.usablePeer()
                    .ifPresent(peer -> probed =
                            PathCheck.begin(host, peer).completeOnTimeout(List.of(), PATH_SECONDS, TimeUnit.SECONDS));
        }
        if (other.kind() == Target.Kind.OTHER_POD && daemon != null) {
            underlay = other.usablePeer()
                    .filter(peer -> !peer.address().isEmpty())
                    .map(peer -> UnderlayCheck.begin(host, IpAddress.parse(peer.address())));
        }
    }

    private void depart(Target from, Target to) throws IOException {
        begin(to);
        Optional<PodFindings> pod = pod(from, question.to(), 0);
        if (pod.isPresent()) {
            findings.addAll(pod.get().inside(question.to()));
            findings.add(pod.get().veth());
            findings.add(pod.get().bridgeFinding());
        } else {
            sayUnknown(from);
        }
        Optional<CompletableFuture<Finding>> packet = question.sends() && !isBroken(findings)
                ? pod.flatMap(known -> known.beginToSend(question))
                : Optional.empty();
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
            crossing(to);
        }
        if (packet.isPresent() && !isBroken(findings)) {
            findings.add(packet.get().join());
        }
    }

    private static boolean isBroken(List<Finding> findings) {
        return findings.stream().anyMatch(Finding::isBroken);
    }

    /** Tunnel packets as this node sends and takes them. */
    private void crossing(Target other) throws IOException {
        DaemonFacts known = daemon;
        DaemonFacts.Peer peer = other.usablePeer().orElse(null);
        if (known != null && peer != null && !peer.address().isEmpty()) {
            Tunnels.rules(host, known, peer).ifPresent(findings::add);
            findings.add(UnderlayCheck.judge(
                    host.node(),
                    underlay.isPresent()
                            ? Background.end(underlay.get())
                            : UnderlayCheck.gather(host, IpAddress.parse(peer.address())),
                    question.command()));
            List<PathFacts> paths = PathCheck.end(probed);
            if (PathCheck.isKnown(paths)) {
                findings.addAll(PathCheck.judge(host.node(), peer.address(), PathCheck.Uplink.of(host, known), paths));
            }
        }
    }

    private void arrive(Target from, Target to) throws IOException {
        begin(from);
        Optional<PodFindings> pod = pod(to, question.from(), question.port());
        Optional<CompletableFuture<Finding>> holders = question.sends()
                ? pod.filter(known -> canAnswer(known)).flatMap(PodFindings::beginToAskHolders)
                : Optional.empty();
        boolean overlay = from.kind() == Target.Kind.OTHER_POD;
        if (overlay) {
            findings.add(DaemonCheck.judge(host));
            if (daemon != null) {
                findings.add(LeaseCheck.judge(host.node(), daemon, question.from()));
                crossing(from);
            }
        }
        if (pod.isPresent()) {
            findings.add(pod.get().bridgeFinding());
        } else {
            sayUnknown(to);
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
            if (holders.isPresent()) {
                findings.add(Background.end(holders.get()));
            }
            findings.addAll(pod.get().inside(question.from()));
            if (overlay && daemon != null) {
                findings.add(wayBack(pod.get().bridge(), expected(from)));
            }
            pod.get().socket(question.protocol(), question.port()).ifPresent(findings::add);
        }
    }

    /** Whether the pod is wired so that it can say that it has its address. */
    private boolean canAnswer(PodFindings pod) {
        List<Finding> inside = pod.inside(question.from());
        return !pod.bridgeFinding().isBroken()
                && !pod.veth().isBroken()
                && (!isBroken(inside) || inside.get(0).verdict() == Verdict.OK);
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
        return known.isEmpty()
                ? Optional.empty()
                : Optional.of(PodFindings.gather(host, known.get(), end.address(), other, question.protocol(), port));
    }

    private void sayUnknown(Target end) {
        if (end.kind() == Target.Kind.OWN_POD) {
            findings.add(Finding.unknown(
                    host.node(), Hop.POD, "no pod that our CNI plugin wired has " + end.address() + " here"));
        }
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
