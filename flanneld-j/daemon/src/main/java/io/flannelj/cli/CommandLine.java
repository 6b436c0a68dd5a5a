package io.flannelj.cli;

import io.flannelj.config.ConfigException;
import io.flannelj.lease.StoreException;
import java.io.PrintWriter;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** Reads the command line: flags for the daemon, or one of the operator's commands, which is carried out here. */
public final class CommandLine {
    /** Wrong flags or configuration. */
    public static final int USAGE = 2;

    private final Map<String, String> environment;
    private final PrintWriter out;
    private final PrintWriter err;
    private final String version;
    private final StoreOpener stores;
    private final UsageMistake mistakes;

    public CommandLine(
            Map<String, String> environment, PrintWriter out, PrintWriter err, String version, StoreOpener stores) {
        this.environment = environment;
        this.out = out;
        this.err = err;
        this.version = version;
        this.stores = stores;
        this.mistakes = new UsageMistake(environment);
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
            return switch (arguments[0]) {
                case "help" ->
                    read(arguments.length > 1 ? new String[] {arguments[1], "--help"} : new String[] {"--help"});
                case "version" -> read("--version");
                default -> new Invocation.Done(operatorCommand(arguments));
            };
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
            FlagSyntax.unknownVariables(environment, flagNames(parser)).forEach(err::println);
            err.flush();
            return new Invocation.RunDaemon(flags.toOptions(environment), flags.verbosity() > 0);
        } catch (ParameterException e) {
            err.println(mistakes.text(e));
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
            err.println("unknown command " + arguments[0]
                    + FlagSyntax.nearest(arguments[0], words(parser))
                            .map(name -> "; did you mean " + name + "?")
                            .orElse("; see flanneld-j help"));
            err.flush();
            return USAGE;
        }
        return parser.setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((mistake, words) -> {
                    err.println(mistakes.text(mistake));
                    err.flush();
                    return USAGE;
                })
                .execute(arguments);
    }

    /** The commands, and the words that stand for a flag. */
    private static List<String> words(picocli.CommandLine parser) {
        return Stream.concat(parser.getSubcommands().keySet().stream(), Stream.of("help", "version"))
                .toList();
    }

    /** The program with all its commands, for those who describe it. */
    picocli.CommandLine parser() {
        return parser(new FlannelFlags());
    }

    private picocli.CommandLine parser(FlannelFlags flags) {
        return SectionedHelp.on(new picocli.CommandLine(flags)
                .setOverwrittenOptionsAllowed(true) // as in Go, the last one counts
                .addSubcommand("status", new StatusCommand(out, err))
                .addSubcommand("peers", new PeersCommand(out, err))
                .addSubcommand("explain", new ExplainCommand(out, err))
                .addSubcommand("ping", new PingCommand(out, err))
                .addSubcommand("observe", new ObserveCommand(out, err))
                .addSubcommand("capture", new CaptureCommand(out, err, version))
                .addSubcommand("doctor", new DoctorCommand(environment, out, err, stores))
                .addSubcommand("report", new ReportCommand(environment, out, err, version, stores))
                .addSubcommand("replay", new ReplayCommand(out, err, Clock.systemUTC()))
                .addSubcommand("leases", LeasesCommand.create(environment, out, err, stores))
                .addSubcommand("cleanup", new CleanupCommand(out, err))
                .addSubcommand("docker-opts", new DockerOptsCommand(out, err))
                .addSubcommand("bench", new BenchCommand(out)));
    }

    private static List<String> flagNames(picocli.CommandLine parser) {
        return parser.getCommandSpec().options().stream()
                .flatMap(option -> Stream.of(option.names()))
                .filter(name -> name.startsWith("--"))
                .map(name -> name.substring(2))
                .toList();
    }

    private String fromEnvironment(ArgSpec argument) {
        if (argument instanceof OptionSpec option && option.longestName().startsWith("--")) {
            String value =
                    environment.get(FlagSyntax.variable(option.longestName().substring(2)));
            return value == null ? argument.defaultValue() : value;
        }
        return argument.defaultValue();
    }

    private Invocation refused() {
        err.flush();
        return new Invocation.Done(USAGE);
    }
}
