package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Dashboard and alert rules beside what real daemons export: every name, and every label that is asked for. */
@NeedsPrivileges
class MonitoringIT {
    private static final Path FILES = Path.of("../deploy/chart/flanneld-j/files");
    private static final Pattern SELECTOR =
            Pattern.compile("\\b((?:flannelj|jvm|process|system)_[a-z0-9_]+)(?:\\{([^}]*)})?");
    private static final Pattern LABEL = Pattern.compile("([a-z_]+)\\s*(?:=~|!=|!~|=)");

    /** Only there once the garbage collector has run. */
    private static final Set<String> LATER = Set.of("jvm_gc_pause_seconds_max");

    private static Lab lab;
    private static Map<String, Set<String>> exported;

    @BeforeAll
    static void start() {
        lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")
                .start();
        Pod here = lab.node(1).addPod();
        Pod there = lab.node(2).addPod();
        assertThat(here.canPing(there)).isTrue();
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> lab.node(1).metrics().contains("flannelj_paths{reach=\"answering\"} 1"));
        exported = labelsByName(lab.node(1).metrics());
    }

    @AfterAll
    static void stop() {
        lab.close();
    }

    private static Map<String, Set<String>> labelsByName(String scrape) {
        Map<String, Set<String>> labels = new HashMap<>();
        scrape.lines()
                .filter(line -> line.matches("(flannelj|jvm|process|system)_.*"))
                .forEach(line -> {
                    MatchResult series = Pattern.compile("^([A-Za-z0-9_]+)(?:\\{(.*)})? ")
                            .matcher(line)
                            .results()
                            .findFirst()
                            .orElseThrow(() -> new AssertionError(line));
                    Set<String> names = labels.computeIfAbsent(series.group(1), name -> new TreeSet<>());
                    if (series.group(2) != null) {
                        LABEL.matcher(series.group(2)).results().forEach(label -> names.add(label.group(1)));
                    }
                });
        return labels;
    }

    private static void assertExported(String expression) {
        List<MatchResult> selectors = SELECTOR.matcher(expression).results().toList();
        assertThat(selectors).as(expression).isNotEmpty();
        for (MatchResult selector : selectors) {
            if (LATER.contains(selector.group(1))) {
                continue;
            }
            assertThat(exported).as(expression).containsKey(selector.group(1));
            if (selector.group(2) != null) {
                Set<String> asked = LABEL.matcher(selector.group(2))
                        .results()
                        .map(label -> label.group(1))
                        .filter(label -> !label.equals("instance")) // the scraper's
                        .collect(Collectors.toSet());
                assertThat(exported.get(selector.group(1))).as(expression).containsAll(asked);
            }
        }
    }

    @Test
    void theDashboardAsksForWhatIsExported() throws IOException {
        JsonNode dashboard = new ObjectMapper().readTree(Files.readString(FILES.resolve("grafana-dashboard.json")));
        List<JsonNode> panels = dashboard.findValues("expr");
        assertThat(panels).hasSizeGreaterThan(25);
        panels.forEach(expression -> assertExported(expression.asText()));
        Set<Integer> numbers = new TreeSet<>();
        for (JsonNode panel : dashboard.path("panels")) {
            assertThat(numbers.add(panel.path("id").asInt())).isTrue();
            JsonNode place = panel.path("gridPos");
            assertThat(place.path("x").asInt() + place.path("w").asInt()).isLessThanOrEqualTo(24);
        }
    }

    @Test
    void theAlertsAskForWhatIsExportedAndSayWhatToDo() throws IOException {
        String rules = Files.readString(FILES.resolve("alerts.yml"))
                .replaceAll(">-\\s+", "")
                .replaceAll("\n {10}", " ");
        List<String> alerts = Arrays.stream(rules.split("- alert: ")).skip(1).toList();
        assertThat(alerts).hasSizeGreaterThan(15);
        for (String alert : alerts) {
            String expression = alert.lines()
                    .map(String::strip)
                    .filter(line -> line.startsWith("expr:"))
                    .findFirst()
                    .orElseThrow();
            assertExported(expression);
            assertThat(alert).contains("severity: ", "summary: ", "description: ");
        }
    }

    @Test
    void eachNodeHasMetricsOfItsOwnWhileThereAreFew() {
        Node node = lab.node(1);
        String peer = "node=\"" + lab.node(2).address() + "\",subnet=\"10.5.";
        String metrics = node.metrics();
        assertThat(metrics).contains("flannelj_peer_answers{" + peer);
        assertThat(value(metrics, "flannelj_peer_answers")).isOne();
        assertThat(value(metrics, "flannelj_peer_rtt")).isBetween(1e-6, 1.0);
        assertThat(value(metrics, "flannelj_peer_loss")).isBetween(0.0, 1.0);
        assertThat(metrics).containsPattern("flannelj_peer_bytes_total\\{direction=\"out\",.*} [1-9]");
        assertThat(metrics).containsPattern("flannelj_cni_calls_seconds_count\\{command=\"ADD\",outcome=\"ok\"} 1");
    }

    private static double value(String metrics, String name) {
        return metrics.lines()
                .filter(line -> line.startsWith(name + "{"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void noneHasAnyWhereTheyAreMoreThanWanted() {
        try (Lab other = Lab.open(3, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")) {
            other.node(1).start("--metrics-peers=1");
            other.node(2).start();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> other.node(1).metrics().contains("flannelj_peer_answers"));
            other.node(3).start();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> other.node(1).metrics().contains("flannelj_peers 2"));
            assertThat(other.node(1).metrics()).doesNotContain("flannelj_peer_");
            assertThat(other.node(2).metrics()).contains("flannelj_peer_answers");
        }
    }
}
