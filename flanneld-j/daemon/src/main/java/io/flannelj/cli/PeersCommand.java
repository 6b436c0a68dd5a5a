package io.flannelj.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.PlainText;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code flanneld-j peers}: the other nodes, and the traffic with each. */
@Command(
        name = "peers",
        header = "Shows the other nodes as the running daemon knows them.",
        footer = "Exit status: 0 shown, 3 no daemon answers.")
final class PeersCommand extends AskingCommand {
    private static final int LEFT_COLUMNS = 2;

    /** Without the wide ones they fit 80 characters with IPv4 and up to a thousand million packets. */
    private static final List<Column> COLUMNS = List.of(
            new Column("SUBNET", false, peer -> text(peer, "subnet")),
            new Column("NODE", false, peer -> text(peer, "publicIp")),
            new Column("BACKEND", true, peer -> text(peer, "backend")),
            new Column("RTT", false, peer -> PathTexts.roundTrip(path(peer))),
            new Column("LOSS", false, peer -> PathTexts.loss(path(peer))),
            new Column("MTU", false, peer -> PathTexts.mtu(path(peer))),
            new Column("OFFLOAD", true, peer -> peer.path("superPackets").asText("-")),
            new Column("PACKETS OUT", false, peer -> peer.path("packetsOut").asText("-")),
            new Column("BYTES OUT", true, peer -> peer.path("bytesOut").asText("-")),
            new Column("PACKETS IN", false, peer -> peer.path("packetsIn").asText("-")),
            new Column("BYTES IN", true, peer -> peer.path("bytesIn").asText("-")));

    @Option(
            names = "--wide",
            description = "also backend, bytes, and whether large packets leave uncut, segmented or separate")
    private boolean wide;

    /**
     * A column of the table.
     *
     * @param onlyWide whether it is left out without {@code --wide}
     * @param value of a peer
     */
    private record Column(String title, boolean onlyWide, Function<JsonNode, String> value) {}

    PeersCommand(PrintWriter out, PrintWriter err) {
        super(out, err, "/v1/peers");
    }

    @Override
    int status(JsonNode answer) {
        return GOOD;
    }

    @Override
    void show(JsonNode answer, PrintWriter to) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(row(Column::title));
        answer.forEach(peer -> rows.add(row(column -> column.value().apply(peer))));
        int[] widths = new int[rows.get(0).size()];
        rows.forEach(row -> Arrays.setAll(
                widths, column -> Math.max(widths[column], row.get(column).length())));
        to.println(line(rows.get(0), widths));
        for (int i = 0; i < answer.size(); i++) {
            JsonNode peer = answer.path(i);
            to.println(line(rows.get(i + 1), widths));
            PathTexts.remarks(peer.path("paths")).forEach(remark -> to.printf("  %s%n", remark));
            if (peer.hasNonNull("problem")) {
                to.printf("  cannot be used: %s%n", text(peer, "problem"));
            }
        }
    }

    private List<String> row(Function<Column, String> cell) {
        return COLUMNS.stream()
                .filter(column -> wide || !column.onlyWide())
                .map(cell)
                .toList();
    }

    /** The first two columns to the left, numbers to the right, two spaces between. */
    private static String line(List<String> row, int[] widths) {
        return IntStream.range(0, widths.length)
                .mapToObj(column -> {
                    String space = " ".repeat(widths[column] - row.get(column).length());
                    return column < LEFT_COLUMNS ? row.get(column) + space : space + row.get(column);
                })
                .collect(Collectors.joining("  "));
    }

    private static JsonNode path(JsonNode peer) {
        return peer.path("paths").path(0);
    }

    private static String text(JsonNode peer, String field) {
        return PlainText.escape(peer.path(field).asText());
    }
}
