package io.flannelj.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * An exclusive flock(2) on a file, held until closed. Java's own file locks are POSIX record locks, which flock does not
 * see; Go programs, host-local among them, use flock.
 */
public final class Flock implements AutoCloseable {
    private static final int RDWR_CREATE = 2 | 0x40;
    private static final int LOCK_EX = 2;

    private final Fd fd;

    private Flock(Fd fd) {
        this.fd = fd;
    }

    /** Waits until the lock is ours; makes the file (mode 0644) when it is missing. */
    public static Flock lock(Path file) throws SyscallException {
        Fd fd = new Fd(LibC.check(
                LibC.calls().open(file.toString(), RDWR_CREATE | Fd.CLOEXEC, 0644), "open", file.toString()));
        while (LibC.calls().flock(fd.number(), LOCK_EX) < 0) {
            int errno = LibC.errno();
            if (errno != Errno.EINTR) {
                fd.close();
                throw new SyscallException("lock", file.toString(), errno);
            }
        }
        return new Flock(fd);
    }

    /** Whether the file at that path is still the one that is locked. */
    public boolean isOf(Path file) throws IOException {
        try {
            return Files.isSameFile(Path.of("/proc/self/fd/" + fd.number()), file);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
