package io.flannelj.lab.bench;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Bars of every contender, with the spread of its repetitions, beside kernel VXLAN: one SVG picture that needs nothing else,
 * in the reader's light or dark colours.
 */
final class Chart {
    private static final List<Panel> PANELS = List.of(
            new Panel(Metric.TCP1, "TCP, one stream"),
            new Panel(Metric.TCP4, "TCP, four streams"),
            new Panel(Metric.UDP64, "UDP, 64 bytes of payload, no rate limit"),
            new Panel(Metric.UDP1400, "UDP, packets of 1400 bytes, no rate limit"),
            new Panel(Metric.RR_P50, "Round trip of one small packet"));
    private static final int MARGIN = 12;
    private static final int NAME_WIDTH = 190;
    private static final int BAR_WIDTH = 330;
    private static final int BAR_HEIGHT = 14;
    private static final int GAP = 4;
    private static final int WIDTH = NAME_WIDTH + BAR_WIDTH + 180;
    private static final String STYLE = """
            <style>
            text { fill: #222222 } .paper { fill: #ffffff }
            .ours { fill: #6fa8d6 } .kernel { fill: #b4b4b4 } .others { fill: #e3b578 }
            .spread { stroke: #222222; stroke-width: 1.5; fill: none } .yardstick { stroke: #707070; stroke-dasharray: 3 3 }
            @media (prefers-color-scheme: dark) {
              text { fill: #dddddd } .paper { fill: #0d1117 }
              .ours { fill: #34709f } .kernel { fill: #626262 } .others { fill: #94682f }
              .spread { stroke: #eeeeee } .yardstick { stroke: #a0a0a0 }
            }
            </style>
            """;

    private final Results results;
    private final Map<String, String> facts;
    private final StringBuilder body = new StringBuilder(STYLE);

    private Chart(Results results, Map<String, String> facts) {
        this.results = results;
        this.facts = facts;
    }

    static String svg(Results results, Map<String, String> facts) {
        return new Chart(results, facts).draw();
    }

    /**
     * One comparison.
     *
     * @param title what is measured, for a reader who has not read the tables
     */
    private record Panel(Metric metric, String title) {
        String heading() {
            String unit = metric.unit().equals("kpkt/s") ? "1000 packets/s received" : metric.unit();
            return title + " (" + unit + ", " + (metric.moreIsBetter() ? "more" : "less") + " is better)";
        }

        /** Of packets that are sent without regard to what arrives, how many do not. */
        Optional<Metric> lost() {
            return switch (metric) {
                case UDP64 -> Optional.of(Metric.UDP64_LOST);
                case UDP1400 -> Optional.of(Metric.UDP1400_LOST);
                default -> Optional.empty();
            };
        }
    }

    private String draw() {
        rect("paper", 0, 0, "100%", "100%");
        text(30, 16, true, "Pod to pod across two nodes: underlay \"" + results.underlay() + "\"");
        text(49, 11, false, inWords(results.underlay()));
        text(
                64,
                11,
                false,
                "One machine for both nodes, both pods and all daemons: " + facts.getOrDefault("cores", "?")
                        + " processors, Linux " + facts.getOrDefault("kernel", "?"));
        int y = legend(84);
        for (Panel panel : PANELS) {
            y = panel(panel, y + 28);
        }
        int height = y + 14;
        return """
                <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif">
                %s</svg>
                """.formatted(WIDTH, height, WIDTH, height, body);
    }

    private static String inWords(String underlay) {
        return underlay.equals("wire")
                ? "wire: as over network cards that offload nothing: every packet is segmented and checksummed by the kernel"
                : "on: a veth pair as the kernel makes it: packets of up to 64 KiB pass whole, without checksums";
    }

    private int legend(int y) {
        legendColour(MARGIN, y, "ours", "flanneld-j");
        legendColour(MARGIN + 100, y, "kernel", "the kernel alone");
        legendColour(MARGIN + 230, y, "others", "other programs");
        int below = y + 20;
        rect("kernel", MARGIN, below, "24", "10");
        spread(MARGIN + 18, MARGIN + 34, below + 5);
        text(MARGIN + 42, below + 9, 11, false, "start", "median; smallest and largest repetition");
        line("yardstick", MARGIN + 286, below - 2, MARGIN + 286, below + 12);
        text(MARGIN + 294, below + 9, 11, false, "start", "kernel VXLAN; in brackets: the median relative to it");
        return below + 8;
    }

