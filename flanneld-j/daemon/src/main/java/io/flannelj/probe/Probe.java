package io.flannelj.probe;

import java.util.List;

/**
 * What is to be sent to a peer now: one datagram for each token, which stands in the payload and comes back in the answer.
 *
 * @param bytes length of the inner packet, or of that and its padding
 */
public record Probe(PathKey path, Kind kind, int bytes, List<Long> tokens) {
    public Probe {
        tokens = List.copyOf(tokens);
    }

    /** How it is sent. */
    public enum Kind {
        /** A short one, like any packet: with an outer checksum unless that was found to damage. */
        ECHO,
        /** Padded, and not to be cut on its way; else as a short one. */
        WHOLE,
        /** A run of equal lengths that the kernel or the card cuts (UDP_SEGMENT). */
        SEGMENTED,
        /** The same lengths, each sent by itself, with an outer checksum whatever is known of that. */
        SEPARATE,
        /** The same once more, without an outer checksum. */
        UNSUMMED
    }
}
