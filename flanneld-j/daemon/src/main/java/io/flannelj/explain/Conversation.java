package io.flannelj.explain;

import io.flannelj.explain.PeerQuery.Outcome;
import io.flannelj.explain.PeerQuery.Reaction;
import io.flannelj.linux.Background;
import io.flannelj.net.IpAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A question to another node, asked beside whatever else is done; and, as soon as that node's kernel does not take the connection at
 * once, what its host still answers, which tells why.
 */
final class Conversation {
    private static final Duration DOUBTED_AFTER = Duration.ofMillis(250);

    /** TCP asks a second time after a second. */
    private static final Duration LEAST_SILENCE = Duration.ofMillis(1100);

    /** A kernel says once a second that nothing listens, and what else is sent there may have been told. */
    private static final Duration LEAST_ASKED = Duration.ofMillis(1300);

    private static final Duration MOST_ASKED = Duration.ofSeconds(2);

    private final CompletableFuture<Boolean> connected = new CompletableFuture<>();
    private final CompletableFuture<Outcome> known = new CompletableFuture<>();
    private final CompletableFuture<Boolean> echoedInside;
    private final CompletableFuture<Boolean> echoedOutside;
    private final CompletableFuture<Boolean> refused;

    /**
     * What a silent node's host answers.
     *
     * @param passes whether packets pass the tunnel both ways
     * @param refused whether its kernel says that nothing listens at the tunnel's port
     * @param echoedOutside whether it answers to echo requests beside the tunnel
     */
    record Signs(boolean passes, boolean refused, boolean echoedOutside) {}

    private Conversation(DaemonFacts daemon, DaemonFacts.Peer peer, Query query, Budget budget, boolean sends) {
        CompletableFuture<Outcome> spoken = Background.begin(
                "explain",
                () -> PeerQuery.ask(
                        daemon,
                        peer,
                        query,
                        PeerQuery.Patience.toConnect(budget.share(LEAST_SILENCE, PeerQuery.SECOND_SYN)),
                        () -> connected.complete(true)));
        spoken.whenComplete((outcome, failure) -> {
            known.complete(
                    failure == null
                            ? outcome
                            : new Outcome(Reaction.SILENT, null, String.valueOf(failure.getMessage())));
            connected.complete(false);
        });
        CompletableFuture<Boolean> doubted = connected
                .copy()
                .completeOnTimeout(false, DOUBTED_AFTER.toMillis(), TimeUnit.MILLISECONDS)
                .thenApply(isConnected -> sends && !isConnected && mayAnswer());
        Optional<IpAddress> inside = PeerQuery.address(daemon, peer);
        int port = daemon.tunnelPort();
        IpAddress outside = IpAddress.parse(peer.address());
        echoedInside = sign(doubted, () -> inside.isPresent() && Reach.isEchoed(inside.get()));
        echoedOutside = sign(doubted, () -> Reach.isEchoed(outside));
        refused = sign(
                doubted,
                () -> port > 0
                        && Reach.isRefused(
                                outside, port, budget.share(LEAST_ASKED, MOST_ASKED), () -> connected.getNow(false)));
        refused.thenAccept(isRefused -> {
            if (isRefused && !connected.getNow(false)) {
                known.complete(new Outcome(Reaction.SILENT, null, "nothing listens at the tunnel's port"));
            }
        });
    }

    /**
     * Begins.
     *
     * @param sends whether other packets than the question may be sent
     */
    static Conversation begin(DaemonFacts daemon, DaemonFacts.Peer peer, Query query, Budget budget, boolean sends) {
        return new Conversation(daemon, peer, query, budget, sends);
    }

    /** Whether its host is worth asking: it has not answered the question itself, one way or the other. */
    private boolean mayAnswer() {
        return !known.isDone() || known.join().reaction() == Reaction.SILENT;
    }

    private static CompletableFuture<Boolean> sign(CompletableFuture<Boolean> doubted, Supplier<Boolean> look) {
        return doubted.thenCompose(isDoubted ->
                isDoubted ? Background.begin("explain", look::get) : CompletableFuture.completedFuture(false));
    }

    /** Begins more once the other node's kernel has taken the connection: what is sent before may count against its answers. */
    <T> CompletableFuture<T> onceConnected(Background.Work<T> work, T otherwise) {
        return connected.thenCompose(isConnected ->
                isConnected ? Background.begin("explain", work) : CompletableFuture.completedFuture(otherwise));
    }

    /** What comes of the question. */
    CompletableFuture<Outcome> outcome() {
        return known.copy();
    }

    /** What its host answers beside that. */
    Signs signs() {
        if (connected.getNow(false)) {
            return new Signs(true, false, false);
        }
        return echoedInside.join()
                ? new Signs(true, false, false)
                : new Signs(false, refused.join(), echoedOutside.join());
    }
}
