package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/flanneld-j}, which starts Java with an archive of classes where there is one. */
class LauncherIT {
    @Nested
    @NeedsPrivileges
    class Running {
        @Test
        void whatADaemonLoadsComesOutOfTheArchive() throws IOException {
            try (Lab lab = Lab.open(1, Lab.Underlay.ON)) {
                lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
                Node node = lab.node(1);
                Path loaded = node.directory().resolve("loaded");
                node.startDaemonWith(Map.of("FLANNELD_JAVA_OPTS", "-Xlog:class+load:file=" + loaded));
                node.awaitReady();
                // Neither Java's hidden classes nor those that are made as they are needed are in any file.
                List<String> sources = Files.readAllLines(loaded).stream()
                        .filter(line -> line.contains("source: shared objects file")
                                || line.contains("source: jrt:")
                                || line.contains("source: file:"))
                        .toList();
                long archived = sources.stream()
                        .filter(line -> line.contains("shared objects file"))
                        .count();
                assertThat(archived)
                        .as("of %d classes; integration-tests/class-list writes the list anew", sources.size())
                        .isGreaterThan(sources.size() * 9L / 10);
            }
        }
    }

    @Nested
    class Installed {
        @TempDir
        private Path directory;

        private Path home;

        private Commands.Result launch(String... arguments) {
            return Commands.run(Stream.concat(Stream.of(home + "/bin/flanneld-j"), Stream.of(arguments))
                    .toArray(String[]::new));
        }

        private List<Path> archives() throws IOException {
            try (Stream<Path> found = Files.list(home.resolve("archives"))) {
                return found.toList();
            }
        }

        /** It says its version, and Java nothing. */
        private static void assertThatItRuns(Commands.Result version) {
            version.orThrow();
            assertThat(version.output() + version.errors()).matches("flanneld-j \\S+\n");
        }

        private void install() {
            home = directory.resolve("flanneld-j");
            Commands.run("cp", "-r", Distribution.home().toString(), home.toString())
                    .orThrow();
            Commands.run("rm", "-r", home.resolve("archives").toString()).orThrow();
        }

        /** One of the jars is another one than that of the archive. */
        private void update() throws IOException {
            try (Stream<Path> jars = Files.list(home.resolve("lib"))) {
                Path jar = jars.filter(file -> file.toString().endsWith(".jar"))
                        .findFirst()
                        .orElseThrow();
                Files.setLastModifiedTime(jar, FileTime.fromMillis(0));
            }
        }

        @Test
        @LongRun
        void theArchiveIsMadeOnceAndAgainAfterAnUpdate() throws IOException {
            install();
            assertThatItRuns(launch("--version"));

            launch("--archive").orThrow();
            assertThat(archives()).hasSize(1);
            Path archive = archives().get(0);
            FileTime made = Files.getLastModifiedTime(archive);
            assertThatItRuns(
                    Commands.run("env", "FLANNELD_JAVA_OPTS=-Xshare:on", home + "/bin/flanneld-j", "--version"));
            launch("--archive").orThrow();
            assertThat(Files.getLastModifiedTime(archive)).isEqualTo(made);

            update();
            launch("--archive").orThrow();
            assertThat(Files.getLastModifiedTime(archive)).isGreaterThan(made);
            assertThat(archives()).containsExactly(archive);

            launch("--archive", "--kube-subnet-mgr").orThrow();
            assertThat(archives()).hasSize(1).doesNotContain(archive);
            assertThatItRuns(launch("--version"));
            assertThat(launch("--archive", "--kube").errors()).contains("takes --kube-subnet-mgr or nothing");
        }

        @Test
        void anArchiveThatDoesNotFitIsLeftAside() throws IOException {
            install();
            launch("--archive").orThrow();
            update();
            assertThatItRuns(launch("--version"));
        }
    }
}
