package io.flannelj.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Asks a node's daemon. */
final class ControlSocket {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path socket;

    ControlSocket(Path socket) {
        this.socket = socket;
    }

    /** Status line, headers and body of the answer. */
    String get(String path) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.write(ByteBuffer.wrap(("GET " + path + " HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII)));
            return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    JsonNode json(String path) throws IOException {
        String answer = get(path);
        return JSON.readTree(answer.substring(answer.indexOf("\r\n\r\n") + 4));
    }
}
