package io.flannelj.lab.bench;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Bars of every contender as part of kernel VXLAN, as one SVG picture that needs nothing else. */
final class Chart {
    private static final List<Metric> METRICS =
            List.of(Metric.TCP1, Metric.TCP4, Metric.UDP64, Metric.UDP1400, Metric.RR_P50);
    private static final int NAME_WIDTH = 190;
    private static final int BAR_WIDTH = 330;
    private static final int BAR_HEIGHT = 14;
    private static final int GAP = 4;
    private static final int WIDTH = NAME_WIDTH + BAR_WIDTH + 120;

    private final Results results;
    private final Map<String, String> facts;

    Chart(Results results, Map<String, String> facts) {
        this.results = results;
        this.facts = facts;
    }

    String svg() {
        StringBuilder body = new StringBuilder();
        int y = 30;
        text(body, 12, y, "16", "bold", "Pod to pod across two nodes, underlay \"" + results.underlay() + "\"");
        y += 18;
        text(
                body,
                12,
                y,
                "11",
                "normal",
                "medians; the line is kernel VXLAN = 1.0; Linux " + facts.getOrDefault("kernel", "?") + ", "
                        + facts.getOrDefault("cores", "?") + " cores, one machine for both nodes");
        for (Metric metric : METRICS) {
            y = panel(body, metric, y + 26);
        }
        int height = y + 16;
        return """
                <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif">
                <rect width="100%%" height="100%%" fill="#ffffff"/>
                %s</svg>
                """.formatted(WIDTH, height, WIDTH, height, body);
    }

    private int panel(StringBuilder body, Metric metric, int top) {
        text(
                body,
                12,
                top,
                "13",
                "bold",
                metric.title() + " (" + metric.unit() + ", " + (metric.moreIsBetter() ? "more" : "less")
                        + " is better)");
        List<String> contenders = results.contenders().stream()
                .filter(name -> results.of(name, metric).isPresent())
                .toList();
        double largest = contenders.stream()
                .map(name -> results.of(name, metric).orElseThrow().max())
                .max(Double::compare)
                .orElse(1.0);
        int y = top + 8;
        for (String contender : contenders) {
            Statistics figures = results.of(contender, metric).orElseThrow();
            text(
                    body,
                    NAME_WIDTH - 8,
                    y + 11,
                    "11",
                    contender.startsWith(OwnContender.PREFIX) ? "bold" : "normal",
                    contender,
                    true);
            bar(body, y, figures, largest, color(contender));
            Optional<Double> ratio = results.ratio(contender, metric, KernelContenders.YARDSTICK);
            String label = String.format(Locale.ROOT, figures.median() >= 100 ? "%.0f" : "%.2f", figures.median())
                    + ratio.map(value -> String.format(Locale.ROOT, "  (%.2f)", value))
                            .orElse("");
            text(body, NAME_WIDTH + BAR_WIDTH + 8, y + 11, "11", "normal", label);
            y += BAR_HEIGHT + GAP;
        }
        int bottom = y;
        results.of(KernelContenders.YARDSTICK, metric)
                .ifPresent(yardstick -> line(body, x(yardstick.median(), largest), top + 6, bottom - 2));
        return bottom;
    }

    private static double x(double value, double largest) {
        return NAME_WIDTH + BAR_WIDTH * value / largest;
    }

    private static void bar(StringBuilder body, int y, Statistics figures, double largest, String color) {
        body.append(String.format(
                Locale.ROOT,
                "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>%n",
                NAME_WIDTH,
                y,
                x(figures.median(), largest) - NAME_WIDTH,
                BAR_HEIGHT,
                color));
        body.append(String.format(
                Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#333333\" stroke-width=\"1.5\"/>%n",
                x(figures.min(), largest),
                y + BAR_HEIGHT / 2,
                x(figures.max(), largest),
                y + BAR_HEIGHT / 2));
    }

    private static void line(StringBuilder body, double x, int top, int bottom) {
        body.append(String.format(
                Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#999999\" stroke-dasharray=\"3 3\"/>%n",
                x,
                top,
                x,
                bottom));
    }

    private static String color(String contender) {
        return contender.startsWith(OwnContender.PREFIX)
                ? "#2f6f9f"
                : contender.equals(KernelContenders.YARDSTICK) || contender.equals("plain-routing")
                        ? "#8a8a8a"
                        : "#d59b57";
    }

    private static void text(StringBuilder body, int x, int y, String size, String weight, String text) {
        text(body, x, y, size, weight, text, false);
    }

    private static void text(
            StringBuilder body, int x, int y, String size, String weight, String text, boolean rightAligned) {
        body.append(String.format(
                "<text x=\"%d\" y=\"%d\" font-size=\"%s\" font-weight=\"%s\" text-anchor=\"%s\" fill=\"#222222\">%s</text>%n",
                x,
                y,
                size,
                weight,
                rightAligned ? "end" : "start",
                text.replace("&", "&amp;").replace("<", "&lt;")));
    }
}
