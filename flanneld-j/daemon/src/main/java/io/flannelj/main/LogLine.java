package io.flannelj.main;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.LayoutBase;
import io.flannelj.net.PlainText;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/**
 * One event, one line: time with its zone, level, message. Whatever the store, a peer or a user put into the message, it cannot begin a
 * line of its own, nor give the terminal orders. An exception adds a line for itself and a few of where it was thrown.
 */
final class LogLine extends LayoutBase<ILoggingEvent> {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSXXX").withZone(ZoneId.systemDefault());
    private static final int FRAMES = 8;

    private final boolean toJournal;

    /** For standard error as it is. */
    LogLine() {
        this(Journal.isAt(System.getenv("JOURNAL_STREAM"), Path.of("/proc/self/fd/2")));
    }

    /**
     * @param toJournal whether systemd's journal reads it, which has the time already, and takes the level as a number,
     *     sd-daemon(3)
     */
    LogLine(boolean toJournal) {
        this.toJournal = toJournal;
    }

    @Override
    public String doLayout(ILoggingEvent event) {
        StringBuilder line = new StringBuilder(160);
        String level = event.getLevel().toString();
        if (toJournal) {
            line.append('<').append(Journal.priority(event.getLevel())).append('>');
        } else {
            TIME.formatTo(Instant.ofEpochMilli(event.getTimeStamp()), line);
            line.append(' ');
        }
        line.append(level).append(" ".repeat(Math.max(1, 6 - level.length())));
        line.append(PlainText.escape(String.valueOf(event.getFormattedMessage())))
                .append('\n');
        append(line, event.getThrowableProxy());
        return line.toString();
    }

    private static void append(StringBuilder line, @Nullable IThrowableProxy thrown) {
        for (IThrowableProxy one = thrown; one != null; one = one.getCause()) {
            line.append("    ")
                    .append(one == thrown ? "" : "because of ")
                    .append(one.getClassName())
                    .append(": ")
                    .append(PlainText.escape(String.valueOf(one.getMessage())))
                    .append('\n');
            StackTraceElementProxy[] frames = one.getStackTraceElementProxyArray();
            for (int i = 0; i < Math.min(FRAMES, frames.length); i++) {
                line.append("      ").append(frames[i]).append('\n');
            }
        }
    }
}
