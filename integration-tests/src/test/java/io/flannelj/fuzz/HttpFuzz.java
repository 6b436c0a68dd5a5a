package io.flannelj.fuzz;

import io.flannelj.admin.AdminServer;
import io.flannelj.admin.DaemonView;
import io.flannelj.admin.HttpCounters;
import io.flannelj.admin.PeerDocument;
import io.flannelj.admin.StatusDocument;
import io.flannelj.explain.DaemonFacts;
import io.flannelj.explain.PathFacts;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

/**
 * What a client sends to the admin server, over its control socket, before it stops sending. It is answered once by HTTP, or the
 * connection is closed; the server goes on serving others.
 */
public final class HttpFuzz {
    private static final Pattern ANSWER = Pattern.compile(
            "HTTP/1\\.[01] (100|200|400|404|405|408|413|414|417|431|501|503|505) [^\r\n]*\r\n.*", Pattern.DOTALL);
    private static final byte[] HEALTH =
            "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int HEALTH_EVERY = 100;
    private static final Path SOCKET = listen();
    private static int calls;

    private HttpFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        try {
            String answer = ask(data);
            Promise.holds(answer.isEmpty() || ANSWER.matcher(answer).matches(), "not an HTTP answer: " + answer);
            if (calls++ % HEALTH_EVERY == 0) {
                Promise.holds(ask(HEALTH).startsWith("HTTP/1.1 200 OK\r\n"), "no health after that");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Everything that comes back until the server closes the connection; what is cut off by a reset counts as nothing. */
    private static String ask(byte[] data) throws IOException {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        try (SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            client.connect(UnixDomainSocketAddress.of(SOCKET));
            try {
                ByteBuffer request = ByteBuffer.wrap(data);
                while (request.hasRemaining()) {
                    client.write(request);
                }
                client.shutdownOutput();
                ByteBuffer chunk = ByteBuffer.allocate(8192);
                while (client.read(chunk) >= 0) {
                    answer.write(chunk.array(), 0, chunk.position());
                    chunk.clear();
                }
            } catch (IOException e) { // closed on an answer's heels, while we were still sending
                return "";
            }
        }
        return answer.toString(StandardCharsets.ISO_8859_1);
    }

    private static Path listen() {
        try {
            Path folder = Files.createTempDirectory("flanneld-j-fuzz");
            Path socket = folder.resolve("control.sock");
            folder.toFile().deleteOnExit(); // in reverse order
            socket.toFile().deleteOnExit();
            new AdminServer(new OneNode(), new HttpCounters()).listen(socket); // until the process ends
            return socket;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final class OneNode implements DaemonView {
        @Override
        public CompletableFuture<List<PathFacts>> examine(String node) {
            return CompletableFuture.completedFuture(List.of());
        }

        @Override
        public StatusDocument status() {
            return new StatusDocument(
                    "1",
                    "running",
                    true,
                    List.of(),
                    "eth0",
                    "192.168.0.1",
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
                    new StatusDocument.Store("file", true, "", null),
                    null);
        }

        @Override
        public List<PeerDocument> peers() {
            return List.of();
        }

        @Override
        public DaemonFacts facts() {
            return DaemonFacts.NONE;
        }

        @Override
        public String metrics() {
            return "";
        }
    }
}
