package io.flannelj.datapath;

import io.flannelj.net.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * A packet, or its beginning, as it was seen by a worker.
 *
 * @param atNanos when, by {@link System#nanoTime}
 * @param point where
 * @param reason why it was dropped; null unless it was
 * @param peer underlay address of the other node, or of whoever sent it; null where no lease leads to one
 * @param encapsulated whether {@code data} begins as the tunnel carries it, behind the outer UDP header
 * @param port UDP port of the other node's tunnel; 0 where it is not known
 * @param innerAt where in {@code data} the inner IP packet begins; -1 where none was found
 * @param length bytes that there were, of which {@code data} has the first
 * @param packets how many packets it stands for
 * @param segmentBytes payload of each of them; 0 for a packet that stands for itself
 * @param dropsSoFar packets dropped for the same reason up to this one; 0 unless it was dropped
 * @param data the tunnel's header, where it has one here, and the inner packet
 */
@SuppressWarnings("ArrayRecordComponent") // made once and never compared
public record PacketCopy(
        long atNanos,
        TracePoint point,
        @Nullable DropReason reason,
        @Nullable IpAddress peer,
        boolean encapsulated,
        int port,
        int innerAt,
        int length,
        int packets,
        int segmentBytes,
        long dropsSoFar,
        byte[] data) {}
