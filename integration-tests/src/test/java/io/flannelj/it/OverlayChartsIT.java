package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.bench.Tables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The charts of docs/performance.md show what its tables say. Drawn anew with {@code -Dflannelj.writeDocs}. */
class OverlayChartsIT {
    private static final Path DOCS = DocBlock.ROOT.resolve("docs");

    @Test
    void theChartsShowWhatTheTablesSay() throws IOException {
        Map<String, String> charts = Tables.charts(Files.readString(DOCS.resolve("performance.md")));

        assertThat(charts.keySet()).containsExactly("overlay-wire.svg", "overlay-on.svg");
        for (Map.Entry<String, String> chart : charts.entrySet()) {
            if (System.getProperty("flannelj.writeDocs") != null) {
                Files.writeString(DOCS.resolve(chart.getKey()), chart.getValue());
            }
            assertThat(chart.getValue()).contains("flanneld-j-udp", "lost: ");
            assertThat(DOCS.resolve(chart.getKey())).hasContent(chart.getValue());
        }
    }
}
