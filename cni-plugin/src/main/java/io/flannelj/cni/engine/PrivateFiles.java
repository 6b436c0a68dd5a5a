package io.flannelj.cni.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Set;

/** Small files that nobody else may read, opened once. */
final class PrivateFiles {
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private PrivateFiles() {}

    /**
     * Makes a file.
     *
     * @throws java.nio.file.FileAlreadyExistsException when it is there
     */
    static void create(Path file, String content) throws IOException {
        write(file, content, StandardOpenOption.CREATE_NEW);
    }

    /** Makes a file, or writes it anew. */
    static void replace(Path file, String content) throws IOException {
        write(file, content, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING);
    }

    private static void write(Path file, String content, OpenOption... how) throws IOException {
        Set<OpenOption> options = new HashSet<>(Set.of(how));
        options.add(StandardOpenOption.WRITE);
        ByteBuffer bytes = ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8));
        try (WritableByteChannel out = Files.newByteChannel(file, options, OWNER_ONLY)) {
            while (bytes.hasRemaining()) {
                out.write(bytes);
            }
        }
    }
}
