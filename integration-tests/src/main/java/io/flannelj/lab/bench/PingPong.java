package io.flannelj.lab.bench;

import io.flannelj.lab.Background;
import io.flannelj.lab.LabException;
import io.flannelj.lab.Pod;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** One UDP datagram of 64 bytes there and back, again and again: how long a request waits for its answer. */
final class PingPong {
    private static final int PORT = 21_000;
    private static final int BYTES = 64;

    private PingPong() {}

    /** Round-trip times in microseconds. */
    record Latency(double p50, double p99, double p999) {}

    static Latency measure(Rig rig, double seconds) {
        try (DatagramChannel server = open(rig.server());
                DatagramChannel client = open(rig.client())) {
            server.bind(new InetSocketAddress(rig.server().address(), PORT));
            Background.THREADS.execute(() -> echo(server));
            client.connect(new InetSocketAddress(rig.server().address(), PORT));
            // A lost answer would be waited for without end.
            CompletableFuture.delayedExecutor((long) seconds + 5, TimeUnit.SECONDS, Background.THREADS)
                    .execute(() -> close(client));
            return exchange(client, (long) (seconds * 1e9));
        } catch (IOException e) {
            throw new LabException("ping-pong failed: " + e.getMessage(), e);
        }
    }

    private static DatagramChannel open(Pod pod) throws IOException {
        try (Netns netns = Netns.open(Path.of(pod.netns()))) {
            DatagramChannel channel = NetnsThread.call(netns, () -> DatagramChannel.open());
            channel.setOption(StandardSocketOptions.SO_RCVBUF, 1 << 18);
            return channel;
        }
    }

    private static Latency exchange(DatagramChannel client, long nanos) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BYTES);
        long[] times = new long[1 << 17];
        int count = 0;
        long end = System.nanoTime() + nanos;
        for (long before = System.nanoTime(); before < end && count < times.length; before = System.nanoTime()) {
            buffer.clear();
            client.write(buffer);
            buffer.clear();
            client.read(buffer);
            times[count++] = System.nanoTime() - before;
        }
        Arrays.sort(times, 0, count);
        return new Latency(at(times, count, 0.5), at(times, count, 0.99), at(times, count, 0.999));
    }

    private static double at(long[] sorted, int count, double part) {
        return sorted[Math.min(count - 1, (int) (count * part))] / 1000.0;
    }

    private static void close(DatagramChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new LabException("cannot close a socket", e);
        }
    }

    private static void echo(DatagramChannel server) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BYTES);
        try {
            while (server.isOpen()) {
                buffer.clear();
                SocketAddress from = server.receive(buffer);
                buffer.flip();
                server.send(buffer, from);
            }
        } catch (IOException e) {
            return; // closed: the measurement is over
        }
    }
}
