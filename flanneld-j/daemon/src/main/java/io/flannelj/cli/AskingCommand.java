package io.flannelj.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine.Mixin;

/** A command that shows what a running daemon answers: human-readable, or as JSON. */
abstract class AskingCommand extends HostCommand {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String path;

    @Mixin
    private OutputFlag output = new OutputFlag();

    AskingCommand(PrintWriter out, PrintWriter err, String path) {
        super(out, err, UNREACHABLE);
        this.path = path;
    }

    /** Prints the answer, human-readable. */
    abstract void show(JsonNode answer, PrintWriter to);

    /** The exit status that the answer stands for. */
    abstract int status(JsonNode answer);

    @Override
    final int run() throws IOException {
        JsonNode answer = JSON.readTree(daemon().get(path));
        if (output.isJson()) {
            OutputFlag.print(out, answer);
        } else {
            show(answer, out);
        }
        return status(answer);
    }
}
