package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.cli.CommandLine;
import io.flannelj.datapath.DropReason;
import io.flannelj.metrics.MetricNames;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The tables in docs/ that are made from code. After a change of flags, metrics or drop reasons, write them anew by
 * {@code ./mvnw test -pl flanneld-j/daemon -am -Dtest=GeneratedDocsTest -Dflannelj.writeDocs}.
 */
class GeneratedDocsTest {
    private static final Path DOCS = Path.of("../../docs");

    @Test
    void configurationShowsEveryFlag() throws IOException {
        StringWriter help = new StringWriter();
        new CommandLine(Map.of(), new PrintWriter(help), new PrintWriter(help), "").read("--help");
        assertUpToDate("configuration.md", "flags", "```\n" + help.toString().strip() + "\n```\n");
    }

    @Test
    void metricsShowEveryMetric() throws IOException {
        StringBuilder table = new StringBuilder("| metric | unit | labels | meaning |\n|---|---|---|---|\n");
        for (MetricNames metric : MetricNames.values()) {
            table.append("| `%s` | %s | %s | %s |\n"
                    .formatted(metric.metric().replace('.', '_'), metric.unit(), metric.labels(), metric.help()));
        }
        assertUpToDate("metrics.md", "metrics", table.toString());
    }

    @Test
    void metricsShowEveryDropReason() throws IOException {
        StringBuilder table = new StringBuilder("| direction | reason | meaning |\n|---|---|---|\n");
        for (DropReason reason : DropReason.values()) {
            table.append("| %s | `%s` | %s |\n"
                    .formatted(reason.direction().name().toLowerCase(Locale.ROOT), reason.label(), reason.help()));
        }
        assertUpToDate("metrics.md", "drops", table.toString());
    }

    private static void assertUpToDate(String page, String block, String wanted) throws IOException {
        Path file = DOCS.resolve(page);
        String text = Files.readString(file);
        String begin = "<!-- " + block + ": made by GeneratedDocsTest -->\n";
        String end = "<!-- end of " + block + " -->";
        int from = text.indexOf(begin) + begin.length();
        int to = text.indexOf(end);
        assertThat(to).as("the block %s in %s", block, page).isGreaterThanOrEqualTo(from);
        if (System.getProperty("flannelj.writeDocs") != null) {
            Files.writeString(file, text.substring(0, from) + wanted + text.substring(to));
        } else {
            assertThat(text.substring(from, to)).as("%s is stale", page).isEqualTo(wanted);
        }
    }
}
