package io.flannelj.datapath.offload;

import io.flannelj.device.Iovecs;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.UdpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * Segments of one flow that follow each other and will be handed over as one super-packet. The first segment's header
 * is the header of them all; payload stays where it was received.
 *
 * <p>Owned by one {@link Coalescer}, used again and again.
 */
final class GroFlow implements AutoCloseable {
    static final int MAX_PACKET_BYTES = 65_535;
    private static final int MAX_SEGMENTS = 128;

    /** Part 0 is the virtio header, part 1 the first segment whole, the rest payload. */
    final Iovecs parts;

    boolean isOpen;
    boolean tcp;
    int headerAt;
    int headerBytes;
    int segmentBytes;
    int segments;
    int totalBytes;
    boolean push;

    private final IpHeader ip;
    private final int transportAt;
    private int ports;
    private int nextSequence;
    private int acknowledgment;
    private boolean isComplete;

    GroFlow(ByteBufAllocator allocator, IpHeader ip) {
        this.ip = ip;
        this.transportAt = ip.minBytes();
        this.parts = new Iovecs(allocator, MAX_SEGMENTS + 1);
    }

    /** Whether this is the flow that a packet with a transport header belongs to. */
    boolean isOfFlow(ByteBuf data, int offset, boolean packetIsTcp, int packetPorts) {
        return isOpen && tcp == packetIsTcp && ports == packetPorts && ip.haveSameAddresses(data, offset, headerAt);
    }

    void begin(ByteBuf data, long dataAddress, int offset, int length, boolean isTcp, int allHeaderBytes) {
        int transport = offset + transportAt;
        isOpen = true;
        tcp = isTcp;
        headerAt = offset;
        headerBytes = allHeaderBytes;
        segmentBytes = length - allHeaderBytes;
        segments = 1;
        totalBytes = length;
        ports = data.getInt(transport);
        push = false;
        isComplete = false;
        if (isTcp) {
            nextSequence = TcpHeader.sequence(data, transport) + segmentBytes;
            acknowledgment = TcpHeader.acknowledgment(data, transport);
            push = (TcpHeader.flags(data, transport) & TcpHeader.PSH) != 0;
            isComplete = push;
        }
        parts.clear();
        parts.add(0, 0);
        parts.add(dataAddress + offset, length);
    }

    /** Joins the next segment of the flow, if it follows without a seam. */
    boolean join(ByteBuf data, long dataAddress, int offset, int length, int allHeaderBytes) {
        int payloadBytes = length - allHeaderBytes;
        if (isComplete
                || allHeaderBytes != headerBytes
                || payloadBytes > segmentBytes
                || segments == MAX_SEGMENTS
                || totalBytes + payloadBytes > MAX_PACKET_BYTES
                || !ip.canShareHeader(data, offset, headerAt)) {
            return false;
        }
        int transport = offset + transportAt;
        if (tcp) {
            if (TcpHeader.sequence(data, transport) != nextSequence
                    || TcpHeader.acknowledgment(data, transport) != acknowledgment
                    || TcpHeader.window(data, transport) != TcpHeader.window(data, headerAt + transportAt)
                    || !sameOptions(data, transport)) {
                return false;
            }
            nextSequence += payloadBytes;
            push = (TcpHeader.flags(data, transport) & TcpHeader.PSH) != 0;
        }
        isComplete = push || payloadBytes < segmentBytes;
        parts.add(dataAddress + offset + allHeaderBytes, payloadBytes);
        segments++;
        totalBytes += payloadBytes;
        return true;
    }

    private boolean sameOptions(ByteBuf data, int transport) {
        int first = headerAt + transportAt;
        for (int i = TcpHeader.MIN_BYTES; i < headerBytes - transportAt; i += 4) {
            if (data.getInt(transport + i) != data.getInt(first + i)) {
                return false;
            }
        }
        return true;
    }

    /** Whether nothing more can join, so that waiting has no use. */
    boolean isComplete() {
        return isComplete;
    }

    int checksumAt() {
        return tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET;
    }

    @Override
    public void close() {
        parts.close();
    }
}
