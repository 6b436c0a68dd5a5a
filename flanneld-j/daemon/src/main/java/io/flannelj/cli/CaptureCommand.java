package io.flannelj.cli;

import io.flannelj.explain.DaemonFacts;
import io.flannelj.explain.Host;
import io.flannelj.linux.PcapFilter;
import io.flannelj.observe.Capture;
import io.flannelj.observe.EventCounts;
import io.flannelj.observe.EventReader;
import io.flannelj.observe.InnerPacket;
import io.flannelj.observe.OuterPacket;
import io.flannelj.observe.PacketEvent;
import io.flannelj.observe.Point;
import io.flannelj.observe.Selection;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flanneld-j capture}: packets of the data path as a pcapng file. */
@Command(
        name = "capture",
        header =
                "Captures packets before and after encapsulation, both ways, with the reasons of those that are dropped.",
        description = {
            "Writes pcapng, for Wireshark and tshark: interface \"pods\" has packets as pods send and get them, interface \"wire\" as"
                    + " they go between nodes, and the comment of a dropped one says why it was dropped. Ends at a limit or by"
                    + " Ctrl-C. Live: ssh root@NODE flanneld-j capture -w - | wireshark -k -i -",
            "EXPRESSION selects by the inner packet, as tcpdump's do (pcap-filter(7)).",
            ""
        },
        footer = "Exit status: 0 captured, 1 there is nothing to see, and why, 2 wrong options, 3 no daemon answers.",
        sortOptions = false)
final class CaptureCommand extends HostCommand {
    private static final long MEGABYTE = 1_000_000;
    private static final int LONGEST_BYTES = 65_536;
    private static final int BUFFER_BYTES = 64 * 1024;

    private final String version;

    @Parameters(
            arity = "0..*",
            paramLabel = "EXPRESSION",
            description = "which packets, e.g. tcp port 80 and host 10.5.1.2")
    private List<String> expression = List.of();

    @Option(
            names = {"-w", "--write"},
            paramLabel = "FILE",
            description = "where to; - for standard output. A file that exists is left alone")
    private String file = "";

    @Option(names = "--force", description = "replace the file if it exists")
    private boolean force;

    @Mixin
    private PacketFlags packets = new PacketFlags();

    @Option(
            names = "--snaplen",
            paramLabel = "BYTES",
            description = "of each packet at most, its tunnel header included (whole packets)")
    private int snapBytes = LONGEST_BYTES;

    @Option(names = "--max-packets", paramLabel = "N", description = "end after so many packets")
    private long mostPackets = Long.MAX_VALUE;

    @Option(names = "--max-mb", paramLabel = "N", description = "end when the file has so many megabytes (a file: 100)")
    private long mostMegabytes;

    @Option(names = "--seconds", paramLabel = "N", description = "end after so many seconds")
    private long seconds;

    CaptureCommand(PrintWriter out, PrintWriter err, String version) {
        super(out, err, UNREACHABLE);
        this.version = version;
    }

    @Override
    int run() throws IOException, RefusedException {
        within("--snaplen", snapBytes, 1, LONGEST_BYTES);
        within("--max-packets", mostPackets, 1, Long.MAX_VALUE);
        within("--max-mb", mostMegabytes, 0, Long.MAX_VALUE);
        within("--seconds", seconds, 0, Long.MAX_VALUE);
        if (file.isEmpty()) {
            throw mistake("-w needs a value: a file, or - for standard output");
        }
        packets.check();
        needRoot();
        try (Ending ending = Ending.after(seconds);
                Expression filter = Expression.of(expression)) {
            Selection selection;
            DaemonFacts facts;
            try (Host host = look()) {
                selection = packets.selection(host, Set.of(Point.values()), this::say);
                facts = host.daemon() == null ? DaemonFacts.NONE : host.daemon();
            }
            try (InputStream coming = daemon().open(selection.request(snapBytes, 0));
                    OutputStream to = open()) {
                ending.closes(coming);
                write(coming, to, selection, filter, facts, ending);
            }
            return GOOD;
        } catch (IllegalArgumentException e) {
            throw mistake("EXPRESSION: " + e.getMessage());
        }
    }

