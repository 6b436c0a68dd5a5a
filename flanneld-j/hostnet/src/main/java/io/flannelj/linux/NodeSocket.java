package io.flannelj.linux;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * This node's end of connections to other nodes through the tunnel.
 *
 * @param device the tunnel's; packets by any other interface are not for these sockets
 * @param local this node's address on it
 * @param leastTimeToLive what a packet of the other node itself has at least when it arrives: 255, less what the tunnel takes
 * @param segmentBytes the largest TCP segment in either direction; 0 for what the device takes
 */
public record NodeSocket(String device, IpAddress local, int leastTimeToLive, int segmentBytes) {
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SOCK_STREAM = 1;
    private static final int SOL_SOCKET = 1;
    private static final int SO_REUSEADDR = 2;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_SNDTIMEO = 21;
    private static final int SO_BINDTODEVICE = 25;
    private static final int SOL_IP = 0;
    private static final int IP_TTL = 2;
    private static final int IP_MINTTL = 21;
    private static final int SOL_IPV6 = 41;
    private static final int IPV6_UNICAST_HOPS = 16;
    private static final int IPV6_MINHOPCOUNT = 73;
    private static final int SOL_TCP = 6;
    private static final int TCP_MAXSEG = 2;
    private static final int MOST_TIME_TO_LIVE = 255;

    /** A bound socket with all that is asked of it. */
    Fd open(int port) throws SyscallException {
        String subject = local + " port " + port + " on " + device;
        boolean ipv4 = local.isIpv4();
        Fd fd = new Fd(LibC.check(
                LibC.calls().socket(ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | Fd.CLOEXEC, 0), "open", "TCP socket"));
        try {
            ByteBuffer name = Fd.buffer(16).put(device.getBytes(StandardCharsets.UTF_8));
            LibC.check(
                    LibC.calls().setsockopt(fd.number(), SOL_SOCKET, SO_BINDTODEVICE, name.position(0), 16),
                    "bind to the device",
                    device);
            set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
            set(fd, ipv4 ? SOL_IP : SOL_IPV6, ipv4 ? IP_TTL : IPV6_UNICAST_HOPS, MOST_TIME_TO_LIVE);
            set(fd, ipv4 ? SOL_IP : SOL_IPV6, ipv4 ? IP_MINTTL : IPV6_MINHOPCOUNT, leastTimeToLive);
            if (segmentBytes > 0) {
                set(fd, SOL_TCP, TCP_MAXSEG, segmentBytes);
            }
            ByteBuffer address = address(local, port);
            LibC.check(LibC.calls().bind(fd.number(), address, address.capacity()), "bind", subject);
            return fd;
        } catch (SyscallException e) {
            fd.close();
            throw e;
        }
    }

    private static void set(Fd fd, int level, int option, int value) throws SyscallException {
        LibC.check(
                LibC.calls().setsockopt(fd.number(), level, option, Fd.buffer(4).putInt(0, value), 4),
                "set option " + option + " of",
                "TCP socket");
    }

    static void setPatience(Fd fd, int millis) {
        ByteBuffer timeout = Fd.buffer(16).putLong(0, millis / 1000).putLong(8, millis % 1000 * 1000L);
        LibC.calls().setsockopt(fd.number(), SOL_SOCKET, SO_RCVTIMEO, timeout, 16);
        LibC.calls().setsockopt(fd.number(), SOL_SOCKET, SO_SNDTIMEO, timeout, 16);
    }

    /** {@code struct sockaddr_in} or {@code sockaddr_in6}. */
    static ByteBuffer address(IpAddress address, int port) {
        ByteBuffer buffer = Fd.buffer(address.isIpv4() ? 16 : 28);
        buffer.putShort(0, (short) (address.isIpv4() ? AF_INET : AF_INET6));
        buffer.put(2, (byte) (port >>> 8)).put(3, (byte) port);
        return buffer.put(address.isIpv4() ? 4 : 8, address.toBytes());
    }

    /** The address in one that the kernel filled. */
    static IpAddress addressIn(ByteBuffer filled) {
        boolean ipv4 = filled.order(ByteOrder.nativeOrder()).getShort(0) == AF_INET;
        byte[] bytes = new byte[ipv4 ? 4 : 16];
        filled.get(ipv4 ? 4 : 8, bytes);
        return IpAddress.ofBytes(bytes);
    }
}
