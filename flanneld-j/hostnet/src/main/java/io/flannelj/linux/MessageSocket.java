package io.flannelj.linux;

/** A non-blocking socket's descriptor, for whole arrays of messages a call. */
abstract class MessageSocket implements AutoCloseable {
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOL_SOCKET = 1;
    private static final int SO_SNDBUF = 7;
    private static final int SO_RCVBUF = 8;
    private static final int SO_SNDBUFFORCE = 32;
    private static final int SO_RCVBUFFORCE = 33;
    private static final int MSG_DONTWAIT = 0x40;

    private final Fd fd;

    MessageSocket(Fd fd) {
        this.fd = fd;
    }

    /** Sets an option of type int; false when the kernel does not know it or refuses. */
    static boolean setOption(Fd fd, int level, int option, int value) {
        return LibC.calls().setsockopt(fd.number(), level, option, Fd.buffer(4).putInt(0, value), 4) == 0;
    }

    /** Sets an option of type int; false when the kernel does not know it or refuses. */
    public boolean trySetOption(int level, int option, int value) {
        return setOption(fd, level, option, value);
    }

    /** Sets both buffers, beyond net.core.rmem_max and wmem_max where we may. */
    public void setBufferBytes(int bytes) {
        if (!trySetOption(SOL_SOCKET, SO_RCVBUFFORCE, bytes)) {
            trySetOption(SOL_SOCKET, SO_RCVBUF, bytes);
        }
        if (!trySetOption(SOL_SOCKET, SO_SNDBUFFORCE, bytes)) {
            trySetOption(SOL_SOCKET, SO_SNDBUF, bytes);
        }
    }

    /**
     * sendmmsg(2), never blocking, never allocating.
     *
     * @param messages address of an array of {@code struct mmsghdr}
     * @return messages sent, or a negative errno
     */
    public int sendmmsg(long messages, int count) {
        int sent = LibC.calls().sendmmsg(fd.number(), messages, count, MSG_DONTWAIT);
        return sent >= 0 ? sent : -LibC.errno();
    }

    /**
     * recvmmsg(2), never blocking, never allocating.
     *
     * @param messages address of an array of {@code struct mmsghdr}
     * @return messages received, or a negative errno
     */
    public int recvmmsg(long messages, int count) {
        int received = LibC.calls().recvmmsg(fd.number(), messages, count, MSG_DONTWAIT, 0);
        return received >= 0 ? received : -LibC.errno();
    }

    public int fd() {
        return fd.number();
    }

    @Override
    public void close() {
        fd.close();
    }
}
