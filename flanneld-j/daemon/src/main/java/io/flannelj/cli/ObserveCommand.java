package io.flannelj.cli;

import io.flannelj.explain.DaemonFacts;
import io.flannelj.explain.Host;
import io.flannelj.explain.PodNames;
import io.flannelj.net.IpAddress;
import io.flannelj.observe.EventCounts;
import io.flannelj.observe.EventReader;
import io.flannelj.observe.Flow;
import io.flannelj.observe.FlowTable;
import io.flannelj.observe.InnerPacket;
import io.flannelj.observe.PacketEvent;
import io.flannelj.observe.PacketJson;
import io.flannelj.observe.PacketLine;
import io.flannelj.observe.Point;
import io.flannelj.observe.Selection;
import io.flannelj.observe.TimeText;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flanneld-j observe}: packets of the data path, one a line. */
@Command(
        name = "observe",
        header = "Shows packets of this node's pods to and from other nodes, one a line, with what became of them.",
        description = {
            "With --dropped: the packets that were dropped last, with the reason. The daemon always keeps some: of each reason up"
                    + " to 64, and of the last minute at least a sample. Without: packets as they pass, until Ctrl-C.",
            ""
        },
        footer = "Exit status: 0 shown, 1 there is nothing to see, and why, 2 wrong options, 3 no daemon answers.",
        sortOptions = false)
final class ObserveCommand extends HostCommand {
    private static final Set<Point> ALL = Set.of(Point.FROM_POD, Point.TO_POD, Point.DROPPED);
    private static final int KEPT_BYTES = 192;
    private static final long FLOWS_EVERY_NANOS = 1_000_000_000L;

    @Mixin
    private PacketFlags packets = new PacketFlags();

    @Option(
            names = "--since",
            paramLabel = "TIME",
            description = "with --dropped: not earlier; as 30s, 5m, 1h, 2d for so long ago, or 2026-11-30T02:10:00Z")
    private String since = "";

    @Option(
            names = {"-f", "--follow"},
            description = "with --dropped: go on with those that are dropped from now on")
    private boolean follow;

    @Option(names = "--count", paramLabel = "N", description = "end after so many lines")
    private long count = Long.MAX_VALUE;

    @Option(names = "--seconds", paramLabel = "N", description = "end after so many seconds")
    private long seconds;

    @Option(
            names = "--rate",
            paramLabel = "N",
            description =
                    "at most so many packets a second of each worker; what is more is counted (1000; with --flows 100000)")
    private int rate;

    @Option(names = "--flows", description = "one line a second for each flow, its packets added up")
    private boolean flows;

    @Option(
            names = "--all-names",
            description =
                    "ask other nodes through the tunnel for the names of their pods; until they answer, addresses stand"
                            + " there")
    private boolean allNames;

    @Option(
            names = "--probes",
            description =
                    "also the daemons' own probes: pings between the tunnel addresses of nodes, left out unless dropped")
    private boolean probes;

    @Mixin
    private OutputFlag output = new OutputFlag();

    private long shown;
    private long leftOutProbes;
    private Predicate<IpAddress> isTunnelAddress = address -> false;

    ObserveCommand(PrintWriter out, PrintWriter err) {
        super(out, err, UNREACHABLE);
    }

    @Override
    int run() throws IOException, RefusedException {
        within("--count", count, 1, Long.MAX_VALUE);
        within("--seconds", seconds, 0, Long.MAX_VALUE);
        within("--rate", rate, 0, 1_000_000);
        if (!packets.onlyDropped() && (follow || !since.isEmpty())) {
            throw mistake((follow ? "--follow" : "--since") + " needs --dropped");
        }
        packets.check();
        Instant from = from();
        try (Ending ending = Ending.after(seconds)) {
            Selection selection;
            try (Host host = look()) {
                selection = packets.selection(host, ALL, this::say);
                DaemonFacts facts = host.daemon();
                if (facts != null && !probes) {
                    isTunnelAddress = facts::isTunnelAddress;
                }
            }
            ControlClient daemon = daemon();
            Path subnetFile = instance.instance().subnetFile();
            PodNames names = new PodNames(() -> Host.look(daemon, List.of(), subnetFile), allNames);
            show(daemon, selection, from, Form.of(output.isJson(), names), ending);
            return GOOD;
        }
    }

    private Instant from() {
        try {
            return since.isEmpty() ? Instant.EPOCH : TimeText.past(since, Clock.systemUTC());
        } catch (IllegalArgumentException e) {
            throw mistake("--since " + e.getMessage());
        }
    }

