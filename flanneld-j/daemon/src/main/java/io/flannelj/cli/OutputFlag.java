package io.flannelj.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.PlainText;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code -o json}, the same for every command that shows something. */
final class OutputFlag {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    private boolean json;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "json",
            scope = ScopeType.INHERIT,
            order = 2,
            description = "print JSON instead of text")
    void form(String output) {
        if (!output.equals("json")) {
            throw new ParameterException(
                    command.commandLine(), "-o must be json, was \"" + PlainText.escape(output) + "\"");
        }
        json = true;
    }

    boolean isJson() {
        return json;
    }

    /** Prints JSON on lines of their own, fit for a terminal. */
    static void print(PrintWriter out, JsonNode node) {
        out.println(PlainText.escapeLines(node.toPrettyString()));
    }
}
