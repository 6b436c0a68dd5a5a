package io.flannelj.explain;

import io.flannelj.explain.PeerQuery.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The half of a way that another node knows, as it answers, and what is between that node and this one. It is begun at once, and
 * asked for when this node's half is known. Used by the host's thread.
 */
final class OtherHalf {
    /** How much longer it is waited for once the first broken link is known without it. */
    private static final Duration AFTER_THE_FIRST = Duration.ofMillis(700);

    private static final String NOT_AWAITED = ": the first broken link is known without it";

    private final Host host;
    private final Target end;
    private final Question question;
    private final Budget budget;
    private final @Nullable Asked asked;

    /** What was begun. */
    private record Asked(
            DaemonFacts daemon, DaemonFacts.Peer peer, Conversation conversation, CompletableFuture<Path> path) {}

    /**
     * The path between the nodes.
     *
     * @param probed by the daemon
     * @param segments by full segments of TCP, which say the same of both directions; empty where the probes have found the size
     */
    private record Path(List<PathFacts> probed, Optional<PathMtuCheck.Facts> segments) {}

    private OtherHalf(Host host, Target end, Question question, Budget budget, @Nullable Asked asked) {
        this.host = host;
        this.end = end;
        this.question = question;
        this.budget = budget;
        this.asked = asked;
    }

    /**
     * Asks the node that has an end, where it can be asked.
     *
     * @param what is asked of it
     */
    static OtherHalf begin(Host host, Target end, Question question, Query.What what, Budget budget) {
        DaemonFacts daemon = host.daemon();
        Optional<DaemonFacts.Peer> peer = end.usablePeer();
        if (daemon == null || end.kind() == Target.Kind.OUTSIDE || peer.isEmpty()) {
            return new OtherHalf(host, end, question, budget, null);
        }
        Conversation conversation =
                Conversation.begin(daemon, peer.get(), Query.half(what, question), budget, question.sends());
        Path none = new Path(List.of(), Optional.empty());
        CompletableFuture<Path> path = question.sends()
                ? conversation.onceConnected(() -> path(host, daemon, peer.get()), none)
                : CompletableFuture.completedFuture(none);
        return new OtherHalf(host, end, question, budget, new Asked(daemon, peer.get(), conversation, path));
    }

    private static Path path(Host host, DaemonFacts daemon, DaemonFacts.Peer peer) {
        List<PathFacts> probed = PathCheck.examine(host, peer);
        return new Path(
                probed,
                PathCheck.isKnown(probed) ? Optional.empty() : Optional.of(PathMtuCheck.gather(host, daemon, peer)));
    }

    /**
     * What is to be said of it.
     *
     * @param before what is known of the way before it
     * @param behind what is known of the way behind it
     */
    List<Finding> findings(List<Finding> before, List<Finding> behind) {
        if (asked == null) {
            return List.of(notAsked());
        }
        boolean isNamed = before.stream().anyMatch(Finding::isBroken);
        Optional<Outcome> outcome = await(asked.conversation.outcome(), isNamed);
        String peer = asked.peer.address();
        if (outcome.isEmpty()) {
            return List.of(Finding.unknown(
                    host.node(), Hop.PEER, "the answer of " + peer + " was not waited for" + NOT_AWAITED));
        }
        boolean isSilent = outcome.get().reaction() == PeerQuery.Reaction.SILENT;
        boolean brokenHere = Stream.concat(before.stream(), behind.stream())
                .anyMatch(finding -> finding.isBroken() && keepsSilent(finding.hop()));
        if (isSilent && brokenHere) {
            return List.of(Finding.unknown(
                    host.node(),
                    Hop.PEER,
                    peer + " does not answer through the tunnel, as long as this node's part is broken"));
        }
        List<Finding> findings = new ArrayList<>();
        findings.add(PeerCheck.judge(host.node(), peerFacts(asked, outcome.get()), question.command()));
        QueryAnswer answer = outcome.get().answer();
        if (answer != null) {
            findings.addAll(answered(asked, answer, isNamed));
        } else if (!isSilent) {
            findings.add(Finding.unknown(peer, Hop.POD, "what is on that node is not known without its answer"));
        }
        return findings;
    }

    /** Waits for what was begun; only a little longer, and perhaps in vain, once the first broken link is named. */
    private <T> Optional<T> await(CompletableFuture<T> begun, boolean isNamed) {
        CompletableFuture<Optional<T>> found = begun.thenApply(Optional::of);
        return (isNamed
                        ? found.completeOnTimeout(
                                Optional.empty(),
                                budget.share(Duration.ZERO, AFTER_THE_FIRST).toMillis(),
                                TimeUnit.MILLISECONDS)
                        : found)
                .join();
    }

    private Finding notAsked() {
        DaemonFacts daemon = host.daemon();
        return Finding.unknown(
                end.address().toString(),
                Hop.PEER,
                daemon == null && host.network(end.address().family()).isEmpty()
                        ? "where " + end.address() + " is, is not known: " + host.daemonProblem()
                        : end.kind() == Target.Kind.OUTSIDE
                                ? end.address() + " is outside the pod network: nobody can be asked there"
                                : "the node of " + end.address() + " cannot be asked without "
                                        + (daemon == null ? "this node's daemon" : "its lease"));
    }

    /** Links without which no answer of another node gets here. */
    private static boolean keepsSilent(Hop hop) {
        return hop == Hop.DAEMON || hop == Hop.LEASE || hop == Hop.TUNNEL_RULES || hop == Hop.UNDERLAY;
    }

    private PeerCheck.Facts peerFacts(Asked of, Outcome outcome) {
        return outcome.reaction() == PeerQuery.Reaction.SILENT
                ? PeerCheck.facts(of.daemon, of.peer, outcome, of.conversation.signs(), drops(of.daemon))
                : PeerCheck.facts(of.daemon, of.peer, outcome, new Conversation.Signs(false, false, false), "");
    }

    /** What our data path dropped of a silent peer's packets meanwhile. */
    private String drops(DaemonFacts before) {
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

    private List<Finding> answered(Asked of, QueryAnswer answer, boolean isNamed) {
        String peer = of.peer.address();
        List<Finding> both = new ArrayList<>();
        if (question.sends()) {
            both.addAll(pathFindings(of, isNamed));
        }
        both.add(PeerCheck.judgeClock(host.node(), peer, answer.clockMillis(), host.clockMillis(of.daemon)));
        answer.findings().forEach(finding -> both.add(finding.on(peer))); // it speaks for itself alone
        return UnequalMtu.judge(
                both,
                new UnequalMtu.End(host.node(), of.daemon.uplink(), of.daemon.mtuBytes()),
                new UnequalMtu.End(peer, answer.uplink(), answer.mtuBytes()));
    }

    private List<Finding> pathFindings(Asked of, boolean isNamed) {
        Optional<Path> path = await(of.path, isNamed);
        if (path.isEmpty()) {
            return List.of(Finding.unknown(
                    host.node(), Hop.PATH_MTU, "what size of packet passes was not waited for" + NOT_AWAITED));
        }
        return path.get().segments().isPresent()
                ? List.of(PathMtuCheck.judge(host.node(), path.get().segments().get()))
                : PathCheck.judge(
                        host.node(),
                        of.peer.address(),
                        PathCheck.Uplink.of(host, of.daemon),
                        path.get().probed());
    }
}
