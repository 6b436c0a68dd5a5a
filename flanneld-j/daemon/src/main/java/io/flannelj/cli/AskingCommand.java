package io.flannelj.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;

/** A command that shows what a running daemon answers: as a table for people, or as JSON. */
abstract class AskingCommand implements Callable<Integer> {
    /** Everything is well. */
    static final int GOOD = 0;

    /** The daemon answers, but is not ready; or only root may ask it. */
    static final int NOT_READY = 1;

    /** No daemon answers. */
    static final int UNREACHABLE = 3;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final PrintWriter out;
    private final PrintWriter err;
    private final String path;

    @Mixin
    private InstanceFlags instance = new InstanceFlags();

    @Mixin
    private OutputFlag output = new OutputFlag();

    @Mixin
    HelpFlag help = new HelpFlag();

    AskingCommand(PrintWriter out, PrintWriter err, String path) {
        this.out = out;
        this.err = err;
        this.path = path;
    }

    /**
     * Prints the answer for people.
     *
     * @return the exit status
     */
    abstract int show(JsonNode answer, PrintWriter to);

    /** The exit status that the answer stands for. */
    abstract int status(JsonNode answer);

    @Override
    public Integer call() {
        if (!output.isKnown(err)) {
            return CommandLine.USAGE;
        }
        try {
            JsonNode answer = JSON.readTree(new ControlClient(instance.controlSocket()).get(path));
            if (!output.isJson()) {
                return show(answer, out);
            }
            out.println(answer.toPrettyString());
            return status(answer);
        } catch (AccessDeniedException e) {
            err.println(e.getMessage());
            return NOT_READY;
        } catch (IOException e) {
            err.println(e.getMessage());
            return UNREACHABLE;
        } finally {
            out.flush();
            err.flush();
        }
    }
}
