package io.flannelj.linux;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;

/** A non-blocking UDP socket, for whole arrays of messages a call. */
public final class UdpSocket extends MessageSocket {
    private static final int SOCK_DGRAM = 2;
    private static final int SO_NO_CHECK = 11;
    private static final int SO_REUSEPORT = 15;
    private static final ByteBuffer ONE = Fd.buffer(4).putInt(0, 1);
    private static final ByteBuffer ZERO = Fd.buffer(4).putInt(0, 0);

    private UdpSocket(Fd fd) {
        super(fd);
    }

    /**
     * Opens and binds a socket.
     *
     * @param port 0 for any free one
     * @param shared whether several sockets may bind it (SO_REUSEPORT)
     * @throws SyscallException when the address is not ours or the port is taken; names both
     */
    public static UdpSocket open(IpAddress local, int port, boolean shared) throws SyscallException {
        String subject = "UDP " + local.withPort(port);
        Fd fd = new Fd(LibC.check(
                LibC.calls().socket(local.family().number(), SOCK_DGRAM | SOCK_NONBLOCK | Fd.CLOEXEC, 0),
                "open socket for",
                subject));
        if (shared) {
            setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        }
        ByteBuffer address = socketAddress(local, port);
        if (LibC.calls().bind(fd.number(), address, address.capacity()) < 0) {
            int errno = LibC.errno();
            fd.close();
            String remedy = errno == Errno.EADDRINUSE
                    ? "another process or a kernel VXLAN device holds the port; see `ss -ulnp` and `ip -d link`"
                    : "";
            throw new SyscallException("bind", subject, errno, remedy);
        }
        return new UdpSocket(fd);
    }

    private static ByteBuffer socketAddress(IpAddress address, int port) {
        ByteBuffer buffer = Fd.buffer(address.isIpv4() ? 16 : 28);
        buffer.putShort(0, (short) address.family().number());
        buffer.put(2, (byte) (port >>> 8)).put(3, (byte) port);
        buffer.put(address.isIpv4() ? 4 : 8, address.toBytes());
        return buffer;
    }

    /**
     * Whether what is sent from now on has a checksum (SO_NO_CHECK of socket(7)); over IPv4 only. Without one the kernel refuses
     * runs (EINVAL). Never allocates.
     */
    public void fillChecksums(boolean fills) {
        LibC.calls().setsockopt(fd(), SOL_SOCKET, SO_NO_CHECK, fills ? ZERO : ONE, 4);
    }
}
