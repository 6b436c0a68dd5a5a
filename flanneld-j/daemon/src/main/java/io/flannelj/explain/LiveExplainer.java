package io.flannelj.explain;

import io.flannelj.net.IpAddress;
import io.flannelj.observe.EventCounts;
import io.flannelj.observe.EventReader;
import io.flannelj.observe.PacketEvent;
import io.flannelj.observe.Point;
import io.flannelj.observe.Selection;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Waits for the next real packet from one pod to another, and tells what became of it on both nodes. Both daemons watch the pair
 * meanwhile; the other one is asked over the tunnel.
 */
public final class LiveExplainer {
    private static final int KEPT_BYTES = 192;
    private static final int MOST_KEPT = 4096;
    private static final long ASK_EVERY_NANOS = 1_000_000_000L;
    private static final long SETTLES_NANOS = 1_000_000_000L;

    private final Host host;
    private final Packets local;

    /** Where this node's daemon shows packets. */
    public interface Packets {
        /** Opens the stream of a request, see {@link Selection#request}. */
        InputStream open(String request) throws IOException;
    }

    /**
     * What is waited for.
     *
     * @param protocol IP protocol number; -1 for any
     * @param port destination port; 0 for any
     * @param onlyDropped whether packets that are delivered do not count
     * @param longest how long
     */
    public record Wanted(IpAddress from, IpAddress to, int protocol, int port, boolean onlyDropped, Duration longest) {
        String command() {
            return "flanneld-j explain " + from + " " + to;
        }

        private boolean isEnd(SeenPacket packet) {
            return packet.from().equals(from.toString())
                    && packet.to().equals(to.toString())
                    && (!onlyDropped || packet.isDropped());
        }
    }

    public LiveExplainer(Host host, Packets local) {
        this.host = host;
        this.local = local;
    }

    /**
     * Waits.
     *
     * @param onReady told once both daemons watch
     * @throws IOException when this node's daemon cannot show packets
     * @throws IllegalArgumentException when no packet of the two passes this daemon; says why
     */
    public Explanation await(Wanted wanted, Runnable onReady) throws IOException {
        DaemonFacts daemon = host.daemon();
        if (daemon == null) {
            throw new IOException(host.daemonProblem());
        }
        Target from = Target.of(host, wanted.from());
        Target to = Target.of(host, wanted.to());
        if (from.isHere() == to.isHere()) {
            throw new IllegalArgumentException(
                    from.isHere()
                            ? "both are on this node: their packets do not pass through the daemon"
                            : "neither is on this node: run it on the node of one of them");
        }
        DaemonFacts.Peer peer = (from.isHere() ? to : from)
                .usablePeer()
                .orElseThrow(() -> new IllegalArgumentException((from.isHere() ? to : from).address()
                        + " is on no other node with a lease that is used: " + wanted.command()));
        Remote remote = new Remote(daemon, peer, wanted);
        Selection selection = new Selection(
                Set.of(Point.values()),
                List.of(wanted.from()),
                List.of(wanted.to()),
                "",
                wanted.protocol(),
                wanted.port());
        remote.watch();
        try (InputStream stream = local.open(selection.request(KEPT_BYTES, 0))) {
            BlockingQueue<SeenPacket> coming = follow(stream, selection);
            onReady.run();
            Deque<SeenPacket> own = new ArrayDeque<>();
            Optional<SeenPacket> first = first(wanted, coming, own, remote);
            if (first.isEmpty()) {
                return explanation(wanted, List.of(nothing(wanted, from.isHere(), peer, remote)));
            }
            settle(coming, own);
            remote.ask(first.get().key());
            LivePacket.Half here = new LivePacket.Half(host.node(), true, "", List.copyOf(own));
            LivePacket.Half there = remote.half();
            return explanation(
                    wanted,
                    LivePacket.judge(
                            first.get(),
                            from.isHere() ? here : there,
                            from.isHere() ? there : here,
                            ZoneId.systemDefault(),
                            wanted.command()));
        }
    }

    private Explanation explanation(Wanted wanted, List<Finding> findings) {
        return new Explanation(wanted.from().toString(), wanted.to().toString(), host.node(), findings);
    }