    private void legendColour(int x, int y, String kind, String label) {
        rect(kind, x, y, "12", "10");
        text(x + 18, y + 9, 11, false, "start", label);
    }

    private int panel(Panel panel, int top) {
        Metric metric = panel.metric();
        List<String> contenders = results.contenders().stream()
                .filter(name -> results.of(name, metric).isPresent())
                .toList();
        if (contenders.isEmpty()) {
            return top - 28;
        }
        text(top, 13, true, panel.heading());
        double largest = contenders.stream()
                .mapToDouble(name -> results.of(name, metric).orElseThrow().max())
                .max()
                .orElseThrow();
        int y = top + 8;
        for (String contender : contenders) {
            Statistics figures = results.of(contender, metric).orElseThrow();
            boolean ours = contender.startsWith(OwnContender.PREFIX);
            text(NAME_WIDTH - 8, y + 11, 11, ours, "end", contender);
            rect(kind(contender), NAME_WIDTH, y, number(x(figures.median(), largest) - NAME_WIDTH), "" + BAR_HEIGHT);
            spread(x(figures.min(), largest), x(figures.max(), largest), y + BAR_HEIGHT / 2);
            text(NAME_WIDTH + BAR_WIDTH + 8, y + 11, 11, false, "start", label(panel, contender, figures));
            y += BAR_HEIGHT + GAP;
        }
        int bottom = y - 2;
        results.of(KernelContenders.YARDSTICK, metric).ifPresent(yardstick -> {
            double x = x(yardstick.median(), largest);
            line("yardstick", x, top + 6, x, bottom);
        });
        return bottom + 2;
    }

    private String label(Panel panel, String contender, Statistics figures) {
        return Report.brief(figures.median())
                + results.ratio(contender, panel.metric(), KernelContenders.YARDSTICK)
                        .map(value -> String.format(Locale.ROOT, "  (%.2f)", value))
                        .orElse("")
                + panel.lost()
                        .flatMap(lost -> results.of(contender, lost))
                        .map(lost -> String.format(Locale.ROOT, "  lost: %.1f %%", lost.median()))
                        .orElse("");
    }

    private static String kind(String contender) {
        if (contender.startsWith(OwnContender.PREFIX)) {
            return "ours";
        }
        return contender.equals(KernelContenders.YARDSTICK) || contender.equals("plain-routing") ? "kernel" : "others";
    }

    private static double x(double value, double largest) {
        return NAME_WIDTH + BAR_WIDTH * value / largest;
    }

    /** From the smallest to the largest, with both ends marked. */
    private void spread(double from, double to, int y) {
        body.append(String.format(
                Locale.ROOT,
                "<path class=\"spread\" d=\"M%.1f %d v8 M%.1f %d H%.1f M%.1f %d v8\"/>%n",
                from,
                y - 4,
                from,
                y,
                to,
                to,
                y - 4));
    }

    private void line(String kind, double fromX, int fromY, double toX, int toY) {
        body.append(String.format(
                Locale.ROOT,
                "<line class=\"%s\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>%n",
                kind,
                fromX,
                fromY,
                toX,
                toY));
    }

    private void rect(String kind, int x, int y, String width, String height) {
        body.append(String.format(
                "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%s\" height=\"%s\"/>%n", kind, x, y, width, height));
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private void text(int y, int size, boolean bold, String text) {
        text(MARGIN, y, size, bold, "start", text);
    }

    private void text(int x, int y, int size, boolean bold, String anchor, String text) {
        body.append(String.format(
                "<text x=\"%d\" y=\"%d\" font-size=\"%d\" font-weight=\"%s\" text-anchor=\"%s\" xml:space=\"preserve\">%s</text>%n",
                x,
                y,
                size,
                bold ? "bold" : "normal",
                anchor,
                text.replace("&", "&amp;").replace("<", "&lt;")));
    }
}
