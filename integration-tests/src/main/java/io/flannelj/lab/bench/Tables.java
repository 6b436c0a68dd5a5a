package io.flannelj.lab.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The tables of a {@link Report} as they stand in docs/performance.md, from which its charts are drawn. */
public final class Tables {
    private static final Pattern TABLE = Pattern.compile(
            "### Underlay (\\w+): medians, in brackets min and max\\s+\\|[^\\n]*\\n\\|-[^\\n]*\\n((?:\\|[^\\n]*\\n)+)");
    private static final Pattern FIGURES = Pattern.compile("([0-9.]+) \\(([0-9.]+)–([0-9.]+)\\)");
    private static final Pattern FACT = Pattern.compile("\\b(cores|kernel): ([^;]+);");

    private Tables() {}

    /** The chart of each underlay whose table is in the text, by the name of its file. */
    public static Map<String, String> charts(String markdown) {
        Map<String, String> facts = new LinkedHashMap<>();
        FACT.matcher(markdown).results().forEach(fact -> facts.putIfAbsent(fact.group(1), fact.group(2)));
        Map<String, String> charts = new LinkedHashMap<>();
        read(markdown).forEach(results -> charts.put(Report.chartFile(results), Chart.svg(results, facts)));
        return charts;
    }

    /** What was measured, of each figure the smallest, the median and the largest repetition. */
    static List<Results> read(String markdown) {
        List<Results> all = new ArrayList<>();
        Matcher tables = TABLE.matcher(markdown);
        while (tables.find()) {
            Results results = new Results(tables.group(1));
            tables.group(2).lines().forEach(row -> add(results, row));
            all.add(results);
        }
        return all;
    }

    private static void add(Results results, String row) {
        String[] cells = row.substring(1).split("\\|", -1);
        Metric[] columns = Metric.values();
        for (int i = 0; i < columns.length; i++) {
            Matcher figures = FIGURES.matcher(cells[1 + i]);
            if (figures.find()) {
                for (int group = 1; group <= 3; group++) {
                    results.add(cells[0].strip(), columns[i], Double.parseDouble(figures.group(group)));
                }
            }
        }
    }
}
