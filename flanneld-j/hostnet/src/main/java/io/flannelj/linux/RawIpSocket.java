package io.flannelj.linux;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;

/**
 * A non-blocking raw IPv4 socket (raw(7), IP_HDRINCL): whole packets out, with the outer header written by us, and whole
 * packets of one protocol in.
 */
public final class RawIpSocket extends MessageSocket {
    private static final int SOCK_RAW = 3;
    private static final int SOL_IP = 0;
    private static final int IP_HDRINCL = 3;
    private static final int IP_MTU_DISCOVER = 10;
    private static final int PMTUDISC_OMIT = 5;
    private static final int SEND_ONLY = 255; // IPPROTO_RAW

    private RawIpSocket(Fd fd) {
        super(fd);
    }

    /**
     * Opens a socket for packets to {@code local}.
     *
     * @param protocol IP protocol number
     * @throws SyscallException when the address is not ours, or we may not; names both
     */
    public static RawIpSocket open(IpAddress local, int protocol) throws SyscallException {
        String subject = "IP protocol " + protocol + " on " + local;
        Fd fd = new Fd(LibC.check(
                LibC.calls().socket(local.family().number(), SOCK_RAW | SOCK_NONBLOCK | Fd.CLOEXEC, protocol),
                "open raw socket for",
                subject));
        ByteBuffer address =
                Fd.buffer(16).putShort(0, (short) local.family().number()).put(4, local.toBytes());
        if (!setOption(fd, SOL_IP, IP_HDRINCL, 1) || LibC.calls().bind(fd.number(), address, 16) < 0) {
            int errno = LibC.errno();
            fd.close();
            throw new SyscallException("bind", subject, errno);
        }
        return new RawIpSocket(fd);
    }

    /** The same for sending alone: it receives nothing. */
    public static RawIpSocket openToSend(IpAddress local) throws SyscallException {
        return open(local, SEND_ONLY);
    }

    /**
     * What this node believes of the ways of packets counts no longer, its own interface's MTU does, and ICMP errors about what
     * was sent change nothing (IP_PMTUDISC_OMIT in linux/in.h).
     */
    public void ignorePathMtu() {
        trySetOption(SOL_IP, IP_MTU_DISCOVER, PMTUDISC_OMIT);
    }
}
