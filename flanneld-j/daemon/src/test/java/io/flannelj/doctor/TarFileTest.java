package io.flannelj.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TarFileTest {
    @Test
    void tarReadsWhatItWrites(@TempDir Path directory) throws Exception {
        Path archive = directory.resolve("report.tar.gz");
        TarFile.write(archive, "report", Map.of("a.txt", "x".repeat(512), "b.txt", "é\n"), Instant.EPOCH);

        Process tar = new ProcessBuilder("tar", "-xzf", archive.toString(), "-C", directory.toString())
                .inheritIO()
                .start();

        assertThat(tar.waitFor()).isZero();
        assertThat(directory.resolve("report/a.txt")).hasContent("x".repeat(512));
        assertThat(Files.readString(directory.resolve("report/b.txt"))).isEqualTo("é\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(archive)))
                .isEqualTo("rw-------");
    }
}
