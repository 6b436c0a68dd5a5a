package io.flannelj.linux;

import java.nio.ByteBuffer;

/** An rtnetlink(7) socket as a descriptor: requests out, answers in. It stays in the namespace it was opened in. */
public final class NetlinkFd implements AutoCloseable {
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final int NETLINK_ROUTE = 0;
    private static final int NETLINK_XFRM = 6;
    private static final int SOL_NETLINK = 270;
    private static final int NETLINK_CAP_ACK = 10;
    private static final int NETLINK_EXT_ACK = 11;
    private static final int NETLINK_GET_STRICT_CHK = 12;
    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    private static final int ADDRESS_BYTES = 12; // struct sockaddr_nl
    private static final ByteBuffer KERNEL = Fd.buffer(ADDRESS_BYTES).putShort(0, (short) AF_NETLINK);
    private static final ByteBuffer ONE = Fd.buffer(4).putInt(0, 1);
    private static final ByteBuffer RECEIVE_TIMEOUT = Fd.seconds(10);
    private static final ByteBuffer LISTEN_TIMEOUT = Fd.seconds(1);

    private final Fd fd;
    private final boolean listening;

    private NetlinkFd(Fd fd, boolean listening) {
        this.fd = fd;
        this.listening = listening;
    }

    /**
     * Opens a socket in the calling thread's network namespace, which hears the kernel alone: another process there could
     * answer in its place, and in a pod's namespace one with CAP_NET_ADMIN may send to any netlink socket.
     */
    public static NetlinkFd open() throws SyscallException {
        return open(NETLINK_ROUTE, 0, RECEIVE_TIMEOUT);
    }

    /** The same for IPsec. */
    public static NetlinkFd openIpsec() throws SyscallException {
        return open(NETLINK_XFRM, 0, RECEIVE_TIMEOUT);
    }

    /**
     * Opens a socket that hears of changes in the calling thread's network namespace.
     *
     * @param groups RTMGRP_ bits
     */
    public static NetlinkFd listen(int groups) throws SyscallException {
        return open(NETLINK_ROUTE, groups, LISTEN_TIMEOUT);
    }

    private static NetlinkFd open(int protocol, int groups, ByteBuffer timeout) throws SyscallException {
        Fd fd = new Fd(
                LibC.check(LibC.calls().socket(AF_NETLINK, SOCK_RAW | Fd.CLOEXEC, protocol), "open", "netlink socket"));
        if (groups != 0) { // the kernel gives an address by itself to a socket that only asks
            ByteBuffer address =
                    Fd.buffer(ADDRESS_BYTES).putShort(0, (short) AF_NETLINK).putInt(8, groups);
            if (LibC.calls().bind(fd.number(), address, ADDRESS_BYTES) < 0) {
                int errno = LibC.errno();
                fd.close();
                throw new SyscallException("bind", "netlink socket", errno);
            }
        }
        if (groups == 0 && LibC.calls().connect(fd.number(), KERNEL, ADDRESS_BYTES) < 0) {
            int errno = LibC.errno();
            fd.close();
            throw new SyscallException("connect", "netlink socket", errno);
        }
        // Refused by older kernels, which then answer without explanations.
        LibC.calls().setsockopt(fd.number(), SOL_NETLINK, NETLINK_CAP_ACK, ONE, 4);
        LibC.calls().setsockopt(fd.number(), SOL_NETLINK, NETLINK_EXT_ACK, ONE, 4);
        LibC.calls().setsockopt(fd.number(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, ONE, 4);
        LibC.calls().setsockopt(fd.number(), SOL_SOCKET, SO_RCVTIMEO, timeout, 16);
        return new NetlinkFd(fd, groups != 0);
    }

    /** Sends everything between position and limit of a direct buffer. */
    public void send(ByteBuffer request) throws SyscallException {
        long sent = LibC.calls().send(fd.number(), request, request.remaining(), 0);
        if (sent < 0) {
            throw new SyscallException("send to", "netlink socket", LibC.errno());
        }
    }

    /**
     * Receives one datagram into a direct buffer from its beginning; position 0, limit the bytes received.
     *
     * @return 0, or the errno that the caller may try again after: EINTR; for a listener also EAGAIN, when nothing
     *     happened for a second, and ENOBUFS, when more happened than it could take
     */
    public int receive(ByteBuffer into) throws SyscallException {
        into.clear();
        long received = LibC.calls().recv(fd.number(), into, into.capacity(), 0);
        if (received < 0) {
            int errno = LibC.errno();
            if (errno == Errno.EINTR || (listening && (errno == Errno.EAGAIN || errno == Errno.ENOBUFS))) {
                return errno;
            }
            throw new SyscallException("receive from", "netlink socket", errno);
        }
        into.limit((int) received);
        return 0;
    }

    @Override
    public void close() {
        fd.close();
    }
}
