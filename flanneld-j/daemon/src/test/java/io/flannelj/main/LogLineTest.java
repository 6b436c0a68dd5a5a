package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogLineTest {
    private static String line(String message, @Nullable Throwable thrown, Object... arguments) {
        return new LogLine(false)
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
                .matches(
                        "(?s)\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}(Z|[+-]\\d\\d:\\d\\d) WARN  refusing 10\\.5.*\n")
                .contains("\\n2026-01-01T00:00:00.000 ERROR forged\\u001b[2J\\r\\u2028x");
    }

    @Test
    void theJournalGetsTheLevelAsANumberAndNoTime() {
        LoggingEvent event = new LoggingEvent(
                "test", new LoggerContext().getLogger("io.flannelj.test"), Level.WARN, "refusing", null, new Object[0]);
        assertThat(new LogLine(true).doLayout(event)).isEqualTo("<4>WARN  refusing\n");
    }

    @Test
    void theJournalIsKnownByItsSocketNotByTheVariable(@TempDir Path directory) throws IOException {
        Path file = Files.createFile(directory.resolve("log"));
        Map<String, Object> numbers = Files.readAttributes(file, "unix:dev,ino");
        String stream = numbers.get("dev") + ":" + numbers.get("ino");
        assertThat(Journal.isAt(stream, file)).isTrue();
        assertThat(Journal.isAt("1:2", file)).isFalse();
        assertThat(Journal.isAt(null, file)).isFalse();
    }

    @Test
    void exceptionsAreIndentedAndEscapedToo() {
        String line = line("failed", new IOException("a\nb", new IllegalStateException("c\u001bd")));
        assertThat(line.lines().skip(1)).allMatch(more -> more.startsWith("    "));
        assertThat(line)
                .contains("java.io.IOException: a\\nb", "because of java.lang.IllegalStateException: c\\u001bd");
    }
}
