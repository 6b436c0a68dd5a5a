package io.flannelj.cni.shim;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** What the daemon answered. */
record Answer(Frames.Outcome outcome, String text) {
    private static final int MAX_TEXT = 16 << 20;

    /**
     * Waits for it.
     *
     * @throws IOException when the daemon breaks off, or says something else; says which
     */
    static Answer read(Host.Connection connection) throws IOException {
        byte[] head = Frames.read(connection, new byte[0], Frames.ANSWER_HEAD);
        Frames.Outcome outcome;
        try {
            outcome = Frames.Outcome.of(head[0]);
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage());
        }
        int length = Frames.number(head, 1);
        if (length < 0 || length > MAX_TEXT) {
            throw new IOException("it announced a text of " + length + " bytes");
        }
        byte[] whole = Frames.read(connection, head, Frames.ANSWER_HEAD + length);
        return new Answer(outcome, new String(whole, Frames.ANSWER_HEAD, length, StandardCharsets.UTF_8));
    }
}
