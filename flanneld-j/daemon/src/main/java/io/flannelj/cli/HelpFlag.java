package io.flannelj.cli;

import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** {@code --help}, the same for every command. */
final class HelpFlag {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            order = 3,
            description = "print this")
    @SuppressWarnings("UnusedVariable") // picocli reads it
    private boolean help;
}
