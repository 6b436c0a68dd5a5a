package io.flannelj.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.config.PathOptions;
import io.flannelj.net.Cidr;
import io.flannelj.net.PlainText;
import io.flannelj.observe.TimeText;
import io.flannelj.recorder.Change;
import io.flannelj.recorder.Event;
import io.flannelj.recorder.EventFiles;
import io.flannelj.recorder.Facts;
import io.flannelj.recorder.Replay;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flanneld-j replay}: what this node knew and decided at an earlier time. */
@Command(
        name = "replay",
        header = "Shows what this node knew of leases at an earlier time, and what it decided.",
        description = {
            "The daemon writes down each change of its lease, of other nodes' leases and of what it makes of them, in its state"
                    + " directory: 8 MiB, the oldest go first. With ADDRESS it shows who had it then, and how that came.",
            ""
        },
        footer = "Exit status: 0 shown, 1 nothing is written down, or not of that time, 2 wrong options.",
        sortOptions = false)
final class ReplayCommand extends HostCommand {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LATEST = 10;
    private static final int MOST_ABOUT = 100;

    private final Clock clock;

    @Parameters(index = "0", arity = "0..1", paramLabel = "ADDRESS", description = "an address or a subnet of pods")
    private @Nullable String address;

    @Option(
            names = "--at",
            paramLabel = "TIME",
            description = "as 2026-11-30T02:10:00Z, or 90s, 15m, 6h, 2d for so long ago (now)")
    private String time = "0s";

    @Option(names = "--state-dir", paramLabel = "DIR", description = "as the daemon's (/var/lib/flannel-j)")
    private String stateDirectory = "";

    @Mixin
    private OutputFlag output = new OutputFlag();

    ReplayCommand(PrintWriter out, PrintWriter err, Clock clock) {
        super(out, err, REFUSED);
        this.clock = clock;
    }

    @Override
    int run() throws IOException, RefusedException {
        try {
            Instant at = at();
            Cidr about = about();
            PathOptions paths = PathOptions.of(instance.instance(), "", stateDirectory);
            Replay replay = new Replay(new EventFiles(paths.stateDirectory()).read());
            Instant begin = replay.begin().orElse(Instant.MAX);
            if (at.isBefore(begin)) {
                throw new RefusedException("nothing is written down of " + second(at)
                        + (begin.equals(Instant.MAX) ? "" : "; the first event is of " + second(begin)));
            }
            if (output.isJson()) {
                OutputFlag.print(out, json(replay, at, about));
            } else {
                show(replay, at, about);
            }
            return GOOD;
        } catch (IOException e) {
            throw new RefusedException("nothing is written down, or it cannot be read: " + e.getMessage()
                    + "; see --state-dir, and run it as root");
        }
    }

    private Instant at() {
        try {
            return TimeText.past(time, clock);
        } catch (IllegalArgumentException e) {
            throw mistake("--at " + e.getMessage());
        }
    }

    private @Nullable Cidr about() {
        try {
            return address == null ? null : Replay.parse(address);
        } catch (IllegalArgumentException e) {
            throw mistake("ADDRESS must be an address or a subnet, was \"" + address + "\"");
        }
    }

    private void show(Replay replay, Instant at, @Nullable Cidr about) {
        Facts facts = replay.at(at);
        Map<String, Instant> since = replay.sinceWhen(at);
        out.println("at " + second(at) + (facts.version().isEmpty() ? ", no daemon ran; known last:" : ""));
        if (about != null) {
            showOwner(facts, since, about);
            out.println();
            List<Event> events = replay.about(about);
            events.stream().skip(Math.max(0, events.size() - MOST_ABOUT)).forEach(this::print);
            return;
        }
        if (!facts.version().isEmpty()) {
            out.println("daemon    " + PlainText.escape(facts.version()));
        }
        out.println("network   " + PlainText.escape(facts.network()));
        out.println("own lease " + own(facts.own()));
        if (!facts.trouble().isEmpty()) {
            out.println("trouble   " + PlainText.escape(facts.trouble()));
        }
        out.println();
        out.printf("%-18s %-15s %-8s %s%n", "SUBNET", "NODE", "BACKEND", "SINCE");
        facts.peers().forEach((key, peer) -> {
            out.printf(
                    "%-18s %-15s %-8s %s%n",
                    PlainText.escape(peer.subnet()),
                    PlainText.escape(peer.node()),
                    PlainText.escape(peer.backend()),
                    second(since.get(key)));
            if (!peer.isUsed()) {
                out.println("  not used: " + PlainText.escape(peer.problem()));
            }
        });
        out.println();
        out.println("the latest changes until then:");
        replay.before(at, LATEST).forEach(this::print);
    }

