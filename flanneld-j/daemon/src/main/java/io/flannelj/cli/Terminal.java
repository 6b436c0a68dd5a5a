package io.flannelj.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether somebody looks at what is printed. */
final class Terminal {
    private Terminal() {}

    /** Whether standard output is a terminal whose user has nothing against colours (no-color.org). */
    static boolean takesColours() {
        String noColours = System.getenv("NO_COLOR");
        if (noColours != null && !noColours.isEmpty()) {
            return false;
        }
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
