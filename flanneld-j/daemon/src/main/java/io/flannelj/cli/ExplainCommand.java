package io.flannelj.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.explain.Budget;
import io.flannelj.explain.Explainer;
import io.flannelj.explain.Explanation;
import io.flannelj.explain.Finding;
import io.flannelj.explain.Host;
import io.flannelj.explain.LiveExplainer;
import io.flannelj.explain.Question;
import io.flannelj.explain.filter.Passage;
import io.flannelj.net.IpAddress;
import io.flannelj.observe.TimeText;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flanneld-j explain}: which link of the way from A to B is broken. */
@Command(
        name = "explain",
        header = "Shows the way of packets from A to B, link by link, and names the first that is broken.",
        description = {
            "A and B are each a pod by name (NAMESPACE/NAME, or the container's id), a pod's address, a node's, or any other"
                    + " address. Run it on the node of A or of B; the other node is asked through the tunnel.",
            ""
        },
        footer = {
            "Exit status: 0 no link is broken, 1 this host cannot be looked at, or A or B is not known, 2 wrong options,"
                    + " 4 no link is known to be broken, and not all are known, 5 packets pass, but not as they should, 10 broken on this node, 11 between the nodes,"
                    + " 12 on the other node."
        },
        sortOptions = false)
final class ExplainCommand extends HostCommand {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LEAST_NODE_WIDTH = 16;
    private static final int LONGEST_WAIT_SECONDS = 60;

    @Parameters(index = "0", paramLabel = "A", description = "who sends")
    private String from = "";

    @Parameters(index = "1", paramLabel = "B", description = "who receives")
    private String to = "";

    @Option(names = "--port", paramLabel = "PORT", description = "destination port; also looks who listens there")
    private int port;

    @Option(names = "--proto", paramLabel = "tcp|udp|icmp", description = "protocol (tcp with --port, else icmp)")
    private String protocol = "";

    @Option(
            names = "--tables",
            description = "send nothing but the question to the other node: no ARP, no ping, no packet from A to B")
    private boolean tables;

    @Option(
            names = "--live",
            description = "wait for the next real packet from A to B, and tell what became of it on both nodes")
    private boolean live;

    @Option(names = "--dropped", description = "with --live: wait for the next one that is dropped")
    private boolean dropped;

    @Option(names = "--wait", paramLabel = "TIME", description = "with --live: how long, e.g. 30s, at most 60s (30s)")
    private @Nullable String wait;

    @Option(
            names = "--cni-data-dir",
            paramLabel = "DIR",
            description = "where the CNI plugin keeps pods, beside where the daemon knows them to be")
    private List<Path> cniDirectories = List.of();

    @Option(
            names = "--subnet-file",
            paramLabel = "FILE",
            description = "as the daemon's; read while no daemon answers (/run/flannel/subnet.env)")
    private @Nullable Path subnetFile;

    @Mixin
    private OutputFlag output = new OutputFlag();

    ExplainCommand(PrintWriter out, PrintWriter err) {
        super(out, err, REFUSED);
    }

    @Override
    int run() throws IOException, RefusedException {
        Optional<Integer> number = protocolNumber();
        if (number.isEmpty() || port < 0 || port > 65_535 || (number.get() == Passage.ICMP) != (port == 0)) {
            throw mistake("--proto must be tcp or udp with --port from 1 to 65535, or icmp without");
        }
        Duration longest = TimeText.length(wait == null ? "30s" : wait).orElse(Duration.ZERO);
        if (!live && (dropped || wait != null)) {
            throw mistake((dropped ? "--dropped" : "--wait") + " needs --live");
        }
        if (longest.toSeconds() < 1 || longest.toSeconds() > LONGEST_WAIT_SECONDS) {
            throw mistake("--wait must be 1s to " + LONGEST_WAIT_SECONDS + "s, was \"" + wait + "\"");
        }
        needRoot();
        try (Host host = Host.look(daemon(), cniDirectories, subnetFile())) {
            return explain(host, number.get(), longest);
        } catch (IllegalArgumentException e) {
            throw mistake(e.getMessage());
        }
    }

    private Path subnetFile() {
        return subnetFile == null ? instance.instance().subnetFile() : subnetFile;
    }

