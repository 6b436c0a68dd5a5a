package io.flannelj.main;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.SimpleFormatter;
import org.slf4j.LoggerFactory;

/**
 * What libraries say by java.util.logging, gRPC above all, goes the way of all logging instead of straight to standard error:
 * silenced by default like other libraries, and shown where a logback file asks for it.
 */
final class JavaLogging extends Handler {
    private final SimpleFormatter text = new SimpleFormatter();

    private JavaLogging() {}

    /** Nothing is written by java.util.logging itself from now on. */
    static void redirect() {
        LogManager manager = LogManager.getLogManager();
        manager.reset();
        java.util.logging.Logger root = manager.getLogger("");
        root.addHandler(new JavaLogging());
    }

    @Override
    public void publish(LogRecord record) {
        String name = record.getLoggerName();
        LoggerFactory.getLogger(name == null || name.isEmpty() ? "java.util.logging" : name)
                .atLevel(level(record.getLevel()))
                .setCause(record.getThrown())
                .log(() -> text.formatMessage(record));
    }

    private static org.slf4j.event.Level level(Level level) {
        int value = level.intValue();
        if (value >= Level.SEVERE.intValue()) {
            return org.slf4j.event.Level.ERROR;
        }
        if (value >= Level.WARNING.intValue()) {
            return org.slf4j.event.Level.WARN;
        }
        return value >= Level.INFO.intValue() ? org.slf4j.event.Level.INFO : org.slf4j.event.Level.DEBUG;
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
}
