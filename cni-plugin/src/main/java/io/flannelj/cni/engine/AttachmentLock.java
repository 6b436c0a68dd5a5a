package io.flannelj.cni.engine;

import io.flannelj.linux.Flock;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Calls about one attachment go one after the other, whichever process carries them out: a DEL that follows an ADD which took
 * too long waits until that has ended. A file that is there as long as a process holds it or waits for it.
 */
final class AttachmentLock implements AutoCloseable {
    private final Path file;
    private final Flock held;

    private AttachmentLock(Path file, Flock held) {
        this.file = file;
        this.held = held;
    }

    /** Waits for it. */
    static AttachmentLock take(Path file) throws IOException {
        while (true) {
            Flock lock = Flock.lock(file);
            if (lock.isOf(file)) {
                return new AttachmentLock(file, lock);
            }
            lock.close(); // who held it before us has removed the file since: another one counts
        }
    }

    @Override
    public void close() {
        file.toFile().delete(); // where it stays, it is empty and holds up nobody
        held.close();
    }
}
