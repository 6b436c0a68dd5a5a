package io.flannelj.linux;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A connection of a {@link UnixListener}, whose other end may hand over a descriptor, unix(7). Used by one thread. */
public final class UnixStream implements AutoCloseable {
    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_SNDTIMEO = 21;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    // struct msghdr, struct iovec, struct cmsghdr with one descriptor, data; on 64 bits
    private static final int IOVEC = 64;
    private static final int CONTROL = 80;
    private static final int CONTROL_BYTES = 24;
    private static final int DATA = 128;
    private static final int DATA_BYTES = 16 << 10;

    private final Fd fd;
    private final String subject;
    private final ByteBuffer memory = Fd.buffer(DATA + DATA_BYTES);
    private final long address = LibC.address(memory);
    private @Nullable Fd received;

    UnixStream(Fd fd, String subject) {
        this.fd = fd;
        this.subject = subject;
        memory.putLong(16, address + IOVEC);
        memory.putLong(24, 1);
        memory.putLong(IOVEC, address + DATA);
        memory.putLong(IOVEC + 8, DATA_BYTES);
    }

    /** How long the other end may keep us waiting for what it sends, or takes. */
    public void setPatience(int seconds) {
        ByteBuffer timeout = Fd.seconds(seconds);
        LibC.calls().setsockopt(fd.number(), SOL_SOCKET, SO_RCVTIMEO, timeout, 16);
        LibC.calls().setsockopt(fd.number(), SOL_SOCKET, SO_SNDTIMEO, timeout, 16);
    }

    /**
     * Waits for bytes. A descriptor that comes with them is kept for {@link #descriptor}.
     *
     * @return empty at the end
     */
    public byte[] receive() throws SyscallException {
        long count;
        do {
            memory.putLong(32, address + CONTROL);
            memory.putLong(40, CONTROL_BYTES);
            count = LibC.calls().recvmsg(fd.number(), address, MSG_CMSG_CLOEXEC);
        } while (count < 0 && LibC.errno() == Errno.EINTR);
        if (count < 0) {
            throw new SyscallException("receive from", subject, LibC.errno());
        }
        boolean descriptorCame = memory.getLong(40) == CONTROL_BYTES
                && memory.getInt(CONTROL + 8) == SOL_SOCKET
                && memory.getInt(CONTROL + 12) == SCM_RIGHTS;
        if (descriptorCame) {
            closeDescriptor();
            received = new Fd(memory.getInt(CONTROL + 16));
        }
        byte[] bytes = new byte[(int) count];
        memory.get(DATA, bytes);
        return bytes;
    }

    /** The descriptor that came last; null when none did. It is closed with the connection. */
    public @Nullable Fd descriptor() {
        return received;
    }

    /** Sends all of it. */
    public void send(byte[] bytes) throws SyscallException {
        int done = 0;
        while (done < bytes.length) {
            int length = Math.min(bytes.length - done, DATA_BYTES);
            memory.put(DATA, bytes, done, length);
            long count = LibC.calls().send(fd.number(), address + DATA, length, MSG_NOSIGNAL);
            if (count < 0 && LibC.errno() != Errno.EINTR) {
                throw new SyscallException("send to", subject, LibC.errno());
            }
            done += (int) Math.max(count, 0);
        }
    }

    private void closeDescriptor() {
        Fd before = received;
        if (before != null) {
            before.close();
        }
    }

    @Override
    public void close() {
        closeDescriptor();
        fd.close();
    }
}
