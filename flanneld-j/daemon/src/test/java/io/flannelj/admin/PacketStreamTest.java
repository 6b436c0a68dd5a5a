package io.flannelj.admin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Packets over the control socket. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class PacketStreamTest {
    private final Packets daemon = new Packets();
    private final AdminServer server = new AdminServer(daemon, new HttpCounters());
    private Path socket;

    @BeforeEach
    void listen(@TempDir Path directory) throws IOException {
        socket = directory.resolve("c.sock");
        server.listen(socket);
    }

    @AfterEach
    void close() {
        server.close();
    }

    private SocketChannel ask(String path) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        channel.write(
                ByteBuffer.wrap(("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n").getBytes(StandardCharsets.US_ASCII)));
        return channel;
    }

    private String answer(String path) throws IOException {
        try (SocketChannel channel = ask(path)) {
            return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    @Test
    void packetsAreShownOnTheControlSocketAlone() throws IOException {
        InetSocketAddress tcp = server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        for (String path : List.of("/v1/drops", "/v1/packets")) {
            try (Socket client = new Socket(tcp.getAddress(), tcp.getPort())) {
                client.getOutputStream()
                        .write(("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
                assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                        .startsWith("HTTP/1.1 404 ");
            }
        }
        assertThat(daemon.opened.get()).isZero();
        assertThat(answer("/v1/drops")).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\ndrops");
    }

    @Test
    void whatIsNotUnderstoodIsToldApartFromWhatIsNotThere() throws IOException {
        assertThat(answer("/v1/packets?port=no")).startsWith("HTTP/1.1 400 ").endsWith("no such port\n");
        assertThat(answer("/v1/packets?port=1")).startsWith("HTTP/1.1 503 ").endsWith("nothing here\n");
    }

    @Test
    void aClientThatGoesEndsItsStream() throws IOException {
        try (SocketChannel channel = ask("/v1/packets")) {
            assertThat(Channels.newInputStream(channel).readNBytes(100_000)).hasSize(100_000);
            assertThat(daemon.open.get()).isEqualTo(1);
        }
        Awaitility.await().untilAsserted(() -> assertThat(daemon.open.get()).isZero());
    }

    /** What is asked of the stream stays bounded while the client takes nothing, and others are answered. */
    @Test
    void aClientThatTakesNothingKeepsNobodyWaiting() throws IOException, InterruptedException {
        try (SocketChannel channel = ask("/v1/packets")) {
            assertThat(daemon.begun.await(10, TimeUnit.SECONDS)).isTrue();
            AtomicLong before = new AtomicLong();
            Awaitility.await().during(Duration.ofMillis(300)).until(() -> {
                long taken = daemon.taken.get();
                return before.getAndSet(taken) == taken;
            });
            assertThat(daemon.taken.get()).isLessThan(2 << 20);
            assertThat(answer("/healthz")).startsWith("HTTP/1.1 200 ");
            assertThat(channel.isOpen()).isTrue();
        }
        Awaitility.await().untilAsserted(() -> assertThat(daemon.open.get()).isZero());
    }

    /** Has as many packets as anybody wants. */
    private static final class Packets extends QuietDaemon {
        private final AtomicLong opened = new AtomicLong();
        private final AtomicLong open = new AtomicLong();
        private final AtomicLong taken = new AtomicLong();
        private final CountDownLatch begun = new CountDownLatch(1);

        @Override
        public PacketStream drops() {
            opened.incrementAndGet();
            return new PacketStream() {
                private boolean over;

                @Override
                public byte[] next(int mostBytes) {
                    boolean first = !over;
                    over = true;
                    return (first ? "drops" : "").getBytes(StandardCharsets.US_ASCII);
                }

                @Override
                public boolean isOver() {
                    return over;
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public PacketStream packets(Map<String, String> wanted) throws RefusedStreamException {
            if (wanted.containsKey("port")) {
                throw wanted.containsValue("no")
                        ? RefusedStreamException.badRequest("no such port")
                        : RefusedStreamException.unavailable("nothing here");
            }
            open.incrementAndGet();
            return new PacketStream() {
                @Override
                public byte[] next(int mostBytes) {
                    begun.countDown();
                    taken.addAndGet(mostBytes);
                    return new byte[mostBytes];
                }

                @Override
                public boolean isOver() {
                    return false;
                }

                @Override
                public void close() {
                    open.decrementAndGet();
                }
            };
        }
    }
}