    /** Live packets are asked for before those that are kept, so that none between the two is missed. */
    private void show(ControlClient daemon, Selection selection, Instant from, Form line, Ending ending)
            throws IOException, RefusedException {
        boolean live = follow || !packets.onlyDropped();
        try (InputStream coming =
                live ? daemon.open(selection.request(KEPT_BYTES, rate())) : InputStream.nullInputStream()) {
            long after = Long.MIN_VALUE;
            if (packets.onlyDropped()) {
                after = showKept(daemon, selection, from, line);
            }
            if (live && shown < count) {
                ending.closes(coming);
                Printer printer = new Printer(selection, after, line);
                try {
                    EventReader.read(coming, printer);
                } catch (IOException e) {
                    if (!ending.isOver()) {
                        throw e;
                    }
                }
                printer.end();
                if (!ending.isOver() && shown < count && !out.checkError()) {
                    throw new IOException("the daemon has stopped");
                }
            }
        }
    }

    /** @return the time of the last one */
    private long showKept(ControlClient daemon, Selection selection, Instant from, Form line)
            throws IOException, RefusedException {
        try (InputStream kept = daemon.open("/v1/drops")) {
            Printer printer = new Printer(selection, TimeText.epochNanos(from) - 1, line);
            EventReader.read(kept, printer);
            printer.end();
            if (shown == 0 && !output.isJson()) {
                err.println("no packet that was dropped is kept" + (this.since.isEmpty() ? "" : " since then")
                        + "; status -o json counts all");
            }
            return printer.latest;
        }
    }

    /** Whether a daemon sent it to find out how a path is; one that is dropped is news all the same. */
    private boolean isProbe(PacketEvent event) {
        return event.point() != Point.DROPPED
                && InnerPacket.of(event)
                        .filter(packet -> packet.isEcho()
                                && isTunnelAddress.test(packet.source())
                                && isTunnelAddress.test(packet.destination()))
                        .isPresent();
    }

    private int rate() {
        return rate > 0 ? rate : flows ? 100_000 : 1000;
    }

    /** How packets and flows are written. */
    private record Form(Function<PacketEvent, String> packet, Function<Flow, String> flow) {
        static Form of(boolean json, PodNames names) {
            if (json) {
                PacketJson form = new PacketJson(names::of);
                return new Form(form::of, form::of);
            }
            PacketLine form = new PacketLine(names::of, ZoneId.systemDefault(), Terminal.takesColours());
            return new Form(form::of, form::of);
        }
    }

    /** Prints what is wanted and later than a time. */
    private final class Printer implements EventReader.Listener {
        private final Selection selection;
        private final long after;
        private final Form line;
        private final FlowTable table = new FlowTable();
        private long flowsShownAt = System.nanoTime();
        private long latest;
        private EventCounts counts = EventCounts.NONE;

        Printer(Selection selection, long after, Form line) {
            this.selection = selection;
            this.after = after;
            this.latest = after;
            this.line = line;
        }

        @Override
        public boolean packet(PacketEvent event) {
            if (event.epochNanos() > after && selection.takes(event)) {
                latest = Math.max(latest, event.epochNanos());
                if (isProbe(event)) {
                    leftOutProbes++;
                } else if (flows) {
                    table.add(event);
                } else {
                    print(line.packet().apply(event));
                }
            }
            return shown < count && !out.checkError();
        }

        private void print(String text) {
            if (shown < count) {
                out.println(text);
                shown++;
            }
        }

        @Override
        public boolean pause(EventCounts now) {
            long time = System.nanoTime();
            if (time - flowsShownAt > FLOWS_EVERY_NANOS) {
                flowsShownAt = time;
                table.take().forEach(flow -> print(line.flow().apply(flow)));
            }
            out.flush();
            counts = now;
            return shown < count && !out.checkError();
        }

        void end() {
            table.take().forEach(flow -> print(line.flow().apply(flow)));
            out.flush();
            if (table.leftOut() > 0) {
                err.println("not shown: " + table.leftOut() + " packets of more flows than can be told apart");
            }
            if (leftOutProbes > 0) {
                err.println("not shown: " + leftOutProbes + " of the daemons' probes; --probes shows them");
                leftOutProbes = 0;
            }
            if (counts.lost() + counts.leftOut() > 0) {
                err.println("not shown: " + counts.leftOut() + " packets above --rate, " + counts.lost()
                        + " for which there was no room");
            }
        }
    }
}
