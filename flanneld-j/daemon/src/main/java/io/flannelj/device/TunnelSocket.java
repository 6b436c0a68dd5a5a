package io.flannelj.device;

import io.flannelj.linux.Errno;
import io.flannelj.linux.UdpSocket;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
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
    private static final int PMTUDISC_PROBE = 3;
    private static final int PMTUDISC_OMIT = 5;
    private static final int BUFFER_BYTES = 8 << 20;
    private static final int PROBE_BUFFER_BYTES = 256 << 10;

    private final UdpSocket socket;
    private final IpFamily family;
    private boolean fillsChecksums = true;

    private TunnelSocket(UdpSocket socket, IpFamily family) {
        this.socket = socket;
        this.family = family;
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
        setFragmentation(socket, local.family(), dontFragment);
        if (local.isIpv6()) {
            socket.trySetOption(SOL_IPV6, IPV6_RECVTCLASS, 1);
        } else {
            socket.trySetOption(SOL_IP, IP_RECVTOS, 1);
        }
        return new TunnelSocket(socket, local.family());
    }

    /**
     * Binds a socket of any free port that only sends, beside those of the workers.
     *
     * @param dontFragment of what is sent
     * @throws IOException when the address is not ours; names it
     */
    public static TunnelSocket openToSend(IpAddress local, DontFragment dontFragment) throws IOException {
        UdpSocket socket = UdpSocket.open(local, 0, false);
        socket.setBufferBytes(PROBE_BUFFER_BYTES);
        setFragmentation(socket, local.family(), dontFragment);
        return new TunnelSocket(socket, local.family());
    }

    private static void setFragmentation(UdpSocket socket, IpFamily family, DontFragment dontFragment) {
        int discover = switch (dontFragment) {
            case UNSET -> PMTUDISC_OMIT;
            case UNSET_AS_TOLD -> PMTUDISC_DONT; // the kernel's own default sets DF on datagrams that go alone only
            case SET -> PMTUDISC_DO;
            case PROBE -> PMTUDISC_PROBE;
        };
        if (family == IpFamily.IPV6) {
            boolean isUnset = dontFragment == DontFragment.UNSET || dontFragment == DontFragment.UNSET_AS_TOLD;
            socket.trySetOption(SOL_IPV6, IPV6_MTU_DISCOVER, discover);
            socket.trySetOption(SOL_IPV6, IPV6_DONTFRAG, isUnset ? 0 : 1);
        } else {
            socket.trySetOption(SOL_IP, IP_MTU_DISCOVER, discover);
        }
    }

    @Override
    public int fd() {
        return socket.fd();
    }

    @Override
    public IpFamily family() {
        return family;
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
    public void dontFragment(DontFragment outer) {
        setFragmentation(socket, family, outer);
    }

    @Override
    public void fillChecksums(boolean fills) {
        if (fills != fillsChecksums
                && family == IpFamily.IPV4) { // receivers refuse a zero one over IPv6, RFC 8200 §8.1
            fillsChecksums = fills;
            socket.fillChecksums(fills);
        }
    }

    @Override
    public void close() {
        socket.close();
    }
}
