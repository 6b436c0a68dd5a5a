package io.flannelj.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {
    @TempDir
    private Path directory;

    private List<String> names(Path in) throws IOException {
        try (Stream<Path> files = Files.list(in)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    @Test
    void makesItsFolderAndLeavesNoDraft() throws IOException {
        Path file = directory.resolve("a/b/state.json");

        WholeFile.write(file, "first\n");
        WholeFile.write(file, "second\n");

        assertThat(file).hasContent("second\n");
        assertThat(names(file.getParent())).containsExactly("state.json");
    }

    @Test
    void onlyItsOwnerReadsItUnlessItIsForAll() throws IOException {
        Path file = directory.resolve("state.json");

        WholeFile.write(file, "secret");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        WholeFile.writeForAll(file, "public");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-r--r--");
    }

    @Test
    void whatIsNoUtf8IsReadAllTheSame() throws IOException {
        Path file = directory.resolve("state.json");
        Files.write(file, new byte[] {'a', (byte) 0xff, 0, 'b'});

        assertThat(WholeFile.read(file)).isEqualTo("a\ufffd\0b");
    }

    @Test
    void aRefusedWriteLeavesWhatWasThere() throws IOException {
        Path file = directory.resolve("state.json");
        Files.createDirectories(file.resolve("in-the-way"));

        assertThatThrownBy(() -> WholeFile.write(file, "new")).isInstanceOf(IOException.class);

        assertThat(names(file)).containsExactly("in-the-way");
        assertThat(names(directory)).as("no draft is left").containsExactly("state.json");
    }

    /** A reader opens it again and again while it is replaced. */
    @Test
    void aReaderSeesOneContentOrTheOther() throws Exception {
        Path file = directory.resolve("state.json");
        List<String> contents = List.of("a".repeat(100_000), "b".repeat(50_000));
        WholeFile.write(file, contents.get(0));
        List<String> seen = new ArrayList<>();
        Thread writer = new Thread(() -> {
            try {
                for (int i = 1; i < 200; i++) {
                    WholeFile.write(file, contents.get(i % 2));
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        writer.start();
        while (writer.isAlive()) {
            seen.add(Files.readString(file));
        }
        writer.join();

        assertThat(contents).containsAll(seen).contains(Files.readString(file));
    }

    @Test
    void twoWritersDoNotMixTheirDrafts() throws Exception {
        Path file = directory.resolve("state.json");
        List<String> contents = List.of("a".repeat(100_000), "b".repeat(100_000));
        List<Thread> writers = contents.stream()
                .map(content -> new Thread(() -> {
                    try {
                        for (int i = 0; i < 50; i++) {
                            WholeFile.write(file, content);
                        }
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                }))
                .toList();
        writers.forEach(Thread::start);
        for (Thread writer : writers) {
            writer.join();
        }

        assertThat(contents).contains(Files.readString(file));
        assertThat(names(directory)).containsExactly("state.json");
    }
}
