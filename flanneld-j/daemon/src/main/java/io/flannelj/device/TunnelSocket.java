package io.flannelj.device;

import io.flannelj.linux.Errno;
import io.flannelj.linux.UdpSocket;
import io.flannelj.net.IpAddress;
import java.io.IOException;

/**
 * The UDP socket that tunnels end in: sendmmsg(2) and recvmmsg(2), with segmentation and joining left to the kernel
 * (udp(7), UDP_SEGMENT and UDP_GRO).
 *
 * <p>A socket of our own rather than Netty's datagram channel, which splits each joined run into an object per
 * datagram; see docs/adr/0002-raw-sockets-on-the-event-loop.md.
 */
public final class TunnelSocket implements UnderlaySocket {
    private static final int SOL_IP = 0;
    private static final int IP_MTU_DISCOVER = 10;
    private static final int IP_RECVTOS = 13;
    private static final int SOL_UDP = 17;
    private static final int UDP_GRO = 104;
    private static final int SOL_IPV6 = 41;
    private static final int IPV6_MTU_DISCOVER = 23;
    private static final int IPV6_DONTFRAG = 62;
    private static final int IPV6_RECVTCLASS = 66;
    private static final int PMTUDISC_DONT = 0;
    private static final int PMTUDISC_DO = 2;
    private static final int BUFFER_BYTES = 8 << 20;

    private final UdpSocket socket;
    private final boolean ipv6;

    private TunnelSocket(UdpSocket socket, boolean ipv6) {
        this.socket = socket;
        this.ipv6 = ipv6;
    }

    /**
     * Binds the socket.
     *
     * @param shared whether others may bind it too (SO_REUSEPORT): the kernel keeps each sender on one of them
     * @param dontFragment of what is sent
     * @throws IOException when the address is not ours or the port is taken; names both
     */
    public static TunnelSocket open(IpAddress local, int port, boolean shared, DontFragment dontFragment)
            throws IOException {
        UdpSocket socket = UdpSocket.open(local, port, shared);
        socket.setBufferBytes(BUFFER_BYTES);
        socket.trySetOption(SOL_UDP, UDP_GRO, 1); // older kernels have no UDP_GRO: then each datagram comes alone
        boolean set = dontFragment == DontFragment.SET;
        int discover =
                set ? PMTUDISC_DO : PMTUDISC_DONT; // the kernel's own default sets DF on datagrams that go alone only
        if (local.isIpv6()) {
            socket.trySetOption(SOL_IPV6, IPV6_MTU_DISCOVER, discover);
            socket.trySetOption(SOL_IPV6, IPV6_DONTFRAG, set ? 1 : 0);
            socket.trySetOption(SOL_IPV6, IPV6_RECVTCLASS, 1);
        } else {
            socket.trySetOption(SOL_IP, IP_MTU_DISCOVER, discover);
            socket.trySetOption(SOL_IP, IP_RECVTOS, 1);
        }
        return new TunnelSocket(socket, local.isIpv6());
    }

    @Override
    public int fd() {
        return socket.fd();
    }

    @Override
    public boolean isIpv6() {
        return ipv6;
    }

    @Override
    public int send(SendVector messages, int from, int count) {
        return socket.sendmmsg(messages.entryAddress(from), count);
    }

    @Override
    public int receive(ReceiveVector slots) {
        int received = socket.recvmmsg(slots.address(), slots.slots());
        return received == -Errno.EAGAIN ? 0 : received;
    }

    @Override
    public void close() {
        socket.close();
    }
}