    private Optional<Integer> protocolNumber() {
        return switch (protocol.toLowerCase(Locale.ROOT)) {
            case "" -> Optional.of(port == 0 ? Passage.ICMP : Passage.TCP);
            case "tcp" -> Optional.of(Passage.TCP);
            case "udp" -> Optional.of(Passage.UDP);
            case "icmp" -> Optional.of(Passage.ICMP);
            default -> Optional.empty();
        };
    }

    /** As the operator counts it: with the time that Java took to start. */
    private static Duration sinceStart() {
        return ProcessHandle.current()
                .info()
                .startInstant()
                .map(start -> Duration.between(start, Instant.now()))
                .orElse(Duration.ZERO);
    }

    private int explain(Host host, int number, Duration longest) throws IOException, RefusedException {
        Budget budget = new Budget(System::nanoTime, sinceStart());
        Explainer explainer = new Explainer(host);
        List<IpAddress> senders = explainer.resolve(from);
        List<IpAddress> receivers = explainer.resolve(to);
        for (IpAddress sender : senders) {
            for (IpAddress receiver : receivers) {
                if (sender.isIpv4() == receiver.isIpv4()) {
                    return show(
                            live
                                    ? live(host, sender, receiver, number, longest)
                                    : explainer.explain(new Question(sender, receiver, number, port, !tables), budget));
                }
            }
        }
        String unknown = senders.isEmpty() ? from : to;
        throw new RefusedException(
                senders.isEmpty() || receivers.isEmpty()
                        ? unknown
                                + " is no address, and no pod that our CNI plugin wired here or on a node that"
                                + " answers"
                        : from + " and " + to + " have no addresses of one family");
    }

    private Explanation live(Host host, IpAddress sender, IpAddress receiver, int number, Duration longest)
            throws IOException {
        ControlClient daemon = daemon();
        LiveExplainer explainer = new LiveExplainer(host, request -> {
            try {
                return daemon.open(request);
            } catch (RefusedException e) {
                throw new IOException(e.getMessage(), e);
            }
        });
        int wanted = protocol.isEmpty() && port == 0 ? -1 : number;
        return explainer.await(new LiveExplainer.Wanted(sender, receiver, wanted, port, dropped, longest), () -> {
            err.println("waiting up to " + longest.toSeconds() + " s for a packet from " + sender + " to " + receiver
                    + (dropped ? " that is dropped" : ""));
            err.flush();
        });
    }

    private int show(Explanation explanation) {
        if (output.isJson()) {
            OutputFlag.print(out, json(explanation));
            return explanation.outcome().exitStatus();
        }
        out.println(explanation.from() + " → " + explanation.to());
        int width = explanation.findings().stream()
                .mapToInt(finding -> finding.node().length())
                .reduce(LEAST_NODE_WIDTH, Math::max);
        explanation.findings().forEach(finding -> print(finding, width));
        out.println();
        Optional<Finding> named = explanation.first();
        if (named.isPresent()) {
            print(named.get(), width);
            out.println(explanation.remedyLine(named.get()));
        } else {
            out.println(
                    explanation.outcome() == Explanation.Outcome.HEALTHY
                            ? live ? "the packet was delivered to the pod's side" : "no link is broken"
                            : "no link is known to be broken, and not all are known");
        }
        return explanation.outcome().exitStatus();
    }

    private void print(Finding finding, int width) {
        out.printf(
                "%-8s%-" + width + "s %-13s %s%n",
                finding.verdict().label(),
                finding.node(),
                finding.hop().label(),
                finding.evidence());
    }

    private static ObjectNode json(Explanation explanation) {
        ObjectNode node = JSON.createObjectNode()
                .put("from", explanation.from())
                .put("to", explanation.to())
                .put("outcome", explanation.outcome().label());
        ArrayNode links = node.putArray("links");
        explanation.findings().forEach(finding -> links.add(json(finding)));
        explanation.broken().ifPresent(broken -> node.set("broken", json(broken)));
        explanation.limited().ifPresent(limited -> node.set("limited", json(limited)));
        return node;
    }

    private static ObjectNode json(Finding finding) {
        ObjectNode node = JSON.createObjectNode()
                .put("verdict", finding.verdict().label())
                .put("node", finding.node())
                .put("link", finding.hop().label())
                .put("evidence", finding.evidence());
        return finding.remedy().isEmpty() ? node : node.put("remedy", finding.remedy());
    }
}