    private Finding nothing(Wanted wanted, boolean departs, DaemonFacts.Peer peer, Remote remote) {
        return Finding.unknown(
                host.node(),
                Hop.PACKET,
                "no packet from " + wanted.from() + " to " + wanted.to()
                        + (wanted.onlyDropped()
                                ? " was dropped"
                                : departs ? " came to the daemon" : " came from " + peer.address())
                        + " within " + wanted.longest().toSeconds() + " s"
                        + (remote.problem.isEmpty() ? ", here or on " + peer.address() : "; " + remote.problem));
    }

    /** The first packet that ends the wait, here or there. */
    private static Optional<SeenPacket> first(
            Wanted wanted, BlockingQueue<SeenPacket> coming, Deque<SeenPacket> own, Remote remote) {
        long begin = System.nanoTime();
        long asked = begin;
        while (System.nanoTime() - begin < wanted.longest().toNanos()) {
            SeenPacket packet = poll(coming, ASK_EVERY_NANOS / 4);
            if (packet != null) {
                keep(own, packet);
                if (wanted.isEnd(packet)) {
                    return Optional.of(packet);
                }
            }
            if (System.nanoTime() - asked > ASK_EVERY_NANOS) {
                asked = System.nanoTime();
                remote.ask("");
                Optional<SeenPacket> there =
                        remote.packets.stream().filter(wanted::isEnd).findFirst();
                if (there.isPresent()) {
                    return there;
                }
            }
        }
        return Optional.empty();
    }

    private static void settle(BlockingQueue<SeenPacket> coming, Deque<SeenPacket> own) {
        long begin = System.nanoTime();
        for (long rest = SETTLES_NANOS; rest > 0; rest = SETTLES_NANOS - (System.nanoTime() - begin)) {
            SeenPacket packet = poll(coming, rest);
            if (packet != null) {
                keep(own, packet);
            }
        }
    }

    private static void keep(Deque<SeenPacket> own, SeenPacket packet) {
        own.add(packet);
        if (own.size() > MOST_KEPT) {
            own.remove();
        }
    }

    private static @Nullable SeenPacket poll(BlockingQueue<SeenPacket> coming, long nanos) {
        try {
            return coming.poll(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    private static BlockingQueue<SeenPacket> follow(InputStream stream, Selection selection) {
        BlockingQueue<SeenPacket> coming = new ArrayBlockingQueue<>(MOST_KEPT);
        Thread reader = new Thread(
                () -> {
                    try {
                        EventReader.read(stream, new EventReader.Listener() {
                            @Override
                            public boolean packet(PacketEvent event) {
                                if (selection.takes(event)) {
                                    SeenPacket.of(event).ifPresent(coming::offer);
                                }
                                return true;
                            }

                            @Override
                            public boolean pause(EventCounts counts) {
                                return true;
                            }
                        });
                    } catch (IOException e) {
                        // it was closed, or the daemon has stopped: nothing more comes
                    }
                },
                "explain");
        reader.setDaemon(true);
        reader.start();
        return coming;
    }

    /** The other node's daemon. */
    private static final class Remote {
        private final DaemonFacts daemon;
        private final DaemonFacts.Peer peer;
        private final Wanted wanted;
        private final List<SeenPacket> packets = new ArrayList<>();
        private String problem = "";

        Remote(DaemonFacts daemon, DaemonFacts.Peer peer, Wanted wanted) {
            this.daemon = daemon;
            this.peer = peer;
            this.wanted = wanted;
        }

        void watch() {
            send(Query.What.WATCH, "");
        }

        void ask(String key) {
            if (problem.isEmpty()) {
                send(Query.What.SEEN, key);
            }
        }

        private void send(Query.What what, String key) {
            PeerQuery.Outcome outcome = PeerQuery.ask(
                    daemon,
                    peer,
                    new Query(
                            what,
                            wanted.from().toString(),
                            wanted.to().toString(),
                            Math.max(0, wanted.protocol()),
                            wanted.port(),
                            false,
                            key));
            QueryAnswer answer = outcome.answer();
            if (answer == null) {
                problem = peer.address() + " does not tell what it saw: " + outcome.detail();
            } else if (!answer.seen().isKnown()) {
                problem = peer.address() + " does not tell what it saw: "
                        + (answer.seen().problem().isEmpty()
                                ? "its version does not"
                                : answer.seen().problem());
            }
            if (answer != null) {
                packets.addAll(answer.seen().packets());
            }
        }

        LivePacket.Half half() {
            return new LivePacket.Half(peer.address(), problem.isEmpty(), problem, packets);
        }
    }
}