    private OutputStream open() throws IOException, RefusedException {
        out.flush();
        return new BufferedOutputStream(
                file.equals("-") ? new FileOutputStream(FileDescriptor.out) : CaptureFile.create(file, force),
                BUFFER_BYTES);
    }

    private void write(
            InputStream coming,
            OutputStream to,
            Selection selection,
            Expression filter,
            DaemonFacts facts,
            Ending ending)
            throws IOException {
        Capture capture = new Capture(
                to,
                "flanneld-j " + version,
                "node " + facts.node() + ", " + facts.backend() + ", " + String.join(", ", facts.subnets()),
                outer(facts));
        Writer writer = new Writer(capture, to, selection, filter);
        try {
            EventReader.read(coming, writer);
        } catch (IOException e) {
            if (!ending.isOver() && !writer.isGone) {
                throw e;
            }
        } finally {
            if (!writer.isGone) {
                to.flush();
            }
            say(capture, writer);
        }
        if (!ending.isOver() && !writer.isGone && !writer.isFull()) {
            throw new IOException("the daemon has stopped");
        }
    }

    private static OuterPacket outer(DaemonFacts facts) {
        int port = facts.endpoints().stream()
                .filter(end -> end.protocol() == InnerPacket.UDP)
                .mapToInt(DaemonFacts.Endpoint::port)
                .findFirst()
                .orElse(0);
        return new OuterPacket(facts.node(), port);
    }

    private void say(Capture capture, Writer writer) {
        err.println(capture.packets() + " packets captured" + (file.equals("-") ? "" : " to " + file) + ", "
                + writer.counts.lost() + " lost for want of room"
                + (capture.unknown() == 0
                        ? ""
                        : "; " + capture.unknown() + " dropped ones left out, which are no IP packets: see observe"));
        err.flush();
    }

    /** Writes what is wanted, up to the limits. */
    private final class Writer implements EventReader.Listener {
        private final Capture capture;
        private final OutputStream to;
        private final Selection selection;
        private final Expression filter;
        private EventCounts counts = EventCounts.NONE;
        private boolean isGone;

        Writer(Capture capture, OutputStream to, Selection selection, Expression filter) {
            this.capture = capture;
            this.to = to;
            this.selection = selection;
            this.filter = filter;
        }

        @Override
        public boolean packet(PacketEvent event) throws IOException {
            if (selection.takes(event) && filter.takes(event)) {
                try {
                    capture.add(event);
                } catch (IOException e) {
                    isGone = true; // who read the pipe
                    throw e;
                }
            }
            return !isFull();
        }

        @Override
        public boolean pause(EventCounts now) throws IOException {
            counts = now;
            try {
                to.flush();
            } catch (IOException e) {
                isGone = true;
                throw e;
            }
            return true;
        }

        boolean isFull() {
            long most = mostMegabytes > 0 ? mostMegabytes : file.equals("-") ? Long.MAX_VALUE / MEGABYTE : 100;
            return capture.packets() >= mostPackets || capture.bytes() >= most * MEGABYTE;
        }
    }

    /** A filter expression; none takes everything. */
    private record Expression(@Nullable PcapFilter filter) implements AutoCloseable {
        static Expression of(List<String> words) throws IOException, RefusedException {
            if (words.isEmpty()) {
                return new Expression(null);
            }
            try {
                return new Expression(PcapFilter.compile(String.join(" ", words)));
            } catch (IOException e) {
                throw new RefusedException(String.valueOf(e.getMessage()));
            }
        }

        boolean takes(PacketEvent event) {
            if (filter == null) {
                return true;
            }
            int from = event.innerAt();
            return from >= 0
                    && from < event.data().length
                    && filter.matches(
                            Arrays.copyOfRange(event.data(), from, event.data().length), event.length() - from);
        }

        @Override
        public void close() {
            if (filter != null) {
                filter.close();
            }
        }
    }
}
