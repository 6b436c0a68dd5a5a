package io.flannelj.cli;

import io.flannelj.config.ConfigException;
import io.flannelj.lease.StoreException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Reads the command line: flags for the daemon, or one of the operator's commands, which is carried out here. */
public final class CommandLine {
    /** Wrong flags or configuration. */
    public static final int USAGE = 2;

    private final Map<String, String> environment;
    private final PrintWriter out;
    private final PrintWriter err;
    private final String version;
    private final StoreOpener stores;

    public CommandLine(
            Map<String, String> environment, PrintWriter out, PrintWriter err, String version, StoreOpener stores) {
        this.environment = environment;
        this.out = out;
        this.err = err;
        this.version = version;
        this.stores = stores;
    }

    /** For flags alone: commands find no store. */
    public CommandLine(Map<String, String> environment, PrintWriter out, PrintWriter err, String version) {
        this(environment, out, err, version, options -> {
            throw new StoreException("no store can be reached from here");
        });
    }

    /** Reads, and answers what can be answered at once. */
    public Invocation read(String... arguments) {
        if (arguments.length > 0 && !arguments[0].startsWith("-")) {
            return new Invocation.Done(operatorCommand(arguments));
        }
        String[] normalised = FlagSyntax.normalised(arguments);
        FlannelFlags flags = new FlannelFlags();
        picocli.CommandLine parser = parser(flags);
        parser.setDefaultValueProvider(this::fromEnvironment);
        try {
            parser.parseArgs(normalised);
            if (flags.wantsHelp()) {
                parser.usage(out);
                out.flush();
                return new Invocation.Done(0);
            }
            if (flags.wantsVersion()) {
                err.println("flanneld-j " + version);
                err.flush();
                return new Invocation.Done(0);
            }
            return new Invocation.RunDaemon(flags.toOptions(environment), flags.verbosity() > 0);
        } catch (UnmatchedArgumentException e) {
            String unknown = e.getUnmatched().get(0);
            String hint = FlagSyntax.nearest(unknown, names(parser))
                    .map(name -> "; did you mean " + name + "?")
                    .orElse("; see --help");
            err.println("unknown flag or argument " + unknown + hint);
            return refused();
        } catch (ParameterException e) {
            err.println(e.getMessage());
            return refused();
        } catch (ConfigException e) {
            err.println(e.getMessage());
            return refused();
        }
    }

    private int operatorCommand(String... arguments) {
        picocli.CommandLine parser = parser(new FlannelFlags());
        parser.setDefaultValueProvider(this::fromEnvironment);
        if (!parser.getSubcommands().containsKey(arguments[0])) {
            err.println("unknown command " + arguments[0] + "; there are: "
                    + String.join(", ", parser.getSubcommands().keySet()));
            err.flush();
            return USAGE;
        }
        return parser.setOut(out).setErr(err).execute(arguments);
    }

    private picocli.CommandLine parser(FlannelFlags flags) {
        return new picocli.CommandLine(flags)
                .setUsageHelpWidth(100)
                .setOverwrittenOptionsAllowed(true) // as in Go, the last one counts
                .addSubcommand("status", new StatusCommand(out, err))
                .addSubcommand("peers", new PeersCommand(out, err))
                .addSubcommand("leases", LeasesCommand.create(environment, out, err, stores))
                .addSubcommand("cleanup", new CleanupCommand(out, err))
                .addSubcommand("docker-opts", new DockerOptsCommand(err))
                .addSubcommand("bench", new BenchCommand(out, err));
    }

    private String fromEnvironment(ArgSpec argument) {
        if (argument instanceof OptionSpec option && option.longestName().startsWith("--")) {
            String value =
                    environment.get(FlagSyntax.variable(option.longestName().substring(2)));
            return value == null ? argument.defaultValue() : value;
        }
        return argument.defaultValue();
    }

    private static List<String> names(picocli.CommandLine parser) {
        return parser.getCommandSpec().options().stream()
                .map(OptionSpec::longestName)
                .toList();
    }

    private Invocation refused() {
        err.flush();
        return new Invocation.Done(USAGE);
    }
}
