package io.flannelj.net;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
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
    private static final String OWNER_READS = "rw-------";
    private static final String EVERYBODY_READS = "rw-r--r--";

    private WholeFile() {}

    /**
     * Writes the file, and returns once it is on the disk, which may take seconds. Its folder is made where it is missing.
     * Nobody but its owner may read it.
     *
     * @throws IOException when it cannot be written; the file is as it was
     */
    public static void write(Path file, String content) throws IOException {
        write(file, content, OWNER_READS);
    }

    /** The same, and everybody may read it. */
    public static void writeForAll(Path file, String content) throws IOException {
        write(file, content, EVERYBODY_READS);
    }

    private static void write(Path file, String content, String permissions) throws IOException {
        Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file lies in a folder");
        Files.createDirectories(directory);
        Path draft = Files.createTempFile(directory, "." + file.getFileName() + ".", ".draft");
        try {
            Files.writeString(draft, content);
            Files.setPosixFilePermissions(draft, PosixFilePermissions.fromString(permissions));
            sync(draft, StandardOpenOption.WRITE);
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(draft);
        }
        sync(directory, StandardOpenOption.READ); // else a crash could undo the move
    }

    /**
     * Reads a file as text. Bytes that are no UTF-8, as a crash of the machine can leave them, become the character for that: what the
     * text has to be is for its parser to say.
     *
     * @throws IOException when it cannot be read
     */
    public static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    private static void sync(Path path, StandardOpenOption how) throws IOException {
        try (FileChannel channel = FileChannel.open(path, how)) {
            channel.force(true);
        }
    }
}
