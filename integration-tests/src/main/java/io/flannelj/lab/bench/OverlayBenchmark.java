package io.flannelj.lab.bench;

import io.flannelj.lab.Lab;
import io.flannelj.lab.LabException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Pod to pod across two nodes, for every contender in one interleaved run. */
@Command(
        name = "integration-tests/bench/overlay",
        description = "Measures overlays side by side, pod to pod across two nodes in network namespaces.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class OverlayBenchmark implements Callable<Integer> {
    private static final Path LOCK = Path.of("/run/flanneld-j-bench.lock");

    @Option(
            names = "--underlay",
            description = "wire (tso, gso and tx checksum off, gro on), on (as veth is), or both.")
    String underlay = "both";

    @Option(
            names = "--contenders",
            split = ",",
            description = "Only these, by name; kernel-vxlan is always among them.")
    List<String> only = List.of();

    @Option(
            names = "--java-options",
            description =
                    "flanneld-j-vxlan a second time with these options of Java, as flanneld-j-vxlan-java-options.")
    String javaOptions = "";

    @Option(
            names = "--environment",
            split = ",",
            description = "flanneld-j-vxlan a second time with these variables, as flanneld-j-vxlan-environment;"
                    + " flags are FLANNELD_PEER_PROBES=false and the like.")
    Map<String, String> environment = Map.of();

    @Option(names = "--before", description = "A distribution of another version, measured as flanneld-j-vxlan-before.")
    @Nullable
    Path before;

    @Option(names = "--repetitions", description = "Of everything (${DEFAULT-VALUE}).")
    int repetitions = 5;

    @Option(names = "--seconds", description = "Length of each measurement, whole seconds (${DEFAULT-VALUE}).")
    int seconds = 2;

    @Option(
            names = "--metrics",
            split = ",",
            description = "Of ${COMPLETION-CANDIDATES}, only these; others go with them.")
    Set<Metric> metrics = EnumSet.allOf(Metric.class);

    @Option(
            names = "--gc-seconds",
            description = "Afterwards, count our daemons' collections over so long (0: do not).")
    double collectionSeconds;

    @Option(names = "--out", description = "Where overlay.md, overlay.json and the charts go (${DEFAULT-VALUE}).")
    Path out = Path.of("integration-tests/target/bench");

    @Option(names = "--commit", hidden = true)
    String commit = "unknown";

    @Option(names = "--list", description = "Name the contenders, and what is missing for them, and end.")
    boolean list;

    private String command = "";

    public static void main(String[] arguments) {
        System.setOut(new PrintStream(System.out, true, StandardCharsets.UTF_8));
        OverlayBenchmark benchmark = new OverlayBenchmark();
        benchmark.command = "integration-tests/bench/overlay " + String.join(" ", withoutCommit(arguments));
        System.exit(new CommandLine(benchmark)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((failure, line, parsed) -> {
                    System.err.println(failure.getMessage());
                    return 1;
                })
                .execute(arguments));
    }

    private static List<String> withoutCommit(String[] arguments) {
        List<String> shown = new ArrayList<>(List.of(arguments));
        shown.removeIf(argument -> argument.startsWith("--commit="));
        return shown;
    }

    private List<Contender> contenders() {
        List<Contender> all = new ArrayList<>(KernelContenders.all());
        all.addAll(OwnContender.all());
        if (!javaOptions.isEmpty()) {
            all.add(OwnContender.withJavaOptions(javaOptions));
        }
        if (!environment.isEmpty()) {
            all.add(OwnContender.withEnvironment(environment));
        }
        if (before != null) {
            all.add(OwnContender.before(before));
        }
        all.add(new FlannelUdp());
        all.addAll(Tunnels.all());
        return all;
    }

    @Override
    public Integer call() throws IOException {
        List<Contender> all = contenders();
        if (list) {
            all.forEach(contender -> System.out.printf(
                    "%-28s %s%n", contender.name(), contender.missing().orElse("can take part")));
            return 0;
        }
        for (String name : only) {
            if (all.stream().noneMatch(contender -> contender.name().equals(name))) {
                System.err.println("no contender is called " + name + "; see --list");
                return 2;
            }
        }
        try (FileChannel channel = FileChannel.open(LOCK, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            FileLock lock = channel.tryLock();
            if (lock == null) {
                System.err.println("another benchmark is running (it holds " + LOCK + ")");
                return 1;
            }
            List<Results> results = new ArrayList<>();
            for (Lab.Underlay kind : underlays()) {
                results.add(measure(all, kind));
            }
            Map<String, String> facts = Machine.describe(commit);
            facts.put("command", command);
            Report report = new Report(facts, results);
            report.write(out);
            System.out.println();
            System.out.println(report.text());
            System.out.println("written to " + out.toAbsolutePath());
            return 0;
        }
    }

    private List<Lab.Underlay> underlays() {
        return underlay.equals("both")
                ? List.of(Lab.Underlay.WIRE, Lab.Underlay.ON)
                : List.of(Lab.Underlay.valueOf(underlay.toUpperCase(Locale.ROOT)));
    }

    private Results measure(List<Contender> all, Lab.Underlay kind) {
        try (Suite suite = new Suite(kind, seconds, metrics, OverlayBenchmark::say)) {
            for (Contender contender : all) {
                boolean wanted = only.isEmpty()
                        || only.contains(contender.name())
                        || contender.name().equals(KernelContenders.YARDSTICK);
                Optional<String> missing = contender.missing();
                if (wanted && missing.isPresent()) {
                    say(contender.name() + " left out: " + missing.get());
                } else if (wanted) {
                    suite.enter(contender, kind);
                }
            }
            Machine.awaitQuiet(OverlayBenchmark::say);
            for (int i = 1; i <= repetitions; i++) {
                suite.repetition(i);
            }
            if (collectionSeconds > 0) {
                suite.collections(collectionSeconds)
                        .forEach((name, count) -> say(name + ": " + count + " collections in " + collectionSeconds
                                + " s of traffic (both daemons)"));
            }
            return suite.results();
        } catch (LabException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    private static void say(String text) {
        System.out.println("· " + text);
    }
}
