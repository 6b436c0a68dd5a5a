package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Quickstart;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code deploy/quickstart}: says what it does while it does it, and shows that a cluster works. */
@NeedsPrivileges
class QuickstartIT {
    private static final String STAGE = "· +\\d+ s  .*";

    /** A build as Maven prints it. */
    private static Commands.Result build(Path folder, String lastLine, int exitStatus) throws IOException {
        Path maven = Files.writeString(folder.resolve("maven"), """
                #!/bin/sh
                echo '[INFO] Scanning for projects...'
                echo '[INFO] Downloaded from central: https://repo.example/a.jar (2 kB at 1 kB/s)'
                echo '[INFO] Building flannelj-hostnet 0.2.0                                   [3/9]'
                echo '[INFO] --- compiler:3.14.0:compile (default-compile) @ flannelj-hostnet ---'
                echo '[INFO] Building flanneld-j 0.2.0                                         [6/9]'
                echo '%s'
                exit %d
                """.formatted(lastLine, exitStatus));
        assertThat(maven.toFile().setExecutable(true)).isTrue();
        return Commands.run(
                List.of("../deploy/build-with-progress", "37"),
                "",
                Map.of(
                        "MVN",
                        maven.toString(),
                        "LOG",
                        folder.resolve("build.log").toString()));
    }

    @Test
    void aBuildSaysWhatItIsAt(@TempDir Path folder) throws IOException {
        Commands.Result result = build(folder, "[INFO] BUILD SUCCESS", 0);

        assertThat(result.exitStatus()).as(result.errors()).isZero();
        assertThat(result.output().lines())
                .hasSize(4)
                .allMatch(line -> line.matches(STAGE))
                .anyMatch(line -> line.matches("·  3[78] s  building flannelj-hostnet, module 3 of 9"));
    }

    @Test
    void aBuildThatFailsSaysWhy(@TempDir Path folder) throws IOException {
        Commands.Result result = build(folder, "[ERROR] Main.java:[3,5] cannot find symbol", 1);

        assertThat(result.exitStatus()).isEqualTo(1);
        assertThat(result.output()).doesNotContain("built");
        assertThat(result.errors())
                .contains(
                        "[ERROR] Main.java:[3,5] cannot find symbol",
                        folder.resolve("build.log").toString());
    }

    @Test
    void aClusterIsShownAndTakenAway() {
        Commands.Result result = Commands.run(
                "java",
                "-Dflannelj.distribution=" + Distribution.home(),
                "-cp",
                Path.of(Quickstart.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .getPath()) + ":" + Distribution.home().resolve("lib/*"),
                Quickstart.class.getName(),
                "vxlan",
                "2",
                "once",
                "12");

        assertThat(result.exitStatus()).as(result.output() + result.errors()).isZero();
        List<String> lines = result.output().lines().toList();
        assertThat(lines.get(0)).matches("·  1[234] s  making 2 nodes.*");
        assertThat(lines)
                .filteredOn(line -> line.matches("n[12] .*"))
                .hasSize(2)
                .allMatch(
                        line -> line.matches(
                                "n\\d +10[.]5[.]\\d+[.]0/24 +192[.]168[.]100[.]\\d +1 +[0-9.]+ ms +[0-9.]+ ms +[0-9.]+ ms +[0-9.]+ Gbit/s"));
        assertThat(lines).anyMatch(line -> line.contains("warming up node 2 of 2"));
        assertThat(lines).anyMatch(line -> line.contains("s of traffic before"));
        assertThat(lines.get(lines.size() - 1)).matches(STAGE).contains("everything works");
    }
}
