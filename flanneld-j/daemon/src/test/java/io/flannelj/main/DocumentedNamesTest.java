package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.cli.CommandLine;
import io.flannelj.metrics.MetricNames;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The flags, variables and metrics that the documents name exist. */
class DocumentedNamesTest {
    private static final Path ROOT = Path.of("../..");
    private static final Pattern FLAG = Pattern.compile("(?<![\\w-])--[a-z][a-z0-9_-]*[a-z0-9]");
    private static final Pattern VARIABLE = Pattern.compile("\\bFLANNELD_[A-Z_]+\\b");
    private static final Pattern METRIC = Pattern.compile("\\bflannelj_[a-z_]*[a-z]\\b");

    /** Where a script of ours compares an argument with it, or a program of the tests names it. */
    private static final Pattern TAKEN = Pattern.compile("(--[a-z][a-z0-9-]*)(?=\\)|=\\*\\)| ?\\|| \\]|\")");

    /** Flags of other programs that the documents use, by program. */
    private static final Map<String, Set<String>> OTHERS = Map.ofEntries(
            Map.entry("ctr", Set.of("--cni")),
            Map.entry("curl", Set.of("--unix-socket")),
            Map.entry("dockerd", Set.of("--fixed-cidr", "--ip-masq")),
            Map.entry("firewall-cmd", Set.of("--permanent", "--zone", "--add-source")),
            Map.entry("gh", Set.of("--repo")),
            Map.entry("git", Set.of("--stat", "--tags")),
            Map.entry("helm", Set.of("--namespace", "--set")),
            Map.entry("iptables", Set.of("--random", "--random-fully")),
            Map.entry("java", Set.of("--sun-misc-unsafe-memory-access")),
            Map.entry("jfr", Set.of("--events")),
            Map.entry(
                    "kube-controller-manager, kubeadm",
                    Set.of("--allocate-node-cidrs", "--cluster-cidr", "--pod-network-cidr")),
            Map.entry(
                    "kubectl",
                    Set.of("--all", "--field-selector", "--image", "--overwrite", "--profile", "--timeout", "--type")));

    private static Set<String> known;

    @BeforeAll
    static void readHelpAndScripts() throws IOException {
        known = new HashSet<>(flagsOfCommands());
        OTHERS.values().forEach(known::addAll);
        for (Path file : files("deploy", "integration-tests", ".ci")) {
            String text = Files.readString(file);
            TAKEN.matcher(text).results().forEach(found -> known.add(found.group(1)));
        }
    }

    private static Set<String> flagsOfCommands() {
        Set<String> flags = flags(help("--help"));
        Pattern.compile("(?m)^  ([a-z-]+) ").matcher(help("--help")).results().forEach(command -> {
            String help = help(command.group(1), "--help");
            flags.addAll(flags(help));
            Pattern.compile("(?m)^  ([a-z]+) ")
                    .matcher(help)
                    .results()
                    .forEach(sub -> flags.addAll(flags(help(command.group(1), sub.group(1), "--help"))));
        });
        return flags;
    }

    private static String help(String... arguments) {
        StringWriter out = new StringWriter();
        new CommandLine(Map.of(), new PrintWriter(out), new PrintWriter(Writer.nullWriter()), "").read(arguments);
        return out.toString();
    }

    private static Set<String> flags(String text) {
        return found(FLAG, text);
    }

    private static Set<String> found(Pattern pattern, String text) {
        return pattern.matcher(text)
                .results()
                .map(match -> match.group())
                .collect(Collectors.toCollection(HashSet::new));
    }

    private static List<Path> files(String... folders) throws IOException {
        List<Path> all = new ArrayList<>();
        for (String folder : folders) {
            try (Stream<Path> files = Files.walk(ROOT.resolve(folder))) {
                files.filter(Files::isRegularFile)
                        .filter(file -> !file.toString().contains("/target/")
                                && !file.toString().contains("/src/test/"))
                        .filter(file -> !file.toString().contains("/fuzz-seeds/"))
                        .filter(file -> file.toString().endsWith(".java")
                                || !file.getFileName().toString().contains("."))
                        .forEach(all::add);
            }
        }
        return all;
    }

    static List<Path> pages() throws IOException {
        return DocLinksTest.pages();
    }

    /** What was so in an earlier version may be told in the changelog. */
    static List<Path> pagesOfToday() throws IOException {
        return pages().stream().filter(page -> !page.endsWith("CHANGELOG.md")).toList();
    }

    @ParameterizedTest
    @MethodSource("pagesOfToday")
    void everyFlagIsTaken(Path page) throws IOException {
        Set<String> unknown = flags(Files.readString(page));
        unknown.removeAll(known);
        assertThat(unknown).isEmpty();
    }

    @Test
    void aFlagThatNobodyTakesIsFound() {
        assertThat(known)
                .contains("--ip-masq", "--wide", "--once", "--rounds", "--conformance")
                .doesNotContain("--ip-masc");
    }

    /** FLANNELD_JAVA_OPTS is the launcher's. */
    @ParameterizedTest
    @MethodSource("pagesOfToday")
    void everyVariableIsAFlags(Path page) throws IOException {
        Set<String> variables = flags(help("--help")).stream()
                .map(flag ->
                        "FLANNELD_" + flag.substring(2).toUpperCase(Locale.ROOT).replace('-', '_'))
                .collect(Collectors.toCollection(HashSet::new));
        variables.add("FLANNELD_JAVA_OPTS");
        assertThat(found(VARIABLE, Files.readString(page))).isSubsetOf(variables);
    }

    /** The messages that stand in the first column of the tables of troubleshooting, but for what differs: …. */
    @Test
    void everyMessageOfTroubleshootingIsOneOfOurs() throws IOException {
        StringBuilder sources = new StringBuilder();
        for (Path file : files("flanneld-j", "cni-plugin", "deploy")) {
            sources.append(Files.readString(file));
        }
        String messages = sources.toString()
                .replaceAll("\"\\s*\\+\\s*(?:[\\w.()]+\\s*\\+\\s*)?\"", "") // concatenated, perhaps around a value
                .replaceAll("\\s+", " ");
        List<String> unknown = new ArrayList<>();
        int known = 0;
        for (String row : Files.readAllLines(ROOT.resolve("docs/troubleshooting.md"))) {
            String symptom = row.startsWith("|") ? row.substring(1, row.indexOf('|', 1)) : "";
            for (MatchResult quoted :
                    Pattern.compile("\"([^\"]+)\"").matcher(symptom).results().toList()) {
                for (String part : quoted.group(1).split(" ?…,? ?", -1)) {
                    known++;
                    if (!messages.contains(part)) {
                        unknown.add(part);
                    }
                }
            }
        }
        assertThat(unknown).isEmpty();
        assertThat(known).isGreaterThan(30);
    }

    @ParameterizedTest
    @MethodSource("pagesOfToday")
    void everyMetricIsExported(Path page) throws IOException {
        Set<String> metrics = Stream.of(MetricNames.values())
                .map(metric -> metric.metric().replace('.', '_'))
                .flatMap(name -> Stream.of(name, name + "_total"))
                .collect(Collectors.toSet());
        assertThat(found(METRIC, Files.readString(page))).isSubsetOf(metrics);
    }
}
