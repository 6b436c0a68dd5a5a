package io.flannelj.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What CNI calls could leave behind in the daemon, in its folders and on the node.
 *
 * @param descriptors open in the daemon
 * @param threads of the daemon
 * @param addressFiles of pods
 * @param host links, addresses, routes and rules of the node
 */
public record CniLeavings(long descriptors, long threads, long addressFiles, String host) {
    /** Threads come and go for garbage collection and compilation; descriptors of a pool's threads stay a while. */
    private static final int IN_MOTION = 12;

    public static CniLeavings of(Node node) {
        Path process = Path.of("/proc", String.valueOf(node.daemonPid()));
        return new CniLeavings(
                count(process.resolve("fd")),
                count(process.resolve("task")),
                files(node.addressDirectory()),
                node.snapshot());
    }

    /** What has been added since, in words; empty when nothing has. Waits for what is on its way out. */
    public String growth(Node node) {
        try {
            Wait.until("the daemon gives everything back", Duration.ofSeconds(20), () -> !isLessThan(of(node)));
            return "";
        } catch (LabException e) {
            CniLeavings now = of(node);
            Set<String> known = Set.copyOf(host.lines().toList());
            return String.format(
                    "descriptors %d → %d, threads %d → %d, address files %d → %d, and on the node:%n%s",
                    descriptors,
                    now.descriptors,
                    threads,
                    now.threads,
                    addressFiles,
                    now.addressFiles,
                    now.host.lines().filter(line -> !known.contains(line)).collect(Collectors.joining("\n")));
        }
    }

    private boolean isLessThan(CniLeavings now) {
        return now.descriptors > descriptors + 2
                || now.threads > threads + IN_MOTION
                || now.addressFiles > addressFiles
                || !now.host.equals(host);
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
