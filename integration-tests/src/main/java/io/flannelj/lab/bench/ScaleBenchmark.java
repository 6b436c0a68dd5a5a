package io.flannelj.lab.bench;

import io.flannelj.lab.Lab;
import io.flannelj.lab.LabException;
import io.flannelj.lab.Node;
import io.flannelj.lab.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The control plane with many nodes: started at once, and with many leases that change often. */
@Command(
        name = "integration-tests/bench/scale",
        description = "Measures the control plane with many nodes, in network namespaces.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class ScaleBenchmark implements Callable<Integer> {
    private static final Duration LONG = Duration.ofMinutes(2);

    /** At fifty a second, and the first time for the leases themselves. */
    private static final Duration FOR_ALL_TO_BE_ASKED = Duration.ofMinutes(5);

    private static final String HOST_GW =
            "{\"Network\":\"10.64.0.0/11\",\"SubnetLen\":24,\"SubnetMax\":\"10.64.200.0\","
                    + "\"Backend\":{\"Type\":\"host-gw\"}}";
    private static final Pattern ROUTE = Pattern.compile("^\\[(\\S+)] (\\S+) via \\S+", Pattern.MULTILINE);

    @Option(names = "--nodes", description = "Daemons that are started at once (${DEFAULT-VALUE}).")
    int nodes = 20;

    @Option(names = "--leases", description = "Leases of other nodes (${DEFAULT-VALUE}).")
    int leases = 5000;

    @Option(names = "--changes", description = "Of them, a second (${DEFAULT-VALUE}).")
    int changes = 500;

    @Option(names = "--seconds", description = "For so long (${DEFAULT-VALUE}).")
    int seconds = 20;

    @Option(names = "--parts", split = ",", description = "What is measured, of ${COMPLETION-CANDIDATES} (all).")
    Set<Part> parts = EnumSet.allOf(Part.class);

    /** What can be measured by itself. */
    enum Part {
        nodes,
        leases,
        probes
    }

    private ScaleBenchmark() {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new ScaleBenchmark()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException {
        if (parts.contains(Part.nodes)) {
            manyNodes();
        }
        if (parts.contains(Part.leases)) {
            manyLeases();
        }
        if (parts.contains(Part.probes)) {
            probes("--peer-probes=true");
            probes("--peer-probes=false");
        }
        return 0;
    }

    private void manyNodes() {
        try (Lab lab = Lab.open(nodes, Lab.Underlay.ON)) {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
            long begin = System.nanoTime();
            lab.nodes().forEach(Node::startDaemon);
            Wait.until("a first lease", LONG, () -> !lab.leases().isEmpty());
            long first = System.nanoTime();
            Wait.until("leases for all", LONG, () -> lab.leases().size() == nodes);
            long last = System.nanoTime();
            lab.nodes().forEach(Node::awaitReady);
            boolean distinct = new HashSet<>(lab.leases()).size() == nodes;
            boolean running = lab.nodes().stream().allMatch(Node::isRunning);
            say(
                    "%d nodes at once, empty pool: first lease after %.1f s, all after %.1f s (%.1f s after the first); %s, %s",
                    nodes,
                    seconds(first - begin),
                    seconds(last - begin),
                    seconds(last - first),
                    distinct ? "all distinct" : "NOT DISTINCT",
                    running ? "none ended" : "SOME ENDED");
        }
    }

    private void manyLeases() throws IOException {
        try (Lab lab = Lab.open(1, Lab.Underlay.ON)) {
            lab.configure(HOST_GW);
            Node node = lab.node(1);
            Path written = node.directory().resolve("written.log");
            write(lab, node, node.directory().resolve("first.log"), 0);
            long begin = System.nanoTime();
            node.startDaemon();
            Wait.until("somebody answers", LONG, () -> !node.readyz().isEmpty());
            long up = System.nanoTime();
            node.awaitReady();
            long ready = System.nanoTime();
            int routes = routes(node);
            say(
                    "%d leases: full table %.2f s after the start of the process, %.2f s after it listens; %d routes, %d MiB resident",
                    leases, seconds(ready - begin), seconds(ready - up), routes, residentMiB(node));

            Path seen = node.directory().resolve("routes.log");
            Process monitor = node.start(seen, "env", "TZ=UTC", "ip", "-ts", "monitor", "route");
            write(lab, node, written, changes);
            Wait.until(
                    "the last change is in force",
                    LONG,
                    () -> lag(written, seen).size() >= changes * seconds * 0.99);
            monitor.destroy();
            List<Double> lags = lag(written, seen);
            Collections.sort(lags);
            say(
                    "%d changes a second for %d s: %d of %d seen as routes; from before the write to the route p50 %.0f ms,"
                            + " p99 %.0f ms, longest %.0f ms; %d MiB resident",
                    changes,
                    seconds,
                    lags.size(),
                    changes * seconds,
                    at(lags, 0.5),
                    at(lags, 0.99),
                    at(lags, 1),
                    residentMiB(node));
        }
    }

    /** What it costs to ping so many peers, all of which answer. */
    private void probes(String flag) throws IOException {
        try (Lab lab = Lab.open(1, Lab.Underlay.ON)) {
            lab.configure(HOST_GW);
            lab.runOnSwitch("ip", "addr", "add", LeaseWriter.NODE + "/32", "dev", "br0")
                    .orThrow();
            Node node = lab.node(1);
            write(lab, node, node.directory().resolve("first.log"), 0);
            node.startDaemon(flag);
            node.awaitReady();
            boolean probed = flag.endsWith("true");
            Wait.until(node::log, FOR_ALL_TO_BE_ASKED, () -> !probed || answering(node) == leases);
            Map<String, Long> before = processorNanos(node);
            long begin = System.nanoTime();
            long end = begin + Duration.ofSeconds(Math.max(seconds, 30)).toNanos();
            Wait.until("time passes", LONG, () -> System.nanoTime() > end);
            Map<String, Long> after = processorNanos(node);
            double wall = System.nanoTime() - begin;
            Map<String, Long> used = new HashMap<>(after);
            before.forEach((thread, nanos) -> used.merge(thread, -nanos, Long::sum));
            say(
                    "%s, %d peers that answer: flannel-probe takes %.2f %% of a processor, the whole daemon %.2f %%",
                    flag,
                    leases,
                    100 * used.getOrDefault("flannel-probe", 0L) / wall,
                    100 * used.values().stream().mapToLong(nanos -> nanos).sum() / wall);
        }
    }

    private static long answering(Node node) {
        return node.metrics()
                .lines()
                .filter(line -> line.startsWith("flannelj_paths{reach=\"answering\"}"))
                .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** Empty when the thread has ended meanwhile. */
    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "";
        }
    }

    /** By the names of the daemon's threads; some share one. */
    private static Map<String, Long> processorNanos(Node node) throws IOException {
        Map<String, Long> nanos = new HashMap<>();
        try (Stream<Path> tasks = Files.list(Path.of("/proc/" + node.daemonPid() + "/task"))) {
            for (Path task : tasks.toList()) {
                String ran = read(task.resolve("schedstat")).split(" ", 2)[0];
                String name = read(task.resolve("comm")).strip();
                if (!ran.isEmpty()) {
                    nanos.merge(name, Long.parseLong(ran), Long::sum);
                }
            }
        }
        return nanos;
    }

    private void write(Lab lab, Node node, Path log, int perSecond) {
        Process writer = node.start(
                log,
                "java",
                "-cp",
                System.getProperty("java.class.path"),
                LeaseWriter.class.getName(),
                lab.etcd().url(),
                String.valueOf(leases),
                String.valueOf(perSecond),
                String.valueOf(seconds));
        try {
            if (writer.waitFor() != 0) {
                throw new LabException("leases cannot be written: " + Files.readString(log));
            }
        } catch (InterruptedException | IOException e) {
            throw new LabException("leases cannot be written: " + e, e);
        }
    }

    /** Milliseconds between each change and the next route to its subnet. */
    private static List<Double> lag(Path written, Path seen) {
        try {
            Map<String, List<Double>> routes = new HashMap<>();
            Matcher route = ROUTE.matcher(Files.readString(seen));
            while (route.find()) {
                Instant at = LocalDateTime.parse(route.group(1)).toInstant(ZoneOffset.UTC);
                double time = ChronoUnit.MICROS.between(Instant.EPOCH, at) / 1e6;
                routes.computeIfAbsent(route.group(2), subnet -> new ArrayList<>())
                        .add(time);
            }
            List<Double> lags = new ArrayList<>();
            for (String line : Files.readAllLines(written)) {
                String[] parts = line.split(" ", 2);
                if (parts.length < 2 || !parts[1].endsWith("/24")) {
                    continue; // of the library's own log
                }
                double change = Double.parseDouble(parts[0]);
                routes.getOrDefault(parts[1], List.of()).stream()
                        .filter(time -> time >= change)
                        .findFirst()
                        .ifPresent(time -> lags.add((time - change) * 1000));
            }
            return lags;
        } catch (IOException e) {
            throw new LabException("what was written and seen cannot be read: " + e, e);
        }
    }

    private static int routes(Node node) {
        return (int) node.run("ip", "route", "show", "dev", "eth0")
                .output()
                .lines()
                .filter(line -> line.startsWith("10."))
                .count();
    }

    private static long residentMiB(Node node) throws IOException {
        Matcher resident = Pattern.compile("VmRSS:\\s+(\\d+) kB")
                .matcher(Files.readString(Path.of("/proc/" + node.daemonPid() + "/status")));
        return resident.find() ? Long.parseLong(resident.group(1)) / 1024 : -1;
    }

    private static double at(List<Double> sorted, double part) {
        return sorted.isEmpty() ? Double.NaN : sorted.get((int) Math.round(part * (sorted.size() - 1)));
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }

    private static void say(String format, Object... values) {
        System.out.println(String.format(Locale.ROOT, format, values));
    }
}
