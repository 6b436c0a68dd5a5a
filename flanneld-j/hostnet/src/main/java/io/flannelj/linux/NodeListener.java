package io.flannelj.linux;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Where other nodes connect to through the tunnel; see {@link NodeStream}. */
public final class NodeListener implements AutoCloseable {
    private static final int SHUT_RDWR = 2;
    private static final int ADDRESS_BYTES = 28;

    private final Fd fd;
    private final String subject;

    private NodeListener(Fd fd, String subject) {
        this.fd = fd;
        this.subject = subject;
    }

    /** A connection and whose it is. */
    public record Caller(IpAddress address, NodeStream stream) {}

    /**
     * Listens.
     *
     * @param backlog connections that may wait
     * @throws SyscallException naming device, address and port
     */
    public static NodeListener open(NodeSocket end, int port, int backlog) throws SyscallException {
        String subject = end.local() + " port " + port;
        Fd fd = end.open(port);
        try {
            LibC.check(LibC.calls().listen(fd.number(), backlog), "listen at", subject);
            return new NodeListener(fd, subject);
        } catch (SyscallException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Waits for a connection.
     *
     * @return null when none came in time, and once {@link #stop} was called
     */
    public @Nullable Caller accept(int millis) throws SyscallException {
        NodeSocket.setPatience(fd, millis);
        ByteBuffer address = Fd.buffer(ADDRESS_BYTES);
        ByteBuffer length = Fd.buffer(4);
        while (true) {
            length.putInt(0, ADDRESS_BYTES);
            int accepted = LibC.calls().accept4(fd.number(), LibC.address(address), LibC.address(length), Fd.CLOEXEC);
            if (accepted >= 0) {
                return new Caller(NodeSocket.addressIn(address), new NodeStream(new Fd(accepted), subject));
            }
            int errno = LibC.errno();
            if (errno == Errno.EAGAIN || errno == Errno.EINVAL) { // EINVAL of a socket that was shut down
                return null;
            }
            if (errno != Errno.EINTR && errno != Errno.ECONNABORTED) {
                throw new SyscallException("accept at", subject, errno);
            }
        }
    }

    /** Wakes who waits, and takes no more connections. */
    public void stop() {
        LibC.calls().shutdown(fd.number(), SHUT_RDWR);
    }

    /** Only once nobody waits any more. */
    @Override
    public void close() {
        fd.close();
    }
}
