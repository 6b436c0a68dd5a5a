package io.flannelj.cli;

import com.fasterxml.jackson.databind.JsonNode;
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
                    peer.path("subnet").asText(),
                    peer.path("publicIp").asText(),
                    peer.path("backend").asText(),
                    peer.path("packetsOut").asText("-"),
                    peer.path("bytesOut").asText("-"),
                    peer.path("packetsIn").asText("-"),
                    peer.path("bytesIn").asText("-"));
        }
        return GOOD;
    }
}
