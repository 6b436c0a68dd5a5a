package io.flannelj.observe;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Where on its way a packet was seen. */
public enum Point {
    /** From a pod or the node, about to be encapsulated; a super-packet whole. */
    FROM_POD,
    /** Encapsulated and sent; each datagram by itself. */
    TO_WIRE,
    /** From another node, still encapsulated; each datagram by itself. */
    FROM_WIRE,
    /** Taken by the node's IP stack; neighbours of one flow joined. */
    TO_POD,
    /** It went no further. */
    DROPPED;

    /** The name on the control socket, e.g. {@code from_pod}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The point that has this name; empty where this version knows none. */
    public static Optional<Point> of(String label) {
        return Arrays.stream(values())
                .filter(point -> point.label().equals(label))
                .findFirst();
    }
}
