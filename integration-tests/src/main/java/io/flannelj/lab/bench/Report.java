package io.flannelj.lab.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The results as tables for people, JSON for programs, and a chart. */
final class Report {
    private static final List<Metric> RATIOS = List.of(
            Metric.TCP1,
            Metric.TCP1_BACK,
            Metric.TCP4,
            Metric.TCP4_BACK,
            Metric.UDP64,
            Metric.UDP1400,
            Metric.RR_P50,
            Metric.RR_P99,
            Metric.MACHINE_CPU);

    private final Map<String, String> facts;
    private final List<Results> all;

    /**
     * @param facts what the figures depend on: machine, kernel, command
     */
    Report(Map<String, String> facts, List<Results> all) {
        this.facts = facts;
        this.all = all;
    }

    /** Tables in Markdown, which a terminal shows well enough. */
    String text() {
        StringBuilder text = new StringBuilder();
        facts.forEach(
                (name, value) -> text.append(name).append(": ").append(value).append('\n'));
        for (Results results : all) {
            text.append("\n### Underlay ").append(results.underlay()).append(": medians, in brackets min and max\n\n");
            table(text, results, Metric.values(), false);
            text.append("\n### Underlay ")
                    .append(results.underlay())
                    .append(": as part of ")
                    .append(KernelContenders.YARDSTICK)
                    .append("\n\n");
            table(text, results, RATIOS.toArray(Metric[]::new), true);
        }
        return text.toString();
    }

    private static void table(StringBuilder text, Results results, Metric[] metrics, boolean ratios) {
        text.append(String.format("| %-28s |", "contender"));
        for (Metric metric : metrics) {
            text.append(String.format(" %s%s |", metric.title(), ratios ? "" : ", " + metric.unit()));
        }
        text.append("\n|---|").append("--:|".repeat(metrics.length)).append('\n');
        for (String contender : results.contenders()) {
            text.append(String.format("| %-28s |", contender));
            for (Metric metric : metrics) {
                text.append(' ')
                        .append(ratios ? ratio(results, contender, metric) : value(results, contender, metric))
                        .append(" |");
            }
            text.append('\n');
        }
    }

    private static String ratio(Results results, String contender, Metric metric) {
        return results.ratio(contender, metric, KernelContenders.YARDSTICK)
                .map(ratio -> String.format(Locale.ROOT, "%.2f", ratio))
                .orElse("–");
    }

    private static String value(Results results, String contender, Metric metric) {
        return results.of(contender, metric)
                .map(figures ->
                        brief(figures.median()) + " (" + brief(figures.min()) + "–" + brief(figures.max()) + ")")
                .orElse("–");
    }

    static String brief(double value) {
        double size = Math.abs(value);
        return String.format(Locale.ROOT, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
    }

    void write(Path directory) throws IOException {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("overlay.md"), text());
        Files.writeString(directory.resolve("overlay.json"), json());
        for (Results results : all) {
            Files.writeString(directory.resolve(chartFile(results)), Chart.svg(results, facts));
        }
    }

    static String chartFile(Results results) {
        return "overlay-" + results.underlay() + ".svg";
    }

    private String json() throws IOException {
        ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        ObjectNode root = mapper.createObjectNode();
        facts.forEach(root.putObject("facts")::put);
        ArrayNode underlays = root.putArray("underlays");
        for (Results results : all) {
            ObjectNode underlay = underlays.addObject().put("underlay", results.underlay());
            ObjectNode contenders = underlay.putObject("contenders");
            for (String contender : results.contenders()) {
                ObjectNode metrics = contenders.putObject(contender);
                for (Metric metric : Metric.values()) {
                    results.of(contender, metric).ifPresent(figures -> {
                        ObjectNode node = metrics.putObject(metric.name().toLowerCase(Locale.ROOT));
                        node.put("unit", metric.unit())
                                .put("median", figures.median())
                                .put("min", figures.min())
                                .put("max", figures.max());
                        ArrayNode values = node.putArray("values");
                        results.raw(contender, metric).forEach(values::add);
                    });
                }
            }
        }
        return mapper.writeValueAsString(root) + "\n";
    }
}
