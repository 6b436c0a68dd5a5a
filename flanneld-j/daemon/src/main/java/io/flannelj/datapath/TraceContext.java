package io.flannelj.datapath;

import org.jspecify.annotations.Nullable;

/**
 * What is known of the packet that a worker traces at the moment, beside its bytes: filled in anew for each, so that nothing is
 * allocated. Owned by one worker.
 */
final class TraceContext {
    TracePoint point = TracePoint.DROPPED;

    @Nullable
    DropReason reason;

    boolean encapsulated;
    boolean hasPeer;
    long peerHigh;
    long peerLow;
    int port;
    int innerAt;
    int bytes;
    int packets;
    int segmentBytes;

    /** @param packets how many it stands for, which share it in segments of {@code segmentBytes} where there are several */
    void begin(TracePoint at, @Nullable DropReason why, int bytes, int innerAt, int packets, int segmentBytes) {
        this.encapsulated = false;
        this.point = at;
        this.reason = why;
        this.bytes = bytes;
        this.innerAt = innerAt;
        this.packets = packets;
        this.segmentBytes = segmentBytes;
        this.hasPeer = false;
        this.peerHigh = 0;
        this.peerLow = 0;
        this.port = 0;
    }

    void peer(@Nullable Peer peer) {
        if (peer != null) {
            peer(peer.underlayHigh(), peer.underlayLow(), peer.port());
        }
    }

    void encapsulated() {
        encapsulated = true;
    }

    void peer(long high, long low, int udpPort) {
        hasPeer = true;
        peerHigh = high;
        peerLow = low;
        port = udpPort;
    }
}
