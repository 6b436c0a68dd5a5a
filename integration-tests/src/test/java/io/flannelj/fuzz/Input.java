package io.flannelj.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** One fuzzing input, read from its beginning on; behind its end everything is zero. */
public final class Input {
    private final byte[] octets;
    private int at;

    public Input(byte[] octets) {
        this.octets = octets;
    }

    /** Whether everything was read. */
    public boolean isEmpty() {
        return at >= octets.length;
    }

    /** The next octet. */
    public int u8() {
        return at < octets.length ? octets[at++] & 0xff : 0;
    }

    /** The next two octets, the most significant first. */
    public int u16() {
        return u8() << 8 | u8();
    }

    /** The next so many octets, or what is left. */
    public byte[] bytes(int count) {
        int from = Math.min(at, octets.length);
        at = Math.min(octets.length, from + count);
        return Arrays.copyOfRange(octets, from, at);
    }

    /** What is left. */
    public byte[] rest() {
        return bytes(octets.length);
    }

    /** What is left, as UTF-8. */
    public String text() {
        return new String(rest(), StandardCharsets.UTF_8);
    }
}
