package io.flannelj.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.PlainText;
import java.io.PrintWriter;
import picocli.CommandLine.Command;

/** {@code flanneld-j peers}: the other nodes, and the traffic with each. */
@Command(
        name = "peers",
        header = "Shows the other nodes as the running daemon knows them.",
        footer = "Exit status: 0 shown, 3 no daemon answers.")
final class PeersCommand extends AskingCommand {
    PeersCommand(PrintWriter out, PrintWriter err) {
        super(out, err, "/v1/peers");
    }

    @Override
    int status(JsonNode answer) {
        return GOOD;
    }

    @Override
    int show(JsonNode answer, PrintWriter to) {
        String format = "%-20s %-16s %-10s %14s %14s %14s %14s%n";
        to.printf(format, "SUBNET", "NODE", "BACKEND", "PACKETS OUT", "BYTES OUT", "PACKETS IN", "BYTES IN");
        for (JsonNode peer : answer) {
            to.printf(
                    format,
                    text(peer, "subnet"),
                    text(peer, "publicIp"),
                    text(peer, "backend"),
                    peer.path("packetsOut").asText("-"),
                    peer.path("bytesOut").asText("-"),
                    peer.path("packetsIn").asText("-"),
                    peer.path("bytesIn").asText("-"));
            if (peer.hasNonNull("problem")) {
                to.printf("  cannot be used: %s%n", text(peer, "problem"));
            }
        }
        return GOOD;
    }

    private static String text(JsonNode peer, String field) {
        return PlainText.escape(peer.path(field).asText());
    }
}
