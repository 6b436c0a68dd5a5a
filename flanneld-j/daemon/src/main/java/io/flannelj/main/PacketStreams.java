package io.flannelj.main;

import io.flannelj.admin.PacketStream;
import io.flannelj.admin.RefusedStreamException;
import io.flannelj.backend.Backend;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.PacketCopy;
import io.flannelj.observe.EventCounts;
import io.flannelj.observe.EventWriter;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Packets of this node's data paths, for those who want to see them. */
final class PacketStreams {
    /** Who watches at a time; each keeps up to 4 MiB of packets of each family. */
    static final int MOST_WATCHES = 4;

    private final NodeState state;
    private final AtomicInteger watches = new AtomicInteger();

    PacketStreams(NodeState state) {
        this.state = state;
    }

    /** The last packets that were dropped, by time. */
    PacketStream drops() throws RefusedStreamException {
        PacketDating dating = new PacketDating();
        EventWriter writer = new EventWriter().begin();
        required().stream()
                .flatMap(path -> path.drops().stream())
                .sorted(Comparator.comparingLong(PacketCopy::atNanos))
                .forEach(copy -> writer.add(dating.event(copy)));
        writer.addCounts(EventCounts.NONE);
        return new Finished(writer.take());
    }

    /** Packets as they pass. */
    PacketStream watch(Map<String, String> wanted) throws RefusedStreamException {
        required();
        WatchRequest request;
        try {
            request = WatchRequest.of(wanted);
        } catch (IllegalArgumentException e) {
            throw RefusedStreamException.badRequest("packets: " + e.getMessage());
        }
        if (watches.incrementAndGet() > MOST_WATCHES) {
            watches.decrementAndGet();
            throw RefusedStreamException.unavailable(
                    MOST_WATCHES + " others watch packets already; end one of them (observe, capture, explain --live)");
        }
        return new LiveStream(this::datapaths, request, watches::decrementAndGet);
    }

    private List<Datapath> required() throws RefusedStreamException {
        SessionStatus session = state.session;
        if (session == null) {
            throw RefusedStreamException.unavailable("the daemon is not ready: "
                    + (state.startup.waitingFor().isEmpty() ? "no network yet" : state.startup.waitingFor()));
        }
        if (datapaths().isEmpty()) {
            throw RefusedStreamException.unavailable("packets do not pass through the daemon: backend "
                    + session.config().backend().type()
                    + " lets the kernel carry them. See them by: tcpdump -ni "
                    + String.join(
                            " or ",
                            session.backend().deviceNames().isEmpty()
                                    ? List.of("any")
                                    : session.backend().deviceNames()));
        }
        return datapaths();
    }

    private List<Datapath> datapaths() {
        SessionStatus session = state.session;
        Backend backend = session == null ? null : session.backend();
        return backend == null ? List.of() : backend.datapaths();
    }

    /** What was ready at once. */
    private static final class Finished implements PacketStream {
        private static final byte[] NOTHING = {};

        private byte[] rest;

        Finished(byte[] all) {
            this.rest = all;
        }

        @Override
        public byte[] next(int mostBytes) {
            byte[] all = rest;
            rest = NOTHING;
            return all;
        }

        @Override
        public boolean isOver() {
            return rest.length == 0;
        }

        @Override
        public void close() {
            rest = NOTHING;
        }
    }
}
