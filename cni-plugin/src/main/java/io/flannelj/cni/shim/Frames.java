package io.flannelj.cni.shim;

import io.flannelj.cni.Invocation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A call and its answer on the CNI socket, which takes one call a connection.
 *
 * <pre>
 *   call:    length (4 bytes, the most significant first) of what follows
 *            DEVICE:INODE of the pod's network namespace in decimal, or nothing; a line feed
 *            the call as {@link Invocation#encode} makes it
 *            with the first bytes SCM_RIGHTS and the namespace's descriptor, from a plugin that can
 *   answer:  outcome (1 byte); length of the text (4 bytes); text, UTF-8
 * </pre>
 */
public final class Frames {
    /** Bytes in front of a call. */
    public static final int CALL_HEAD = 4;

    /** The most bytes that may follow. */
    public static final int MAX_CALL = 4 << 20;

    static final int ANSWER_HEAD = 5;

    private Frames() {}

    /** How a call went. */
    public enum Outcome {
        /** It was carried out; the text is its result. */
        DONE('d'),
        /** It failed; the text is the CNI error. */
        FAILED('f'),
        /** The namespace is not to be seen where the call says, and no descriptor of it came; nothing was done. */
        UNSEEN('u'),
        /** Nothing was done; the text says why. */
        REFUSED('r');

        private final char letter;

        Outcome(char letter) {
            this.letter = letter;
        }

        static Outcome of(byte letter) {
            for (Outcome outcome : values()) {
                if (outcome.letter == letter) {
                    return outcome;
                }
            }
            throw new IllegalArgumentException("an answer begins with one of d, f, u, r; it was " + letter);
        }
    }

    /** Where bytes come from; nothing at the end. */
    public interface Source {
        byte[] receive() throws IOException;
    }

    /**
     * Goes on receiving until there are so many bytes, or more.
     *
     * @param before what has come already
     * @throws IOException when the other end breaks off
     */
    public static byte[] read(Source source, byte[] before, int until) throws IOException {
        byte[] bytes = Arrays.copyOf(before, Math.max(before.length, until));
        int length = before.length;
        while (length < until) {
            byte[] chunk = source.receive();
            if (chunk.length == 0) {
                throw new IOException("it broke off");
            }
            if (length + chunk.length > bytes.length) {
                bytes = Arrays.copyOf(bytes, length + chunk.length);
            }
            System.arraycopy(chunk, 0, bytes, length, chunk.length);
            length += chunk.length;
        }
        return bytes;
    }

    /** A call as it goes to the daemon. */
    public static byte[] call(Invocation call, String identity) {
        byte[] invocation = call.encode();
        byte[] line = (identity + "\n").getBytes(StandardCharsets.UTF_8);
        byte[] frame = new byte[CALL_HEAD + line.length + invocation.length];
        putNumber(frame, 0, line.length + invocation.length);
        System.arraycopy(line, 0, frame, CALL_HEAD, line.length);
        System.arraycopy(invocation, 0, frame, CALL_HEAD + line.length, invocation.length);
        return frame;
    }

    /** An answer as it comes back. */
    public static byte[] answer(Outcome outcome, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        byte[] frame = new byte[ANSWER_HEAD + bytes.length];
        frame[0] = (byte) outcome.letter;
        putNumber(frame, 1, bytes.length);
        System.arraycopy(bytes, 0, frame, ANSWER_HEAD, bytes.length);
        return frame;
    }

    /**
     * A call that has arrived.
     *
     * @param identity {@code DEVICE:INODE}; empty when the plugin did not find the namespace
     */
    public record Call(String identity, Invocation invocation) {}

    /**
     * What {@link #call} made, without its length.
     *
     * @throws IllegalArgumentException when the bytes are something else
     */
    public static Call decode(byte[] bytes) {
        int end = 0;
        while (end < bytes.length && bytes[end] != '\n') {
            end++;
        }
        if (end == bytes.length) {
            throw new IllegalArgumentException("a CNI call begins with a line that names the namespace");
        }
        return new Call(
                new String(bytes, 0, end, StandardCharsets.UTF_8),
                Invocation.decode(Arrays.copyOfRange(bytes, end + 1, bytes.length)));
    }

    /** The number of four bytes that stands there; negative for what is too large for an int. */
    public static int number(byte[] bytes, int at) {
        return bytes[at] << 24 | (bytes[at + 1] & 0xff) << 16 | (bytes[at + 2] & 0xff) << 8 | bytes[at + 3] & 0xff;
    }

    private static void putNumber(byte[] bytes, int at, int number) {
        bytes[at] = (byte) (number >>> 24);
        bytes[at + 1] = (byte) (number >>> 16);
        bytes[at + 2] = (byte) (number >>> 8);
        bytes[at + 3] = (byte) number;
    }
}
