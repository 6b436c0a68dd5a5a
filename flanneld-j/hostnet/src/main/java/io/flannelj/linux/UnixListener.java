package io.flannelj.linux;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A listening stream socket under a path, unix(7), on which threads wait: the kernel wakes one for each connection. */
public final class UnixListener implements AutoCloseable {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = Fd.CLOEXEC;
    private static final int SHUT_RDWR = 2;
    private static final int MAX_PATH = 107;

    private final Fd fd;
    private final Path path;

    private UnixListener(Fd fd, Path path) {
        this.fd = fd;
        this.path = path;
    }

    /**
     * Makes the socket's file, whose path must be free.
     *
     * @param mode permissions of the file, which decide who can connect
     * @param backlog connections that may wait
     * @throws SyscallException naming the path
     */
    public static UnixListener open(Path path, int mode, int backlog) throws SyscallException {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > MAX_PATH) {
            throw new SyscallException("listen at", path.toString(), Errno.ENAMETOOLONG);
        }
        String subject = path.toString();
        Fd fd = new Fd(LibC.check(LibC.calls().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "open", "Unix socket"));
        try {
            // The file takes the mode that the socket has when it is bound.
            LibC.check(LibC.calls().fchmod(fd.number(), mode), "set the mode of", subject);
            ByteBuffer address = Fd.buffer(2 + name.length + 1).putShort(0, (short) AF_UNIX);
            address.position(2);
            address.put(name).position(0);
            LibC.check(LibC.calls().bind(fd.number(), address, address.capacity()), "bind", subject);
            LibC.check(LibC.calls().listen(fd.number(), backlog), "listen at", subject);
            return new UnixListener(fd, path);
        } catch (SyscallException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Waits for a connection.
     *
     * @return null once {@link #stop} was called
     */
    public @Nullable UnixStream accept() throws SyscallException {
        while (true) {
            int accepted = LibC.calls().accept4(fd.number(), 0, 0, SOCK_CLOEXEC);
            if (accepted >= 0) {
                return new UnixStream(new Fd(accepted), path.toString());
            }
            int errno = LibC.errno();
            if (errno == Errno.EINVAL) { // what accept says of a socket that was shut down
                return null;
            }
            if (errno != Errno.EINTR && errno != Errno.ECONNABORTED) {
                throw new SyscallException("accept at", path.toString(), errno);
            }
        }
    }

    /** Wakes all who wait, and takes no more connections. */
    public void stop() {
        LibC.calls().shutdown(fd.number(), SHUT_RDWR);
    }

    /** Only once nobody waits any more. */
    @Override
    public void close() {
        fd.close();
    }
}
