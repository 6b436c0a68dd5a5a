package io.flannelj.explain;

import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.PortUnreachableException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Small packets of this node's own that find out what is on the other side of a silence. */
final class Reach {
    private static final int PORT_MILLIS = 10;
    private static final int ECHO_MILLIS = 500;

    private Reach() {}

    /**
     * Whether the other node says that nothing listens at a UDP port.
     *
     * @param longest how long it is asked
     * @param isPointless whether nobody wants to know any more
     */
    static boolean isRefused(IpAddress node, int port, Duration longest, BooleanSupplier isPointless) {
        long begin = System.nanoTime();
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(InetAddress.getByAddress(node.toBytes()), port);
            socket.setSoTimeout(PORT_MILLIS);
            while (System.nanoTime() - begin < longest.toNanos() && !isPointless.getAsBoolean()) {
                socket.send(new DatagramPacket(new byte[1], 1)); // too short for any encapsulation
                try {
                    socket.receive(new DatagramPacket(new byte[1], 1));
                    return false;
                } catch (SocketTimeoutException e) {
                    // a kernel says so once a second, and what else is sent there may have been told
                }
            }
            return false;
        } catch (PortUnreachableException e) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether an address answers to an echo request. */
    static boolean isEchoed(IpAddress address) {
        try {
            return InetAddress.getByAddress(address.toBytes()).isReachable(ECHO_MILLIS);
        } catch (IOException e) {
            return false;
        }
    }
}
