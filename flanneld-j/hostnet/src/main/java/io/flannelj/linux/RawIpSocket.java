package io.flannelj.linux;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;

/**
 * A non-blocking raw IPv4 socket (raw(7), IP_HDRINCL): whole packets out, with the outer header written by us, and whole
 * packets of one protocol in.
 */
public final class RawIpSocket implements AutoCloseable {
    private static final int AF_INET = 2;
    private static final int SOCK_RAW = 3;
    private static final int SOCK_NONBLOCK = 0x800;
    private static final int SOL_IP = 0;
    private static final int IP_HDRINCL = 3;
    private static final int SOL_SOCKET = 1;
    private static final int SO_SNDBUFFORCE = 32;
    private static final int SO_RCVBUFFORCE = 33;
    private static final int MSG_DONTWAIT = 0x40;

    private final Fd fd;

    private RawIpSocket(Fd fd) {
        this.fd = fd;
    }

    /**
     * Opens a socket for packets to {@code local}.
     *
     * @param protocol IP protocol number
     * @param bufferBytes of each direction
     * @throws SyscallException when the address is not ours, or we may not; names both
     */
    public static RawIpSocket open(IpAddress local, int protocol, int bufferBytes) throws SyscallException {
        String subject = "IP protocol " + protocol + " on " + local;
        Fd fd = new Fd(LibC.check(
                LibC.calls().socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | Fd.CLOEXEC, protocol),
                "open raw socket for",
                subject));
        ByteBuffer one = Fd.buffer(4).putInt(0, 1);
        ByteBuffer size = Fd.buffer(4).putInt(0, bufferBytes);
        ByteBuffer address = Fd.buffer(16).putShort(0, (short) AF_INET).put(4, local.toBytes());
        LibC.calls().setsockopt(fd.number(), SOL_SOCKET, SO_RCVBUFFORCE, size, 4);
        LibC.calls().setsockopt(fd.number(), SOL_SOCKET, SO_SNDBUFFORCE, size, 4);
        if (LibC.calls().setsockopt(fd.number(), SOL_IP, IP_HDRINCL, one, 4) < 0
                || LibC.calls().bind(fd.number(), address, 16) < 0) {
            int errno = LibC.errno();
            fd.close();
            throw new SyscallException("bind", subject, errno);
        }
        return new RawIpSocket(fd);
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
