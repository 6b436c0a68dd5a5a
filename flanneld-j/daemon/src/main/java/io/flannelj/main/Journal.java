package io.flannelj.main;

import ch.qos.logback.classic.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** systemd's journal as the reader of standard error: systemd.exec(5), sd-daemon(3). */
final class Journal {
    private Journal() {}

    /**
     * Whether the journal is at the other end. The variable alone does not say so: a child inherits it, whose output may go
     * elsewhere.
     *
     * @param stream {@code JOURNAL_STREAM}: device and inode number of the journal's socket
     */
    static boolean isAt(@Nullable String stream, Path descriptor) {
        if (stream == null) {
            return false;
        }
        try {
            Map<String, Object> file = Files.readAttributes(descriptor, "unix:dev,ino");
            return stream.equals(file.get("dev") + ":" + file.get("ino"));
        } catch (IOException e) {
            return false;
        }
    }

    /** The level as syslog counts: 3 for errors to 7 for debugging. */
    static int priority(Level level) {
        return level.isGreaterOrEqual(Level.ERROR)
                ? 3
                : level.isGreaterOrEqual(Level.WARN) ? 4 : level.isGreaterOrEqual(Level.INFO) ? 6 : 7;
    }
}
