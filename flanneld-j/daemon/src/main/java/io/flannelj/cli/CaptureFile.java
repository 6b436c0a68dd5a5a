package io.flannelj.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** The file that a capture goes to: new, and readable by root alone, for it has what pods send. */
final class CaptureFile {
    private CaptureFile() {}

    /**
     * Creates it; a pipe or a device of this user's that exists is written to as it is. One that somebody else has put there, or
     * a link to one, is not: it would show them what pods send, or have a disk written over.
     *
     * @param force replace a file of that name
     * @throws RefusedException when there is one, or it cannot be created; names it
     */
    static OutputStream create(String name, boolean force) throws RefusedException {
        Path file = Path.of(name);
        try {
            if (Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file)) {
                if (!isOurs(file)) {
                    throw new RefusedException(file + " is a pipe or a device that another user has put there;"
                            + " -w - writes to standard output");
                }
                return Files.newOutputStream(file, StandardOpenOption.WRITE);
            }
            if (force && !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                Files.deleteIfExists(file);
            }
            return Channels.newOutputStream(Files.newByteChannel(
                    file,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))));
        } catch (FileAlreadyExistsException e) {
            throw new RefusedException(file + " exists already; --force replaces it");
        } catch (NoSuchFileException e) {
            throw new RefusedException("the directory of " + file + " does not exist");
        } catch (IOException e) {
            throw new RefusedException("cannot write " + file + ": " + e.getMessage());
        }
    }

    /** Whether the name itself, be it a link, was made by this user. */
    private static boolean isOurs(Path file) throws IOException {
        return Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS)
                .equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
    }
}
