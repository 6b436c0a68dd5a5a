package io.flannelj.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.PlainText;
import java.io.PrintWriter;
import java.util.HashSet;
import java.util.Set;
import picocli.CommandLine.Command;

/** {@code flanneld-j status}: what the daemon is doing, and what it is waiting for. */
@Command(
        name = "status",
        header = "Shows the state of the running daemon.",
        footer = "Exit status: 0 ready, 1 running but not ready, 3 no daemon answers.")
final class StatusCommand extends AskingCommand {
    StatusCommand(PrintWriter out, PrintWriter err) {
        super(out, err, "/v1/status");
    }

    @Override
    int status(JsonNode answer) {
        return answer.path("ready").asBoolean() ? GOOD : REFUSED;
    }

    @Override
    void show(JsonNode answer, PrintWriter to) {
        line(to, "state", answer.path("state").asText());
        for (JsonNode reason : answer.path("reasons")) {
            line(to, "", reason.asText());
        }
        line(
                to,
                "node",
                answer.path("publicIp").asText() + " on "
                        + answer.path("uplink").asText());
        line(to, "network", answer.path("network").asText());
        line(to, "subnet", answer.path("subnet").asText());
        line(to, "lease until", answer.path("leaseExpires").asText());
        line(
                to,
                "backend",
                answer.path("backend").asText() + " on " + answer.path("device").asText() + ", MTU "
                        + answer.path("mtu").asText());
        for (JsonNode device : answer.path("superPackets")) {
            line(to, "offload", device.asText());
        }
        int refused = answer.path("refusedLeases").asInt();
        int unreached = answer.path("unusablePeers").size() - refused;
        line(
                to,
                "peers",
                answer.path("peers").asText()
                        + (unreached == 0 ? "" : ", " + unreached + " of them not reached: see flanneld-j peers"));
        line(
                to,
                "refused",
                refused == 0 ? "none" : refused + (refused == 1 ? " lease" : " leases") + ": see flanneld-j peers");
        line(to, "store", answer.path("store").path("location").asText() + ", " + store(answer.path("store")));
        JsonNode traffic = answer.path("traffic");
        if (traffic.isObject()) {
            line(
                    to,
                    "packets",
                    traffic.path("outDelivered").asText() + " out, "
                            + traffic.path("inDelivered").asText() + " in");
            Set<String> lossless = new HashSet<>();
            traffic.path("lossless").forEach(key -> lossless.add(key.asText()));
            StringBuilder drops = new StringBuilder();
            traffic.path("drops").properties().forEach(drop -> {
                if (drop.getValue().asLong() > 0 && !lossless.contains(drop.getKey())) {
                    drops.append(drops.isEmpty() ? "" : ", ")
                            .append(drop.getKey())
                            .append(' ')
                            .append(drop.getValue());
                }
            });
            line(to, "dropped", drops.isEmpty() ? "none" : drops.toString());
        }
        line(to, "version", answer.path("version").asText());
    }

    private static String store(JsonNode store) {
        long lag = store.path("lagRevisions").asLong();
        return !store.path("reachable").asBoolean()
                ? "does not answer"
                : "answers" + (lag == 0 ? "" : ", " + lag + " revisions behind");
    }

    private static void line(PrintWriter to, String label, String value) {
        to.printf("%-12s %s%n", label, value.isEmpty() || value.equals("null") ? "-" : PlainText.escape(value));
    }
}
