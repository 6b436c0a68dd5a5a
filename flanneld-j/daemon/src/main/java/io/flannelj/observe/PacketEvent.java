package io.flannelj.observe;

/**
 * A packet that the daemon has seen, or its beginning.
 *
 * @param epochNanos when, since 1970
 * @param point where on its way
 * @param outwards whether it was on its way from the pods to the wire
 * @param reason why it was dropped, as metrics name it; empty unless it was
 * @param help the same in words
 * @param peer underlay address of the other node, or of whoever sent it; empty where no lease leads to one
 * @param encapsulated whether {@code data} begins as the tunnel carries it, behind the outer UDP header
 * @param port UDP port of the other node's tunnel; 0 where it is not known
 * @param innerAt where in {@code data} the inner IP packet begins; -1 where none was found
 * @param length bytes that there were, of which {@code data} has the first
 * @param packets how many packets it stands for
 * @param dropsSoFar packets that one worker dropped for the same reason up to this one; 0 unless it was dropped
 * @param data the tunnel's header, where it has one here, and the inner packet
 */
@SuppressWarnings("ArrayRecordComponent") // made once and never compared
public record PacketEvent(
        long epochNanos,
        Point point,
        boolean outwards,
        String reason,
        String help,
        String peer,
        boolean encapsulated,
        int port,
        int innerAt,
        int length,
        int packets,
        long dropsSoFar,
        byte[] data) {
    /** Bytes of the inner packet, as many as there were; of a datagram without one all. */
    public int innerLength() {
        return length - Math.max(0, innerAt);
    }
}
