package io.flannelj.cli;

import io.flannelj.config.ConfigException;
import io.flannelj.lease.StoreException;
import java.io.PrintWriter;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
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
        picocli.CommandLine parser = parser(CommandSpec.forAnnotatedObject(flags), Set.of());
        try {
            parser.parseArgs(normalised);
            if (flags.wantsHelp()) {
                parser().usage(out);
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
        String name = arguments[0];
        if (!commands().containsKey(name)) {
            err.println("unknown command " + name
                    + FlagSyntax.nearest(name, words())
                            .map(near -> "; did you mean " + near + "?")
                            .orElse("; see flanneld-j help"));
            err.flush();
            return USAGE;
        }
        return parser(CommandSpec.create().name(FlannelFlags.PROGRAM), Set.of(name))
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((mistake, words) -> {
                    err.println(mistakes.text(mistake));
                    err.flush();
                    return USAGE;
                })
                .execute(arguments);
    }

    /** The commands, and the words that stand for a flag. */
    private List<String> words() {
        return Stream.concat(commands().keySet().stream(), Stream.of("help", "version"))
                .toList();
    }

    /** The program with all its commands, for those who describe it. */
    picocli.CommandLine parser() {
        return parser(
                CommandSpec.forAnnotatedObject(new FlannelFlags()), commands().keySet());
    }

    /** With those commands alone that are needed: to read the annotations of all of them takes half of a command's time. */
    private picocli.CommandLine parser(CommandSpec program, Set<String> names) {
        picocli.CommandLine parser =
                new picocli.CommandLine(program).setOverwrittenOptionsAllowed(true); // as in Go, the last one counts
        commands().forEach((name, command) -> {
            if (names.contains(name)) {
                parser.addSubcommand(name, command.get());
            }
        });
        return SectionedHelp.on(parser).setDefaultValueProvider(this::fromEnvironment);
    }

    /** Each command by its name, in the order of the help. */
    private Map<String, Supplier<Object>> commands() {
        Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
        commands.put("status", () -> new StatusCommand(out, err));
        commands.put("peers", () -> new PeersCommand(out, err));
        commands.put("explain", () -> new ExplainCommand(out, err));
        commands.put("ping", () -> new PingCommand(out, err));
        commands.put("observe", () -> new ObserveCommand(out, err));
        commands.put("capture", () -> new CaptureCommand(out, err, version));
        commands.put("doctor", () -> new DoctorCommand(environment, out, err, stores));
        commands.put("report", () -> new ReportCommand(environment, out, err, version, stores));
        commands.put("replay", () -> new ReplayCommand(out, err, Clock.systemUTC()));
        commands.put("leases", () -> LeasesCommand.create(environment, out, err, stores));
        commands.put("cleanup", () -> new CleanupCommand(out, err));
        commands.put("docker-opts", () -> new DockerOptsCommand(out, err));
        commands.put("bench", () -> new BenchCommand(out));
        return commands;
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
