package io.flannelj.linux;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;

/**
 * A TCP connection between two nodes that crosses the tunnel and nothing else: bound to the tunnel's device, and by RFC 5082
 * closed to whoever is not the other node itself: both ends send with the greatest time to live and take no packet that was
 * forwarded on its way. Small segments, so that it works where large packets do not. Used by one thread.
 */
public final class NodeStream implements AutoCloseable {
    private static final int CHUNK_BYTES = 16 << 10;
    private static final int MSG_NOSIGNAL = 0x4000;

    private static final int FIRST_MILLIS = 1000; // unless another time is set

    private final Fd fd;
    private final String subject;
    private final ByteBuffer memory = Fd.buffer(CHUNK_BYTES);
    private long deadline = System.nanoTime() + FIRST_MILLIS * 1_000_000L;

    NodeStream(Fd fd, String subject) {
        this.fd = fd;
        this.subject = subject;
    }

    /**
     * Connects.
     *
     * @param end of this node
     * @param millis to wait for, then and at each later step
     * @throws SyscallException when nobody answers in time (EINPROGRESS), or with what was answered
     */
    public static NodeStream connect(NodeSocket end, IpAddress to, int port, int millis) throws SyscallException {
        String subject = to + " port " + port;
        Fd fd = end.open(0);
        try {
            NodeSocket.setPatience(fd, millis);
            ByteBuffer address = NodeSocket.address(to, port);
            LibC.check(LibC.calls().connect(fd.number(), address, address.capacity()), "connect to", subject);
            return new NodeStream(fd, subject);
        } catch (SyscallException e) {
            fd.close();
            throw e;
        }
    }

    /** How long the other end may take for all that it sends and takes from now on, however small the parts are. */
    public void setDeadline(int millis) {
        deadline = System.nanoTime() + millis * 1_000_000L;
    }

    private void waitAtMost(String action) throws SyscallException {
        long left = (deadline - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
            throw new SyscallException(action, subject, Errno.EAGAIN);
        }
        NodeSocket.setPatience(fd, (int) left);
    }

    /**
     * Waits for bytes.
     *
     * @return empty at the end
     */
    public byte[] receive() throws SyscallException {
        long count;
        do {
            waitAtMost("receive from");
            count = LibC.calls().recv(fd.number(), memory, CHUNK_BYTES, 0);
        } while (count < 0 && LibC.errno() == Errno.EINTR);
        if (count < 0) {
            throw new SyscallException("receive from", subject, LibC.errno());
        }
        byte[] bytes = new byte[(int) count];
        memory.get(0, bytes);
        return bytes;
    }

    /** Sends all of it. */
    public void send(byte[] bytes) throws SyscallException {
        int done = 0;
        while (done < bytes.length) {
            int length = Math.min(bytes.length - done, CHUNK_BYTES);
            memory.put(0, bytes, done, length);
            waitAtMost("send to");
            long count = LibC.calls().send(fd.number(), memory, length, MSG_NOSIGNAL);
            if (count < 0 && LibC.errno() != Errno.EINTR) {
                throw new SyscallException("send to", subject, LibC.errno());
            }
            done += (int) Math.max(count, 0);
        }
    }

    /** Says that nothing more is sent. */
    public void finish() {
        LibC.calls().shutdown(fd.number(), 1);
    }

    @Override
    public void close() {
        fd.close();
    }
}
