package io.flannelj.lab;

import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;

/** Sends data between namespaces and compares what arrives. Sockets are made inside, used from anywhere. */
public final class Transfer {
    /** Below the ephemeral ports, dissected as nothing special, and new each time: a closed socket may linger. */
    private static final AtomicInteger NEXT_PORT = new AtomicInteger(21_100);

    private static final int TIMEOUT_MILLIS = 60_000;

    private Transfer() {}

    /**
     * TCP, both ways at once, with checksums.
     *
     * @return whether each side received exactly what the other sent
     */
    public static boolean tcp(Pod from, Pod to, int megabytes) {
        return tcp(from, to, to.address(), megabytes);
    }

    /** The same to another of the receiver's addresses. */
    public static boolean tcp(Pod from, Pod to, String toAddress, int megabytes) {
        long bytes = (long) megabytes << 20;
        int port = NEXT_PORT.getAndIncrement();
        try (ServerSocket server = in(to.namespace(), () -> new ServerSocket(port))) {
            server.setSoTimeout(TIMEOUT_MILLIS);
            CompletableFuture<Boolean> serving = CompletableFuture.supplyAsync(
                    () -> {
                        try (Socket socket = server.accept()) {
                            return exchange(socket, bytes, 2);
                        } catch (IOException e) {
                            throw new LabException("the receiving side failed: " + e.getMessage(), e);
                        }
                    },
                    Background.THREADS);
            try (Socket socket = in(from.namespace(), () -> {
                Socket made = new Socket();
                made.connect(new InetSocketAddress(toAddress, port), 5000);
                return made;
            })) {
                return exchange(socket, bytes, 1) && serving.get(120, TimeUnit.SECONDS);
            }
        } catch (Exception e) {
            throw new LabException("TCP from " + from.containerId() + " to " + to.containerId() + ": " + e, e);
        }
    }

    private static boolean exchange(Socket socket, long bytes, long seed) throws IOException {
        socket.setSoTimeout(TIMEOUT_MILLIS);
        CompletableFuture<Void> sending = CompletableFuture.runAsync(
                () -> {
                    try {
                        send(socket.getOutputStream(), bytes, seed);
                    } catch (IOException e) {
                        throw new LabException("sending failed: " + e.getMessage(), e);
                    }
                },
                Background.THREADS);
        boolean good = receive(socket.getInputStream(), bytes);
        sending.join();
        return good;
    }

    private static void send(OutputStream out, long bytes, long seed) throws IOException {
        CRC32C sum = new CRC32C();
        byte[] chunk = new byte[1 << 16];
        Random random = new Random(seed);
        for (long left = bytes; left > 0; left -= chunk.length) {
            random.nextBytes(chunk);
            sum.update(chunk);
            out.write(chunk);
        }
        new DataOutputStream(out).writeLong(sum.getValue());
        out.flush();
    }

    private static boolean receive(InputStream in, long bytes) throws IOException {
        CRC32C sum = new CRC32C();
        byte[] chunk = new byte[1 << 16];
        for (long left = bytes; left > 0; ) {
            int read = in.read(chunk, 0, (int) Math.min(chunk.length, left));
            if (read < 0) {
                return false;
            }
            sum.update(chunk, 0, read);
            left -= read;
        }
        return new DataInputStream(in).readLong() == sum.getValue();
    }

    /**
     * A UDP datagram there and back, in fragments where it is longer than the MTU.
     *
     * @return whether it came back whole, within three tries
     */
    public static boolean udp(Pod from, Pod to, int bytes) {
        return udp(from, to, to.address(), bytes);
    }

    /** The same to another of the receiver's addresses. */
    public static boolean udp(Pod from, Pod to, String toAddress, int bytes) {
        byte[] data = new byte[bytes];
        int port = NEXT_PORT.getAndIncrement();
        new Random(bytes).nextBytes(data);
        try (DatagramSocket server = in(to.namespace(), () -> new DatagramSocket(port));
                DatagramSocket client = in(from.namespace(), () -> new DatagramSocket())) {
            CompletableFuture.runAsync(() -> echo(server), Background.THREADS);
            client.setSoTimeout(1000);
            InetAddress target = InetAddress.getByName(toAddress);
            boolean whole = false;
            for (int attempt = 0; attempt < 3 && !whole; attempt++) { // a datagram may be lost
                client.send(new DatagramPacket(data, data.length, target, port));
                whole = receives(client, data);
            }
            return whole;
        } catch (IOException e) {
            throw new LabException("UDP from " + from.containerId() + " to " + to.containerId() + ": " + e, e);
        }
    }

    private static boolean receives(DatagramSocket client, byte[] expected) throws IOException {
        DatagramPacket back = new DatagramPacket(new byte[65_535], 65_535);
        try {
            client.receive(back);
            return Arrays.equals(expected, Arrays.copyOf(back.getData(), back.getLength()));
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    private static void echo(DatagramSocket server) {
        DatagramPacket packet = new DatagramPacket(new byte[65_535], 65_535);
        try {
            while (!server.isClosed()) {
                packet.setLength(65_535);
                server.receive(packet);
                server.send(packet);
            }
        } catch (IOException e) {
            return; // closed: the exchange is over
        }
    }

    private static <T> T in(String namespace, Callable<T> make) throws IOException {
        try (Netns netns = Netns.open(Path.of("/run/netns", namespace))) {
            return NetnsThread.call(netns, make);
        }
    }
}
