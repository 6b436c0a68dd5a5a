package io.flannelj.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Kernel parameters, as sysctl(8) names them: {@code net.ipv4.ip_forward}, or with slashes where a part has a dot in it,
 * {@code net/ipv6/conf/flannel.1/disable_ipv6}. Those under {@code net} are those of the calling thread's network
 * namespace.
 */
public final class Sysctl {
    private static final Path ROOT = Path.of("/proc/sys");

    private Sysctl() {}

    public static String read(String key) throws IOException {
        return Files.readString(path(key)).trim();
    }

    /** Sets a parameter, unless it has that value already. */
    public static void write(String key, String value) throws IOException {
        if (!read(key).equals(value)) {
            Files.writeString(path(key), value);
        }
    }

    /** Sets a parameter, whatever it has been. */
    public static void overwrite(String key, String value) throws IOException {
        Files.writeString(path(key), value, StandardOpenOption.WRITE);
    }

    public static boolean exists(String key) {
        return Files.exists(path(key));
    }

    private static Path path(String key) {
        return ROOT.resolve(key.indexOf('/') >= 0 ? key : key.replace('.', '/'));
    }
}
