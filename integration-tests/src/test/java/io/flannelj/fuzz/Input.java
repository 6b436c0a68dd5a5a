package io.flannelj.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** One fuzzing input, read from its beginning on; behind its end everything is zero. */
public final class Input {
    private final byte[] bytes;
    private int at;

    public Input(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Whether everything was read. */
    public boolean isEmpty() {
        return at >= bytes.length;
    }

    /** The next byte. */
    public int u8() {
        return at < bytes.length ? bytes[at++] & 0xff : 0;
    }

    /** The next two bytes, the most significant first. */
    public int u16() {
        return u8() << 8 | u8();
    }

    /** The next so many bytes, or what is left. */
    public byte[] bytes(int count) {
        int from = Math.min(at, bytes.length);
        at = Math.min(bytes.length, from + count);
        return Arrays.copyOfRange(bytes, from, at);
    }

    /** What is left. */
    public byte[] rest() {
        return bytes(bytes.length);
    }

    /** What is left, as UTF-8. */
    public String text() {
        return new String(rest(), StandardCharsets.UTF_8);
    }
}
