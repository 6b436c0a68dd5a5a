package io.flannelj.explain;

import io.flannelj.linux.Background;
import io.flannelj.linux.NodeListener;
import io.flannelj.linux.NodeSocket;
import io.flannelj.linux.NodeStream;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers other nodes what {@code explain} asks them: reads, and changes nothing. It listens on the tunnel's device at the tunnel
 * address, takes only packets that were not forwarded (see {@link NodeStream}), and answers only the tunnel addresses of nodes with
 * a lease. A few queries at a time, because one may wait for the path to be probed while the size of packets is tried by others; and
 * so many a second at most.
 */
public final class QueryServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(QueryServer.class);
    private static final String THREAD = "flannel-query";
    private static final int LOOK_EVERY_MILLIS = 2000;

    /** Without a tunnel: who is ready is asked at once. */
    private static final int AWAIT_TUNNEL_MILLIS = 200;

    private static final int PATIENCE_MILLIS = 1000;
    private static final int BACKLOG = 8;
    private static final int AT_ONCE = 4;
    private static final long LEAST_NANOS = 100_000_000; // between two queries

    private final DaemonSource.Own daemon;
    private final Thread thread = new Thread(this::run, THREAD);
    private final Semaphore free = new Semaphore(AT_ONCE);
    private volatile boolean closed;
    private volatile @Nullable NodeListener listener;
    private String told = "";

    /**
     * @param daemon whom this asks for its facts
     */
    public QueryServer(DaemonSource.Own daemon) {
        this.daemon = daemon;
        thread.setDaemon(true);
    }

    /** Begins; opens as soon as there is a tunnel, and again when there is another. */
    public void start() {
        thread.start();
    }

    private void run() {
        while (!closed) {
            Optional<NodeSocket> end = PeerQuery.end(daemon.ask(), 0);
            if (end.isPresent()) {
                serve(end.get());
            } else {
                LockSupport.parkNanos(AWAIT_TUNNEL_MILLIS * 1_000_000L);
            }
        }
    }

    /** Until this is no longer our end of the tunnel. */
    private void serve(NodeSocket end) {
        int index = index(end.device());
        try (NodeListener open = NodeListener.open(end, daemon.ask().queryPort(), BACKLOG)) {
            listener = open;
            told = "";
            while (!closed
                    && PeerQuery.end(daemon.ask(), 0).filter(end::equals).isPresent()
                    && index(end.device()) == index) {
                NodeListener.Caller caller = open.accept(LOOK_EVERY_MILLIS);
                if (caller != null) {
                    free.acquireUninterruptibly();
                    Background.begin(THREAD, () -> {
                                answer(caller);
                                return caller.address();
                            })
                            .whenComplete((done, failure) -> free.release());
                    LockSupport.parkNanos(LEAST_NANOS);
                }
            }
        } catch (SyscallException e) {
            String problem = String.valueOf(e.getMessage());
            if (!problem.equals(told)) {
                log.warn("other nodes' explain is not answered: {}", problem);
            }
            told = problem;
            LockSupport.parkNanos(LOOK_EVERY_MILLIS * 1_000_000L);
        } finally {
            listener = null;
        }
    }

    /** A device that was made anew has its old name and another number, and a socket stays with the number; 0 for none. */
    private static int index(String device) {
        try {
            NetworkInterface found = NetworkInterface.getByName(device);
            return found == null ? 0 : found.getIndex();
        } catch (SocketException e) {
            return 0;
        }
    }

    private void answer(NodeListener.Caller caller) {
        try (NodeStream stream = caller.stream()) {
            DaemonFacts facts = daemon.ask();
            Optional<DaemonFacts.Peer> peer = facts.peers().stream()
                    .filter(found -> found.problem() == null && found.isTunnelAddress(caller.address()))
                    .findFirst();
            if (peer.isPresent()) {
                stream.setDeadline(PATIENCE_MILLIS);
                Query query = QueryCodec.read(stream, QueryCodec.MOST_QUERY_BYTES, Query.class);
                byte[] answer = QueryCodec.bytes(answer(facts, peer.get(), query));
                stream.setDeadline(PATIENCE_MILLIS);
                stream.send(answer);
                stream.finish();
            }
        } catch (IOException | RuntimeException e) { // of a caller who goes away, or writes nonsense
            log.debug("a query of {} was not answered: {}", caller.address(), e.toString());
        }
    }

    private QueryAnswer answer(DaemonFacts facts, DaemonFacts.Peer caller, Query query) throws IOException {
        if (query.what() == Query.What.WATCH || query.what() == Query.What.SEEN) {
            return answer(facts, List.of(), List.of(), List.of(), seen(facts, caller, query));
        }
        List<Finding> findings = List.of();
        List<String> pods = List.of();
        List<PathFacts> paths = List.of();
        try (Host host = Host.look(daemon, List.of(), Path.of(""))) {
            switch (query.what()) {
                case DEPARTURE -> findings = Halves.departure(host, question(query), Halves.Role.ANSWERS);
                case ARRIVAL -> findings = Halves.arrival(host, question(query), Halves.Role.ANSWERS);
                case NAMES -> pods = PeerNames.answer(host, query.pod());
                case ECHO -> pods = List.of(query.pod());
                case PATHS -> {
                    paths = daemon.examine(caller.address());
                    findings = PathCheck.judge(host.node(), caller.address(), PathCheck.Uplink.of(host, facts), paths);
                }
                case PODS ->
                    pods = Explainer.pods(host, query.pod()).stream()
                            .map(IpAddress::toString)
                            .toList();
                case WATCH, SEEN -> throw new IllegalStateException(); // above
            }
        }
        return answer(facts, findings, pods, paths, SeenPackets.NONE);
    }

    /** A node is told of packets between its own pods and ours, and of no others. */
    private SeenPackets seen(DaemonFacts facts, DaemonFacts.Peer caller, Query query) {
        IpAddress from = IpAddress.parse(query.from());
        IpAddress to = IpAddress.parse(query.to());
        if (!isBetween(facts, caller, from, to)) {
            return new SeenPackets(
                    false, "it tells of packets between its pods and those of the node that asks", List.of());
        }
        return query.what() == Query.What.WATCH ? daemon.watch(from, to) : daemon.seen(from, to, query.pod());
    }

    static boolean isBetween(DaemonFacts facts, DaemonFacts.Peer caller, IpAddress one, IpAddress other) {
        return isOwn(facts, one) && caller.covers(other) || isOwn(facts, other) && caller.covers(one);
    }

    private static boolean isOwn(DaemonFacts facts, IpAddress pod) {
        return facts.subnet(pod.family()).filter(subnet -> subnet.contains(pod)).isPresent();
    }

    private static QueryAnswer answer(
            DaemonFacts facts, List<Finding> findings, List<String> pods, List<PathFacts> paths, SeenPackets seen) {
        return new QueryAnswer(
                facts.node(),
                facts.version(),
                facts.backend(),
                facts.mtuBytes(),
                facts.uplink(),
                System.currentTimeMillis(),
                findings,
                pods,
                paths,
                seen);
    }

    private static Question question(Query query) {
        return new Question(
                IpAddress.parse(query.from()),
                IpAddress.parse(query.to()),
                query.protocol(),
                query.port(),
                query.sends());
    }

    @Override
    public void close() {
        closed = true;
        NodeListener open = listener;
        if (open != null) {
            open.stop();
        }
        LockSupport.unpark(thread);
        try {
            thread.join(PATIENCE_MILLIS); // at once where it never began
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
