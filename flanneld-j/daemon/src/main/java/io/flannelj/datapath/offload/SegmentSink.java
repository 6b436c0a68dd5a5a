package io.flannelj.datapath.offload;

import io.netty.buffer.ByteBuf;

/** Takes the segments of a super-packet, one after the other. */
public interface SegmentSink {
    /** The buffer that segment headers are written to. */
    ByteBuf headers();

    /**
     * Room for the header of one more segment.
     *
     * @return where to write it in {@link #headers}; at least 128 bytes
     */
    int nextHeader();

    /**
     * A finished segment: its header, and its payload where it lies in the super-packet.
     *
     * @param headerOffset what {@link #nextHeader} gave
     * @param payloadOffset offset in the super-packet's buffer
     */
    void accept(int headerOffset, int headerBytes, int payloadOffset, int payloadBytes);
}
