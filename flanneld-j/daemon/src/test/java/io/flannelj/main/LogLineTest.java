package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LogLineTest {
    private static String line(String message, @Nullable Throwable thrown, Object... arguments) {
        return new LogLine()
                .doLayout(new LoggingEvent(
                        "test",
                        new LoggerContext().getLogger("io.flannelj.test"),
                        Level.WARN,
                        message,
                        thrown,
                        arguments));
    }

    @Test
    void aMessageIsOneLineWhateverIsInIt() {
        String line = line("refusing {}", null, "10.5.1.0-24\n2026-01-01T00:00:00.000 ERROR forged\u001b[2J\r\u2028x");
        assertThat(line.lines()).hasSize(1);
        assertThat(line)
                .matches("(?s)\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3} WARN  refusing 10\\.5.*\n")
                .contains("\\n2026-01-01T00:00:00.000 ERROR forged\\u001b[2J\\r\\u2028x");
    }

    @Test
    void exceptionsAreIndentedAndEscapedToo() {
        String line = line("failed", new IOException("a\nb", new IllegalStateException("c\u001bd")));
        assertThat(line.lines().skip(1)).allMatch(more -> more.startsWith("    "));
        assertThat(line)
                .contains("java.io.IOException: a\\nb", "because of java.lang.IllegalStateException: c\\u001bd");
    }
}
