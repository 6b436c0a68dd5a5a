package io.flannelj.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files of {@code /proc/net} (proc(5)). */
public final class ProcNet {
    private static final Path OF_THIS_THREAD = Path.of("/proc/thread-self/net"); // /proc/net is the first thread's

    private ProcNet() {}

    /**
     * What a file says of the calling thread's network namespace.
     *
     * @return empty where the kernel has no such file, or lets us not read it
     */
    public static String read(String file) {
        try {
            return Files.readString(OF_THIS_THREAD.resolve(file));
        } catch (IOException e) {
            return "";
        }
    }
}
