package io.flannelj.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/** The built distribution, whose programs the laboratory runs. */
public final class Distribution {
    private static final String PROGRAM = "bin/flanneld-j";

    private Distribution() {}

    /** Found by the system property {@code flannelj.distribution}, or in the checkout. */
    public static Path home() {
        String named = System.getProperty("flannelj.distribution", "");
        for (String candidate : new String[] {named, "deploy/target/flanneld-j", "../deploy/target/flanneld-j"}) {
            Path home = Path.of(candidate).toAbsolutePath().normalize();
            if (!candidate.isEmpty() && Files.isExecutable(home.resolve(PROGRAM))) {
                return home;
            }
        }
        throw new LabException("the distribution is not built: run ./mvnw -B package");
    }

    /** The newest that {@code integration-tests/previous} has built; empty where it has built none. */
    public static Optional<Path> previous() {
        try (Stream<Path> versions = Files.list(Cache.folder("PREVIOUS", "flanneld-j-previous"))) {
            return versions.filter(home -> Files.isExecutable(home.resolve(PROGRAM)))
                    .max(Comparator.comparing(home -> home.toFile().lastModified()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
