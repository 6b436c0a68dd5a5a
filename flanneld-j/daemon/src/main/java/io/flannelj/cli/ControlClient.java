package io.flannelj.cli;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Asks a running daemon over its control socket: HTTP/1.1, one request a connection. */
final class ControlClient {
    private final Path socket;

    ControlClient(Path socket) {
        this.socket = socket;
    }

    /**
     * The body of a GET.
     *
     * @throws IOException when no daemon answers; says where it was looked for
     */
    String get(String path) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            String request = "GET " + path + " HTTP/1.1\r\nHost: flanneld-j\r\nConnection: close\r\n\r\n";
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
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
            throw new IOException(
                    "no daemon answers at " + socket + " (" + e.getMessage()
                            + "); is flanneld-j running, and with this --control-socket?",
                    e);
        }
    }
}
