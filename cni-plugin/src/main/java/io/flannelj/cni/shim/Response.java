package io.flannelj.cni.shim;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads the daemon's HTTP responses, one after the other: status line, Content-Length, body. */
final class Response {
    private static final int MAX_NUMBER = 10_000_000;
    private static final String LENGTH = "\r\ncontent-length:";

    private final Host.Connection connection;
    private byte[] octets = new byte[0];
    private int status;
    private String body = "";

    Response(Host.Connection connection) throws IOException {
        this.connection = connection;
        next();
    }

    int status() {
        return status;
    }

    String body() {
        return body;
    }

    /** Goes on to the response that follows. */
    void next() throws IOException {
        int end = endOfHead();
        while (end < 0) {
            more();
            end = endOfHead();
        }
        String head = new String(octets, 0, end, StandardCharsets.UTF_8);
        if (!head.startsWith("HTTP/1.1 ") || head.length() < 12) {
            throw new IOException("it does not speak HTTP");
        }
        status = number(head.substring(9, 12));
        int length = length(head);
        int bodyAt = end + 4;
        while (octets.length < bodyAt + length) {
            more();
        }
        body = new String(octets, bodyAt, length, StandardCharsets.UTF_8);
        octets = Arrays.copyOfRange(octets, bodyAt + length, octets.length);
    }

    private void more() throws IOException {
        byte[] chunk = connection.receive();
        if (chunk.length == 0) {
            throw new IOException("it broke off");
        }
        int before = octets.length;
        octets = Arrays.copyOf(octets, before + chunk.length);
        System.arraycopy(chunk, 0, octets, before, chunk.length);
    }

    private int endOfHead() {
        for (int i = 0; i + 3 < octets.length; i++) {
            if (octets[i] == '\r' && octets[i + 1] == '\n' && octets[i + 2] == '\r' && octets[i + 3] == '\n') {
                return i;
            }
        }
        return -1;
    }

    private static int length(String head) throws IOException {
        // Header names are ASCII; lower case by hand, because locales are not for protocols.
        StringBuilder lower = new StringBuilder();
        for (int i = 0; i < head.length(); i++) {
            char c = head.charAt(i);
            lower.append(c >= 'A' && c <= 'Z' ? (char) (c + 32) : c);
        }
        int at = lower.indexOf(LENGTH);
        if (at < 0) {
            return 0;
        }
        int end = head.indexOf('\r', at + LENGTH.length());
        return number(head.substring(at + LENGTH.length(), end < 0 ? head.length() : end)
                .trim());
    }

    private static int number(String text) throws IOException {
        int number = 0;
        for (int i = 0; i < text.length(); i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9 || number > MAX_NUMBER) {
                throw new IOException("it answered with \"" + text + "\" where a number must be");
            }
            number = number * 10 + digit;
        }
        return number;
    }
}
