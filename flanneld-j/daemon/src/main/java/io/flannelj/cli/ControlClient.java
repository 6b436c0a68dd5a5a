package io.flannelj.cli;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.explain.DaemonFacts;
import io.flannelj.explain.DaemonSource;
import io.flannelj.explain.PathFacts;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.util.List;

/** Asks a running daemon over its control socket: HTTP/1.1, one request a connection. */
final class ControlClient implements DaemonSource {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final TypeReference<List<PathFacts>> PATHS = new TypeReference<>() {};

    private static final int STREAM_BYTES = 128 * 1024;

    private final Path socket;

    ControlClient(Path socket) {
        this.socket = socket;
    }

    /**
     * The body of a GET.
     *
     * @throws AccessDeniedException when only root may ask
     * @throws IOException when no daemon answers; says where it was looked for
     */
    String get(String path) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            ask(channel, path);
            String answer = new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
            int bodyAt = answer.indexOf("\r\n\r\n");
            if (bodyAt < 0 || !answer.startsWith("HTTP/1.1 200")) {
                throw new IOException("the daemon at " + socket + " answered "
                        + answer.lines().findFirst().orElse("nothing"));
            }
            return answer.substring(bodyAt + 4);
        } catch (IOException e) {
            if (e.getMessage() != null && e.getMessage().startsWith("the daemon")) {
                throw e;
            }
            throw unreachable(e);
        }
    }

    private void ask(SocketChannel channel, String path) throws IOException {
        channel.connect(UnixDomainSocketAddress.of(socket));
        String request = "GET " + path + " HTTP/1.1\r\nHost: flanneld-j\r\nConnection: close\r\n\r\n";
        channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
    }

    private IOException unreachable(IOException e) {
        return "Permission denied".equals(e.getMessage())
                ? new AccessDeniedException("the daemon's socket " + socket + " is root's: run it as root")
                : new IOException(
                        "no daemon answers at " + socket + " (" + e.getMessage()
                                + "); is flanneld-j running, and with this --control-socket?",
                        e);
    }

    /**
     * Opens a stream of packets; whoever closes it ends it for the daemon as well.
     *
     * @throws AccessDeniedException when only root may ask
     * @throws RefusedException when there are no packets to be seen; says why
     * @throws IOException when no daemon answers; says where it was looked for
     */
    InputStream open(String path) throws IOException, RefusedException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            ask(channel, path);
            InputStream answer = new BufferedInputStream(Channels.newInputStream(channel), STREAM_BYTES);
            String head = head(answer);
            if (head.startsWith("HTTP/1.1 200")) {
                return answer;
            }
            String why = new String(answer.readAllBytes(), StandardCharsets.UTF_8).strip();
            throw new RefusedException(why.isEmpty() ? "the daemon answered nothing" : why);
        } catch (IOException e) {
            channel.close();
            throw unreachable(e);
        } catch (RefusedException e) {
            channel.close();
            throw e;
        }
    }

    private static String head(InputStream answer) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0 && head.length() < 4096) {
            int read = answer.read();
            if (read < 0) {
                break;
            }
            head.append((char) read);
        }
        return head.toString();
    }

    /** What the daemon knows for explain and doctor. */
    @Override
    public DaemonFacts ask() throws IOException {
        return JSON.readValue(get("/v1/explain"), DaemonFacts.class);
    }

    @Override
    public List<PathFacts> examine(String node) throws IOException {
        return JSON.readValue(get("/v1/paths/" + node), PATHS);
    }
}
