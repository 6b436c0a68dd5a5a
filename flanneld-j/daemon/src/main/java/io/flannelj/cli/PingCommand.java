package io.flannelj.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.explain.Explainer;
import io.flannelj.explain.Explanation;
import io.flannelj.explain.Finding;
import io.flannelj.explain.Host;
import io.flannelj.explain.PathFacts;
import io.flannelj.explain.PathPing;
import io.flannelj.explain.Verdict;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PlainText;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code flanneld-j ping}: how the path to another node is, both ways. */
@Command(
        name = "ping",
        header = "Probes the path to another node through the tunnel: time, size of packets, segmentation; both ways.",
        description = {
            "NODE is a node's address, or a pod of it by name (NAMESPACE/NAME, or the container's id) or address. The daemon"
                    + " sends the probes, and the other node is asked for its own.",
            ""
        },
        footer = {
            "Exit status: 0 packets pass as they should, 1 this host cannot be looked at, or NODE is not known, 2 wrong options,"
                    + " 4 not all is known, 5 packets pass, but not as they should, 11 they do not pass."
        })
final class PingCommand extends HostCommand {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Parameters(index = "0", paramLabel = "NODE", description = "a node, or a pod of it")
    private String target = "";

    @Mixin
    private OutputFlag output = new OutputFlag();

    PingCommand(PrintWriter out, PrintWriter err) {
        super(out, err, REFUSED);
    }

    @Override
    int run() throws IOException, RefusedException {
        try (Host host = look()) {
            for (IpAddress address : new Explainer(host).resolve(target)) {
                Optional<PathPing.Report> report = PathPing.of(host, address);
                if (report.isPresent()) {
                    return show(report.get());
                }
            }
            throw new RefusedException(target + " is no other node with a lease that is used, nor a pod of one");
        }
    }

    private int show(PathPing.Report report) {
        int status = report.explanation().outcome().exitStatus();
        if (output.isJson()) {
            OutputFlag.print(out, json(report));
            return status;
        }
        out.println(
                report.peer().address() + ", " + String.join(", ", report.peer().subnets()) + ", "
                        + PlainText.escape(report.peer().backend()));
        report.there().forEach(path -> print("there", path));
        report.back().forEach(path -> print("back", path));
        if (!report.backProblem().isEmpty()) {
            out.println("back   not known: " + report.backProblem());
        }
        out.println();
        hint(report.explanation());
        return status;
    }

    private void print(String way, PathFacts path) {
        List<Double> times = path.roundTripMillis();
        out.printf(
                Locale.ROOT,
                "%-6s %s: %d of %d answered%s%n",
                way,
                PlainText.escape(path.device()),
                times.size(),
                path.sent(),
                times.isEmpty()
                        ? ""
                        : times.stream()
                                .map(time -> String.format(Locale.ROOT, "%.2f", time))
                                .collect(Collectors.joining(" ", ", round trip ", " ms")));
        out.printf(
                "       size: %s; runs of datagrams: %s%n",
                path.mtuBytes() == 0 ? "not found" : path.mtuBytes() + " bytes pass, of " + path.tunnelMtuBytes(),
                switch (path.segmentation()) {
                    case NOT_KNOWN -> path.sendsRuns() ? "not known" : "not sent";
                    case WORKS -> "arrive";
                    case DAMAGES -> "are lost or damaged";
                });
        if (path.losesChecksums()) {
            out.println("       UDP checksums: lost with one, sent without");
        }
    }

    private void hint(Explanation explanation) {
        Optional<Finding> named = explanation.first();
        if (named.isEmpty()) {
            out.println(
                    explanation.outcome() == Explanation.Outcome.HEALTHY
                            ? "packets pass as they should"
                            : explanation.findings().stream()
                                    .filter(finding -> finding.verdict() == Verdict.UNKNOWN)
                                    .map(Finding::evidence)
                                    .findFirst()
                                    .orElse("not all is known"));
            return;
        }
        out.println(named.get().evidence());
        out.println(explanation.remedyLine(named.get()));
    }

    private static ObjectNode json(PathPing.Report report) {
        ObjectNode node = JSON.createObjectNode()
                .put("node", report.peer().address())
                .put("backend", report.peer().backend())
                .put("outcome", report.explanation().outcome().label());
        node.set("subnets", JSON.valueToTree(report.peer().subnets()));
        node.set("there", JSON.valueToTree(report.there()));
        node.set("back", JSON.valueToTree(report.back()));
        report.explanation()
                .first()
                .ifPresent(finding -> node.put("evidence", finding.evidence()).put("remedy", finding.remedy()));
        return node;
    }
}
