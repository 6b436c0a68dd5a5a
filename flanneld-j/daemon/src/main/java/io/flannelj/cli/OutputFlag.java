package io.flannelj.cli;

import java.io.PrintWriter;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** {@code -o json}, the same for every command that shows something. */
final class OutputFlag {
    @Option(
            names = {"-o", "--output"},
            paramLabel = "json",
            scope = ScopeType.INHERIT,
            description = "print JSON instead of text")
    private String output = "";

    /** Whether what was asked for is known; says so where it is not. */
    boolean isKnown(PrintWriter err) {
        if (output.isEmpty() || isJson()) {
            return true;
        }
        err.println("-o: only json is known, was \"" + output + "\"");
        return false;
    }

    boolean isJson() {
        return output.equals("json");
    }
}
