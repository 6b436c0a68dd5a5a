package io.flannelj.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/** A file descriptor with one owner, who closes it. */
public final class Fd implements AutoCloseable {
    static final int CLOEXEC = 0x80000;
    private static final int RDONLY = 0;

    private final int number;
    private final AtomicBoolean open = new AtomicBoolean(true);

    Fd(int number) {
        this.number = number;
    }

    /** Opens a file for reading. */
    public static Fd openForReading(Path path) throws SyscallException {
        return new Fd(LibC.check(LibC.calls().open(path.toString(), RDONLY | CLOEXEC, 0), "open", path.toString()));
    }

    /**
     * The descriptor's number.
     *
     * @throws IllegalStateException once it is closed
     */
    public int number() {
        if (!open.get()) {
            throw new IllegalStateException("descriptor " + number + " is closed");
        }
        return number;
    }

    /** Closing twice is harmless. */
    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            LibC.calls().close(number);
        }
    }

    /** A {@code struct timeval}. */
    static ByteBuffer seconds(long seconds) {
        return buffer(16).putLong(0, seconds).putLong(8, 0);
    }

    /** A direct buffer in the machine's order, for structures that the kernel reads or fills. */
    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
