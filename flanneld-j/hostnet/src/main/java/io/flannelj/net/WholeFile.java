package io.flannelj.net;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;

/**
 * A file that is replaced whole: a reader sees the old content or the new, also after a crash of the machine or a loss of its
 * power. Two programs may write one at a time; the last one counts.
 */
public final class WholeFile {
    private static final String EVERYBODY_READS = "rw-r--r--";

    private WholeFile() {}

    /**
     * Writes the file, and returns once it is on the disk, which may take seconds. Its folder is made where it is missing.
     * Everybody may read it.
     *
     * @throws IOException when it cannot be written; the file is as it was
     */
    public static void write(Path file, String content) throws IOException {
        Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file lies in a folder");
        Files.createDirectories(directory);
        Path draft = Files.createTempFile(directory, "." + file.getFileName() + ".", ".draft");
        try {
            Files.writeString(draft, content);
            Files.setPosixFilePermissions(draft, PosixFilePermissions.fromString(EVERYBODY_READS));
            sync(draft, StandardOpenOption.WRITE);
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(draft);
        }
        sync(directory, StandardOpenOption.READ); // else a crash could undo the move
    }

    private static void sync(Path path, StandardOpenOption how) throws IOException {
        try (FileChannel channel = FileChannel.open(path, how)) {
            channel.force(true);
        }
    }
}
