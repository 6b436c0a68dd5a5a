package io.flannelj.admin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class AdminServerTest {
    private static final String CRLF = "\r\n";
    private static final String GET = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    private static final HttpLimits LIMITS =
            new HttpLimits(6, 4, 1 << 20, Duration.ofMillis(500), Duration.ofSeconds(2));

    private final HttpCounters counters = new HttpCounters();
    private final AdminServer server = new AdminServer(new OneNode(), counters, LIMITS);
    private InetSocketAddress address;

    @BeforeEach
    void listen() throws IOException {
        address = server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    @AfterEach
    void close() {
        server.close();
    }

    @Test
    void aGetIsAnsweredAndTheConnectionClosed() throws IOException {
        assertThat(ask(GET)).startsWith("HTTP/1.1 200").endsWith("\r\n\r\nflanneld is running");
        assertThat(ask("GET /healthz HTTP/1.0\r\n\r\n")).startsWith("HTTP/1.1 200");
        assertThat(ask("HEAD /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"))
                .startsWith("HTTP/1.1 200")
                .endsWith("\r\n\r\n");
        assertThat(counters.refusedRequests()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "400, 'hello'",
        "400, 'GET /healthz HTTP/1.1|'",
        "400, 'GET /healthz HTTP/1.1|Host: a|Host: b|'",
        "400, 'GET /healthz HTTP/1.1|Host a|'",
        "400, 'GET /healthz HTTP/1.1|Host: a|Content-Length: -1|'",
        "400, 'GET /healthz HTTP/1.1|Host: a|Content-Length: 1|Content-Length: 2|'",
        "505, 'PRI * HTTP/2.0||SM|'",
        "405, 'POST /healthz HTTP/1.1|Host: a|Content-Length: 60000||the first of many bytes'",
        "405, 'DELETE / HTTP/1.1|Host: a|'",
        "413, 'GET /healthz HTTP/1.1|Host: a|Content-Length: 60000||the first of many bytes'",
        "413, 'GET /healthz HTTP/1.1|Host: a|Transfer-Encoding: chunked||ffff|'",
        "404, 'GET /nowhere HTTP/1.1|Host: a|'"
    })
    void whatCannotBeAnsweredIsRefused(int status, String request) throws IOException {
        assertThat(ask(request.replace("|", CRLF) + CRLF)).startsWith("HTTP/1.1 " + status + " ");
        assertThat(counters.refusedRequests()).isEqualTo(status == 404 ? 0 : 1);
    }

    @Test
    void whatIsTooLongIsRefusedBeforeItIsKept() throws IOException {
        assertThat(ask("GET /" + "x".repeat(100_000) + " HTTP/1.1\r\nHost: a\r\n\r\n"))
                .startsWith("HTTP/1.1 431 ");
        assertThat(ask("GET / HTTP/1.1\r\nHost: a\r\nX: " + "x".repeat(100_000) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 431 ");
    }

    @Test
    void ofManyRequestsOnOneConnectionTheFirstIsAnswered() throws IOException {
        try (Socket client = connect(GET.repeat(20))) {
            byte[] head = client.getInputStream().readNBytes(15);
            assertThat(new String(head, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 200 OK");
        }
    }

    @Test
    void whoDoesNotAskIsToldSo() throws IOException {
        assertThat(ask("GET /healthz HTTP/1.1\r\nX-Slow:")).startsWith("HTTP/1.1 408 ");
        assertThat(ask("")).startsWith("HTTP/1.1 408 ");
    }

    @Test
    void theOldestConnectionMakesRoomForTheNewest() throws IOException {
        List<Socket> silent = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            silent.add(connect(""));
        }
        assertThat(ask(GET)).startsWith("HTTP/1.1 200");
        Awaitility.await().until(() -> counters.closedConnections() >= 17);
        for (Socket each : silent) {
            each.close();
        }
    }

    @Test
    void whatAClientDoesNotTakeIsDroppedInTheEnd() throws IOException {
        try (Socket client = connect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")) {
            client.setSoTimeout(10_000);
            assertThat(client.getInputStream().readAllBytes()).isNotEmpty(); // the server's half is closed
            Awaitility.await().until(() -> isReset(client)); // and in the end the other one, too
        }
    }

    private static boolean isReset(Socket client) {
        try {
            client.getOutputStream().write(1);
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    @Test
    void metricsHaveAnAddressOfTheirOwn() throws IOException {
        InetSocketAddress metrics = server.listenForMetrics(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        assertThat(ask(metrics, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"))
                .startsWith("HTTP/1.1 200")
                .endsWith("flannelj_ready 1.0\n");
        for (String other : List.of("/", "/healthz", "/readyz", "/v1/status", "/v1/peers")) {
            assertThat(ask(metrics, "GET " + other + " HTTP/1.1\r\nHost: a\r\n\r\n"))
                    .startsWith("HTTP/1.1 404 ");
        }
    }

    @Test
    void theControlSocketIsForItsOwner(@TempDir Path directory) throws IOException {
        Path socket = directory.resolve("c.sock");
        server.listen(socket);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
        assertThat(AdminServer.isAnswering(socket)).isTrue();
    }

    private String ask(String request) throws IOException {
        return ask(address, request);
    }

    private static String ask(InetSocketAddress address, String request) throws IOException {
        try (Socket client = connect(address, request)) {
            return new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private Socket connect(String request) throws IOException {
        return connect(address, request);
    }

    private static Socket connect(InetSocketAddress address, String request) throws IOException {
        Socket client = new Socket(address.getAddress(), address.getPort());
        client.setSoTimeout(20_000);
        client.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        return client;
    }

    private static final class OneNode extends QuietDaemon {
        @Override
        public StatusDocument status() {
            return new StatusDocument(
                    "1",
                    "ready",
                    true,
                    List.of(),
                    "eth0",
                    "192.0.2.1",
                    "10.5.0.0/16",
                    "10.5.1.0/24",
                    "never",
                    "vxlan",
                    "flannel.1",
                    1450,
                    List.of(),
                    0,
                    List.of(),
                    0,
                    1,
                    new StatusDocument.Store("etcd", true, "", null),
                    null);
        }

        @Override
        public String metrics() {
            return "flannelj_ready 1.0\n";
        }
    }
}
