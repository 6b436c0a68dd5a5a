package io.flannelj.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;

/**
 * What CNI calls could leave behind in the daemon and in its folders.
 *
 * @param descriptors open in the daemon
 * @param threads of the daemon
 * @param addressFiles of pods
 */
public record CniLeavings(long descriptors, long threads, long addressFiles) {
    /** Threads come and go for garbage collection and compilation; descriptors of a pool's threads stay a while. */
    private static final int IN_MOTION = 12;

    public static CniLeavings of(Node node) {
        Path process = Path.of("/proc", String.valueOf(node.daemonPid()));
        return new CniLeavings(
                count(process.resolve("fd")), count(process.resolve("task")), files(node.addressDirectory()));
    }

    /** What has been added since, in words; empty when nothing has. Waits for what is on its way out. */
    public String growth(Node node) {
        try {
            Wait.until("the daemon gives everything back", Duration.ofSeconds(20), () -> !isLessThan(of(node)));
            return "";
        } catch (LabException e) {
            return this + " became " + of(node);
        }
    }

    private boolean isLessThan(CniLeavings now) {
        return now.descriptors > descriptors + 2
                || now.threads > threads + IN_MOTION
                || now.addressFiles > addressFiles;
    }

    private static long count(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.count();
        } catch (IOException e) {
            throw new LabException(directory + " cannot be listed", e);
        }
    }

    private static long files(Path directory) {
        if (!Files.isDirectory(directory)) {
            return 0;
        }
        try (Stream<Path> entries = Files.walk(directory)) {
            return entries.filter(entry -> entry.getFileName().toString().matches("[0-9a-f.:]+\\.[0-9]+|.*:.*"))
                    .filter(entry -> !entry.getFileName().toString().startsWith("last_"))
                    .count();
        } catch (IOException e) {
            throw new LabException(directory + " cannot be walked", e);
        }
    }
}
