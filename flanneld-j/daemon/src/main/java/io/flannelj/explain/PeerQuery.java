package io.flannelj.explain;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.flannelj.linux.Errno;
import io.flannelj.linux.NodeSocket;
import io.flannelj.linux.NodeStream;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Asks another node over the tunnel: from tunnel address to tunnel address, by the tunnel's device whatever routes say. */
final class PeerQuery {
    /** Long enough for a second SYN, which TCP sends after a second. */
    static final Duration SECOND_SYN = Duration.ofMillis(1700);

    private static final int CONNECT_MILLIS = 700;
    private static final int ANSWER_MILLIS = 8000; // of a busy node; others take one or two seconds
    private static final int SMALL_SEGMENT_BYTES = 500; // in a packet below the 576 bytes that every link takes
    private static final int MOST_TIME_TO_LIVE = 255;

    private PeerQuery() {}

    /** How the other node reacted. */
    enum Reaction {
        ANSWERED,
        /** Its kernel refused: the tunnel passes both ways, and no daemon of ours listens. */
        REFUSED,
        /** Nothing came back. */
        SILENT,
        /** Its daemon took the connection and closed it without an answer: the tunnel passes both ways. */
        CLOSED,
        /** It cannot be asked: there is no tunnel. */
        NOT_ASKED
    }

    /**
     * What came of it.
     *
     * @param answer null unless it answered
     * @param detail human-readable
     */
    record Outcome(Reaction reaction, @Nullable QueryAnswer answer, String detail) {}

    /**
     * How long the other node may take.
     *
     * @param connectMillis until its kernel takes the connection
     * @param answerMillis from then on, until it has answered
     */
    record Patience(int connectMillis, int answerMillis) {
        static final Patience USUAL = new Patience(CONNECT_MILLIS, ANSWER_MILLIS);

        static Patience toConnect(Duration time) {
            return new Patience((int) time.toMillis(), ANSWER_MILLIS);
        }
    }

    /** Our end of such connections; empty where there is no tunnel to ask by. */
    static Optional<NodeSocket> end(DaemonFacts daemon, int segmentBytes) {
        IpFamily family = family(daemon);
        Optional<Cidr> own = daemon.subnet(family);
        Optional<String> device = daemon.device(family);
        return own.isEmpty() || device.isEmpty() || !daemon.isTunnel() || daemon.queryPort() == 0
                ? Optional.empty()
                : Optional.of(new NodeSocket(
                        device.get(), own.get().address(), MOST_TIME_TO_LIVE - (daemon.isHop() ? 2 : 0), segmentBytes));
    }

    /** Nodes ask each other by IPv4 where they have it. */
    private static IpFamily family(DaemonFacts daemon) {
        return daemon.subnet(IpFamily.IPV4).isPresent() ? IpFamily.IPV4 : IpFamily.IPV6;
    }

    /** Where a peer is asked. */
    static Optional<IpAddress> address(DaemonFacts daemon, DaemonFacts.Peer peer) {
        return peer.subnet(family(daemon)).map(Cidr::address);
    }

    /** Asks, with segments so small that they pass where large packets do not. */
    static Outcome ask(DaemonFacts daemon, DaemonFacts.Peer peer, Query query) {
        return ask(daemon, peer, query, Patience.USUAL, () -> {});
    }

    /**
     * The same.
     *
     * @param connected told once the other node's kernel has taken the connection: packets pass both ways
     */
    static Outcome ask(DaemonFacts daemon, DaemonFacts.Peer peer, Query query, Patience patience, Runnable connected) {
        return ask(daemon, peer, query, SMALL_SEGMENT_BYTES, patience, connected);
    }

    /** Whether as much as is sent comes back in segments of a size. */
    static boolean isEchoed(DaemonFacts daemon, DaemonFacts.Peer peer, int bytes, int segmentBytes, int millis) {
        Outcome outcome = ask(daemon, peer, Query.echo(bytes), segmentBytes, new Patience(millis, millis), () -> {});
        return outcome.reaction() == Reaction.ANSWERED;
    }

    private static Outcome ask(
            DaemonFacts daemon,
            DaemonFacts.Peer peer,
            Query query,
            int segmentBytes,
            Patience patience,
            Runnable connected) {
        Optional<NodeSocket> end = end(daemon, segmentBytes);
        Optional<IpAddress> address = address(daemon, peer);
        if (end.isEmpty() || address.isEmpty()) {
            return new Outcome(Reaction.NOT_ASKED, null, daemon.backend() + " has no tunnel to ask over");
        }
        try (NodeStream stream =
                NodeStream.connect(end.get(), address.get(), daemon.queryPort(), patience.connectMillis())) {
            connected.run();
            stream.setDeadline(patience.answerMillis());
            stream.send(QueryCodec.bytes(query));
            stream.finish();
            return new Outcome(
                    Reaction.ANSWERED,
                    QueryCodec.read(stream, QueryCodec.MOST_ANSWER_BYTES, QueryAnswer.class),
                    address.get() + " answers by " + end.get().device());
        } catch (SyscallException e) {
            return new Outcome(
                    e.errno() == Errno.ECONNREFUSED ? Reaction.REFUSED : Reaction.SILENT,
                    null,
                    e.errno() == Errno.EINPROGRESS
                            ? "no answer from TCP port " + daemon.queryPort() + " of " + address.get()
                            : String.valueOf(e.getMessage()));
        } catch (EOFException e) {
            return new Outcome(Reaction.CLOSED, null, String.valueOf(e.getMessage()));
        } catch (JsonProcessingException e) { // its words are for programmers, and quote what came
            return new Outcome(Reaction.SILENT, null, "an answer that this version does not understand");
        } catch (IOException e) {
            return new Outcome(Reaction.SILENT, null, "an answer that cannot be read: " + e.getMessage());
        }
    }
}
