package io.flannelj.lab;

import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.stream.IntStream;

/**
 * A server in one pod that answers with as many bytes as it is asked for, and clients in another that ask: over HTTP's shape,
 * a connection for each answer. What is found out is which sizes do not arrive.
 */
public final class Answers {
    private static final int PORT = 8088;
    private static final int CLIENTS = 6;
    private static final int TIMEOUT_MILLIS = 2000;

    private Answers() {}

    /**
     * Asks for each size.
     *
     * @return those that did not come within two seconds
     */
    public static SortedSet<Integer> missing(Pod client, Pod server, String address, List<Integer> sizes) {
        SortedSet<Integer> missing = new ConcurrentSkipListSet<>();
        try (Netns there = Netns.open(Path.of(server.netns()));
                Netns here = Netns.open(Path.of(client.netns()));
                ServerSocket listening = NetnsThread.call(there, () -> new ServerSocket(PORT, 200))) {
            CompletableFuture.runAsync(() -> serve(listening), Background.THREADS);
            CompletableFuture.allOf(IntStream.range(0, CLIENTS)
                            .mapToObj(number -> CompletableFuture.runAsync(
                                    () -> ask(here, address, every(sizes, number), missing), Background.THREADS))
                            .toArray(CompletableFuture[]::new))
                    .join();
            return missing;
        } catch (IOException e) {
            throw new LabException("answers from " + server.containerId() + ": " + e, e);
        }
    }

    private static List<Integer> every(List<Integer> sizes, int number) {
        return IntStream.range(0, sizes.size())
                .filter(index -> index % CLIENTS == number)
                .mapToObj(sizes::get)
                .toList();
    }

    private static void ask(Netns here, String address, List<Integer> sizes, SortedSet<Integer> missing) {
        try {
            NetnsThread.call(here, () -> {
                for (int size : sizes) {
                    if (!arrives(address, size)) {
                        missing.add(size);
                    }
                }
                return true;
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean arrives(String address, int size) throws IOException {
        try (Socket socket = new Socket()) {
            socket.setSoTimeout(TIMEOUT_MILLIS);
            socket.setTcpNoDelay(true);
            socket.connect(new InetSocketAddress(address, PORT), TIMEOUT_MILLIS);
            socket.getOutputStream().write(new byte[] {(byte) (size >>> 8), (byte) size});
            return socket.getInputStream().readNBytes(size).length == size;
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    private static void serve(ServerSocket listening) {
        try {
            while (true) {
                Socket socket = listening.accept();
                CompletableFuture.runAsync(() -> answer(socket), Background.THREADS);
            }
        } catch (IOException e) {
            return; // closed: all have asked
        }
    }

    private static void answer(Socket socket) {
        try (socket) {
            int size = new DataInputStream(socket.getInputStream()).readUnsignedShort();
            socket.getOutputStream().write(new byte[size]);
            if (socket.getInputStream().read() >= 0) {
                throw new LabException("the client said more than it should");
            }
        } catch (EOFException e) {
            return; // the client gave up
        } catch (IOException e) {
            return; // likewise, while it was answered
        }
    }
}