    private void showOwner(Facts facts, Map<String, Instant> since, Cidr about) {
        boolean known = false;
        if (Replay.covers(facts.own().subnet(), about)) {
            out.println(text(about) + " was this node's: " + own(facts.own()));
            known = true;
        }
        for (Map.Entry<String, Facts.Peer> peer : facts.peers().entrySet()) {
            if (Replay.covers(peer.getValue().subnet(), about)) {
                out.println(text(about) + " was in " + text(peer.getValue()) + ", since "
                        + second(since.get(peer.getKey())));
                known = true;
            }
        }
        if (!known) {
            out.println("nobody had leased " + text(about) + ", as far as this node knew");
        }
    }

    /** A single address without its length. */
    private static String text(Cidr about) {
        return about.length() == about.family().bits() ? about.address().toString() : about.toString();
    }

    private static String own(Facts.Own own) {
        return own.state() == Facts.Own.State.NONE
                ? "none"
                : own.subnet() + (own.state() == Facts.Own.State.FENCED ? ", ended and not sent from" : "") + ", end "
                        + own.ends();
    }

    private static String text(Facts.Peer peer) {
        return PlainText.escape(peer.subnet()
                + (peer.node().isEmpty() ? "" : " of " + peer.node())
                + (peer.backend().isEmpty() ? "" : " by " + peer.backend())
                + (peer.isUsed() ? "" : ", not used: " + peer.problem()));
    }

    /** As the clock of who looks, with its offset, so that {@code --at} reads it again. */
    private static String second(@Nullable Instant time) {
        return time == null ? "-" : TimeText.seconds(time, ZoneId.systemDefault());
    }

    private static String utc(@Nullable Instant time) {
        return time == null ? "-" : time.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private void print(Event event) {
        out.println("  " + second(event.at()) + "  " + PlainText.escape(describe(event.change())));
    }

    private static String describe(Change change) {
        if (change instanceof Change.Started started) {
            return "flanneld-j " + started.version() + " started";
        } else if (change instanceof Change.Stopped) {
            return "flanneld-j stopped";
        } else if (change instanceof Change.Network network) {
            return "network: " + network.text();
        } else if (change instanceof Change.Lease lease) {
            return "own lease: " + own(lease.own());
        } else if (change instanceof Change.PeerIs is) {
            return "lease " + text(is.peer());
        } else if (change instanceof Change.PeerGone gone) {
            return "lease gone: " + gone.key();
        } else if (change instanceof Change.Trouble trouble) {
            return trouble.text().isEmpty() ? "trouble is over" : "trouble: " + trouble.text();
        }
        return "";
    }

    private static ObjectNode json(Replay replay, Instant at, @Nullable Cidr about) {
        Facts facts = replay.at(at);
        Map<String, Instant> since = replay.sinceWhen(at);
        ObjectNode node = JSON.createObjectNode()
                .put("at", at.toString())
                .put("version", facts.version())
                .put("network", facts.network())
                .put("trouble", facts.trouble());
        node.putObject("own")
                .put("subnet", facts.own().subnet())
                .put("state", facts.own().state().name().toLowerCase(Locale.ROOT))
                .put("ends", facts.own().ends());
        facts.peers().forEach((key, peer) -> {
            if (about == null || Replay.covers(peer.subnet(), about)) {
                node.withArray("peers")
                        .addObject()
                        .put("key", key)
                        .put("subnet", peer.subnet())
                        .put("node", peer.node())
                        .put("backend", peer.backend())
                        .put("problem", peer.problem())
                        .put("since", utc(since.get(key)));
            }
        });
        return node;
    }
}
