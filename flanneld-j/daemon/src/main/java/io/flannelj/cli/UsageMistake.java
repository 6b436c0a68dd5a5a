package io.flannelj.cli;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** A wrong command line, in one line that names what to change: the library's own words are for those who program. */
final class UsageMistake {
    private static final Map<Class<?>, String> KINDS = Map.of(
            int.class, "a whole number",
            long.class, "a whole number",
            double.class, "a number",
            boolean.class, "true or false");

    private final Map<String, String> environment;

    UsageMistake(Map<String, String> environment) {
        this.environment = environment;
    }

    String text(ParameterException e) {
        CommandSpec command = e.getCommandLine().getCommandSpec();
        if (e instanceof UnmatchedArgumentException unmatched) {
            return unknown(unmatched.getUnmatched().get(0), command);
        }
        if (e instanceof MissingParameterException missing) {
            return missing.getMissing().stream().map(UsageMistake::name).collect(Collectors.joining(", "))
                    + (missing.getMissing().get(0).isOption() ? " needs a value" : " is missing")
                    + help(command);
        }
        ArgSpec argument = e.getArgSpec();
        String kind = argument == null ? null : KINDS.get(argument.type());
        if (argument == null || kind == null || e.getValue() == null) {
            return String.valueOf(e.getMessage()).lines().findFirst().orElse("wrong usage") + help(command);
        }
        String value = e.getValue();
        return where(argument, value) + " must be " + kind + ", was \"" + value + "\"";
    }

    private static String unknown(String word, CommandSpec command) {
        boolean isFlag = word.startsWith("-");
        List<String> known = isFlag
                ? command.options().stream()
                        .flatMap(option -> List.of(option.names()).stream())
                        .toList()
                : List.copyOf(command.subcommands().keySet());
        String kind = isFlag ? "flag" : known.isEmpty() ? "argument" : "command";
        String name = isFlag ? word.replaceFirst("=.*$", "") : word;
        return "unknown " + kind + " " + name
                + FlagSyntax.nearest(word, known)
                        .map(near -> "; did you mean " + near + "?")
                        .orElse(help(command));
    }

    private static String help(CommandSpec command) {
        return "; see " + command.qualifiedName() + " --help";
    }

    private static String name(ArgSpec argument) {
        return argument instanceof OptionSpec option ? option.longestName() : argument.paramLabel();
    }

    /** The variable, where the value came from there. */
    private String where(ArgSpec argument, String value) {
        String name = name(argument);
        String variable = name.startsWith("--") ? FlagSyntax.variable(name.substring(2)) : "";
        return value.equals(environment.get(variable)) ? variable : name;
    }
}
