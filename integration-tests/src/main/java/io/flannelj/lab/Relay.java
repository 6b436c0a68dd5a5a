package io.flannelj.lab;

import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;

/** Leads from a port in a namespace to a port of this process, so that a server that the test itself runs is a neighbour. */
final class Relay implements AutoCloseable {
    private final ServerSocket entrance;

    Relay(String namespace, String address, int port) {
        try (Netns netns = Netns.open(Path.of("/run/netns", namespace))) {
            // A socket belongs to the namespace of the thread that makes it, whichever uses it later.
            entrance = NetnsThread.call(
                    netns,
                    () -> ServerSocketChannel.open()
                            .bind(new InetSocketAddress(address, port))
                            .socket());
        } catch (IOException e) {
            throw new LabException("nothing can listen at " + address + " port " + port + ": " + e.getMessage(), e);
        }
        Background.THREADS.execute(() -> accept(port));
    }

    private void accept(int port) {
        while (!entrance.isClosed()) {
            try {
                Socket from = entrance.accept();
                Socket to = new Socket(InetAddress.getLoopbackAddress(), port);
                Background.THREADS.execute(() -> copy(from, to));
                Background.THREADS.execute(() -> copy(to, from));
            } catch (IOException e) {
                // closed, or a server that is gone: whoever asked sees an end
            }
        }
    }

    private static void copy(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException e) {
            // either side is gone, and so both are closed
        }
    }

    @Override
    public void close() {
        try {
            entrance.close();
        } catch (IOException e) {
            throw new LabException("the relay cannot be closed", e);
        }
    }
}
