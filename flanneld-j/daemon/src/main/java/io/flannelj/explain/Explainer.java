package io.flannelj.explain;

import io.flannelj.explain.PeerQuery.Outcome;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** Puts a way together: this node's half, the other node's as that node answers, and what is between. */
public final class Explainer {
    private final Host host;

    public Explainer(Host host) {
        this.host = host;
    }

    /**
     * Explains.
     *
     * @throws IOException when this host cannot be looked at
     */
    public Explanation explain(Question question) throws IOException {
        Target from = Target.of(host, question.from());
        Target to = Target.of(host, question.to());
        List<Finding> findings = new ArrayList<>();
        if (from.isHere()) {
            findings.addAll(Halves.departure(host, question, Halves.Role.ASKS));
            if (to.isHere()) {
                findings.addAll(Halves.arrival(host, question, Halves.Role.ASKS));
            } else {
                there(to, question, Query.What.ARRIVAL, findings, List.of());
            }
        } else {
            List<Finding> arrival = to.isHere() ? Halves.arrival(host, question, Halves.Role.ASKS) : List.of();
            there(from, question, Query.What.DEPARTURE, findings, arrival);
            findings.addAll(arrival);
            if (!to.isHere()) {
                there(to, question, Query.What.ARRIVAL, findings, List.of());
            }
        }
        return new Explanation(question.from().toString(), question.to().toString(), host.node(), packetLast(findings));
    }

    /** The packet of our own went the whole way. */
    private static List<Finding> packetLast(List<Finding> findings) {
        return Stream.concat(
                        findings.stream().filter(finding -> finding.hop() != Hop.PACKET),
                        findings.stream().filter(finding -> finding.hop() == Hop.PACKET))
                .toList();
    }

    /**
     * Asks the node that has the other end.
     *
     * @param known what this node has found out of its own half
     */
    private void there(Target end, Question question, Query.What what, List<Finding> findings, List<Finding> known) {
        DaemonFacts daemon = host.daemon();
        Optional<DaemonFacts.Peer> peer = end.usablePeer();
        if (daemon == null || end.kind() == Target.Kind.OUTSIDE || peer.isEmpty()) {
            findings.add(Finding.unknown(
                    end.address().toString(),
                    Hop.PEER,
                    daemon == null && host.network(end.address().family()).isEmpty()
                            ? "where " + end.address() + " is, is not known: " + host.daemonProblem()
                            : end.kind() == Target.Kind.OUTSIDE
                                    ? end.address() + " is outside the pod network: nobody can be asked there"
                                    : "the node of " + end.address() + " cannot be asked without "
                                            + (daemon == null ? "this node's daemon" : "its lease")));
            return;
        }
        boolean brokenHere = List.of(findings, known).stream()
                .flatMap(List::stream)
                .anyMatch(finding -> finding.isBroken() && keepsSilent(finding.hop()));
        CompletableFuture<List<PathFacts>> probed =
                question.sends() ? PathCheck.begin(host, peer.get()) : CompletableFuture.completedFuture(List.of());
        Outcome outcome = PeerQuery.ask(daemon, peer.get(), Query.half(what, question));
        if (outcome.reaction() == PeerQuery.Reaction.SILENT && brokenHere) {
            findings.add(Finding.unknown(
                    host.node(),
                    Hop.PEER,
                    peer.get().address()
                            + " does not answer through the tunnel, as long as this node's part is broken"));
            return;
        }
        findings.add(PeerCheck.judge(
                host.node(),
                PeerCheck.gather(daemon, peer.get(), outcome, drops(daemon, outcome), question.sends()),
                question.command()));
        QueryAnswer answer = outcome.answer();
        if (answer != null) {
            List<Finding> both = new ArrayList<>();
            if (question.sends()) {
                path(daemon, peer.get(), PathCheck.end(probed), both);
            }
            both.add(PeerCheck.judgeClock(
                    host.node(), peer.get().address(), answer.clockMillis(), host.clockMillis(daemon)));
            answer.findings()
                    .forEach(finding -> both.add(finding.on(peer.get().address()))); // it speaks for itself alone
            findings.addAll(UnequalMtu.judge(
                    both,
                    new UnequalMtu.End(host.node(), daemon.uplink(), daemon.mtuBytes()),
                    new UnequalMtu.End(peer.get().address(), answer.uplink(), answer.mtuBytes())));
        } else if (outcome.reaction() != PeerQuery.Reaction.SILENT) {
            findings.add(Finding.unknown(
                    peer.get().address(), Hop.POD, "what is on that node is not known without its answer"));
        }
    }

    /** By the daemon's probes; where it does not probe, by full segments of TCP, which say the same of both directions. */
    private void path(DaemonFacts daemon, DaemonFacts.Peer peer, List<PathFacts> paths, List<Finding> findings) {
        if (PathCheck.isKnown(paths)) {
            findings.addAll(PathCheck.judge(host.node(), peer.address(), PathCheck.Uplink.of(host, daemon), paths));
        } else {
            findings.add(PathMtuCheck.judge(host.node(), PathMtuCheck.gather(host, daemon, peer)));
        }
    }

    /** Links without which no answer of another node gets here. */
    private static boolean keepsSilent(Hop hop) {
        return hop == Hop.DAEMON || hop == Hop.LEASE || hop == Hop.TUNNEL_RULES || hop == Hop.UNDERLAY;
    }

    /** What our data path dropped of a silent peer's packets meanwhile. */
    private String drops(DaemonFacts before, Outcome outcome) {
        if (outcome.reaction() != PeerQuery.Reaction.SILENT) {
            return "";
        }
        Map<String, Long> rose = new TreeMap<>();
        DaemonFacts now = host.askDaemonAgain();
        (now == null ? Map.<String, Long>of() : now.drops()).forEach((reason, count) -> {
            long more = count - before.drops().getOrDefault(reason, 0L);
            String name = reason.substring(reason.indexOf('.') + 1);
            if (more > 0 && PeerCheck.TELLING.contains(name)) {
                rose.put(name, more);
            }
        });
        return rose.toString().replaceAll("[{}]", "").replace("=", " ");
    }

    /**
     * The addresses that somebody means by a text: an address, a pod of this node, or a pod of another node, all of which are
     * asked.
     *
     * @return none when it is not known here, nor to any node that answered
     */
    public List<IpAddress> resolve(String text) {
        try {
            return List.of(IpAddress.parse(text));
        } catch (IllegalArgumentException e) {
            List<IpAddress> own = pods(host, text);
            return own.isEmpty() ? PeerPods.find(host.daemon(), text) : own;
        }
    }

    /** The addresses of this node's pods of a name. */
    static List<IpAddress> pods(Host host, String name) {
        return host.pods().stream()
                .filter(pod -> pod.isCalled(name))
                .flatMap(pod -> pod.addresses().stream())
                .toList();
    }
}
