package io.flannelj.cni.main;

import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Hands a call to the running daemon: one HTTP/1.1 request over its control socket, written by hand, because a pod waits
 * for it and nothing beyond the JDK shall be loaded.
 */
final class ControlSocketClient {
    private final Path socket;

    ControlSocketClient(Path socket) {
        this.socket = socket;
    }

    /**
     * The daemon's answer; empty when no daemon listens.
     *
     * @throws IOException when one listens but does not answer properly
     */
    Optional<CniAnswer> call(Invocation invocation) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
            } catch (IOException e) {
                return Optional.empty();
            }
            OutputStream out = Channels.newOutputStream(channel);
            out.write(request(invocation));
            InputStream in = Channels.newInputStream(channel);
            return Optional.of(answer(new String(in.readAllBytes(), StandardCharsets.UTF_8)));
        }
    }

    private static byte[] request(Invocation invocation) {
        byte[] body = invocation.stdin().getBytes(StandardCharsets.UTF_8);
        StringBuilder head = new StringBuilder("POST /v1/cni HTTP/1.1\r\nHost: flanneld-j\r\nConnection: close\r\n");
        invocation
                .variables()
                .forEach((name, value) -> head.append(name.replace('_', '-'))
                        .append(": ")
                        .append(value.replace("\r", "").replace("\n", ""))
                        .append("\r\n"));
        head.append("Content-Length: ").append(body.length).append("\r\n\r\n");
        byte[] start = head.toString().getBytes(StandardCharsets.UTF_8);
        byte[] request = new byte[start.length + body.length];
        System.arraycopy(start, 0, request, 0, start.length);
        System.arraycopy(body, 0, request, start.length, body.length);
        return request;
    }

    private CniAnswer answer(String response) throws IOException {
        int bodyAt = response.indexOf("\r\n\r\n");
        if (bodyAt < 0 || !response.startsWith("HTTP/1.1 ")) {
            throw new IOException("the daemon at " + socket + " broke off");
        }
        String status = response.substring(9, 12);
        String body = response.substring(bodyAt + 4);
        return switch (status) {
            case "200" -> new CniAnswer(true, body);
            case "422" -> new CniAnswer(false, body);
            default -> throw new IOException("the daemon at " + socket + " answered " + status + ": " + body.strip());
        };
    }
}
