package io.flannelj.backend.ipip;

import io.flannelj.datapath.offload.SegmentSink;
import io.flannelj.datapath.offload.Segmenter;
import io.flannelj.device.ReceiveVector;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;

/**
 * Undoes what the kernel did to IP-in-IP on its way to a raw socket. The kernel joins the TCP segments inside (GRO,
 * net/ipv4/af_inet.c) after it has verified their checksums, and leaves a packet longer than any MTU whose checksum covers
 * the pseudo header alone. Such a packet is cut again, so that what comes out is what was on the wire; that costs a copy.
 *
 * <p>Owned by one worker. Never allocates after construction.
 */
final class Resegmenter implements SegmentSink {
    private static final int OUTER_BYTES = Ipv4Header.MIN_BYTES;

    private static final Ipv4Header IP = Ipv4Header.CODEC;

    private final Segmenter segmenter = new Segmenter(IP);
    private final ReceiveVector received;
    private final ByteBuf from;
    private final int mtuBytes;

    private ReceiveVector target;
    private int slot;
    private int used;
    private int stride;
    private int outer;
    private long source;

    /**
     * @param received what the kernel fills: outer packets
     * @param mtuBytes the longest inner packet that the wire carries
     */
    Resegmenter(ReceiveVector received, int mtuBytes) {
        this.received = received;
        this.from = received.data();
        this.mtuBytes = mtuBytes;
        this.target = received;
    }

    /**
     * Passes messages on.
     *
     * @param messages how many stand in the first slots of what was received
     * @param slots where they go, each into two at most; of the same size
     * @return slots filled
     */
    int pass(int messages, ReceiveVector slots) {
        target = slots;
        slot = 0;
        for (int i = 0; i < messages; i++) {
            source = received.sourceLow(i);
            outer = received.offset(i);
            pass(received.bytes(i));
        }
        return slot;
    }

    private void pass(int bytes) {
        int inner = outer + OUTER_BYTES;
        int length = bytes - OUTER_BYTES;
        if (isPartialTcp(inner, length)) {
            int upper = IP.upperLayer(from, inner, length);
            int headers = Segmenter.headerBytes(from, inner, upper);
            int room = mtuBytes - headers;
            if (segmenter.isSound(from, inner, length, upper, VirtioNetHeader.GSO_TCPV4, room)) {
                used = 0;
                stride = OUTER_BYTES + headers + room;
                segmenter.cut(from, inner, length, upper, room, this);
                finishSlot();
                return;
            }
        }
        target.data().setBytes(target.offset(slot), from, outer, bytes);
        target.fill(slot++, 0, source, bytes, bytes, Ipv4Header.typeOfService(from, outer));
    }

    private boolean isPartialTcp(int inner, int length) {
        if (!IP.isWellFormed(from, inner, length)
                || Ipv4Header.protocol(from, inner) != Ipv4Header.PROTOCOL_TCP
                || Ipv4Header.isFragment(from, inner)) {
            return false;
        }
        int headerBytes = Ipv4Header.headerBytes(from, inner);
        int transportBytes = length - headerBytes;
        if (transportBytes < TcpHeader.MIN_BYTES) {
            return false;
        }
        int partial = InternetChecksum.fold(IP.pseudoHeaderSum(from, inner, Ipv4Header.PROTOCOL_TCP, transportBytes));
        return from.getUnsignedShortLE(inner + headerBytes + TcpHeader.CHECKSUM_OFFSET) == partial;
    }

    @Override
    public ByteBuf headers() {
        return target.data();
    }

    @Override
    public int nextHeader() {
        if (used + stride > target.offset(1)) {
            finishSlot();
        }
        return target.offset(slot) + used + OUTER_BYTES;
    }

    @Override
    public void accept(int headerOffset, int headerBytes, int payloadOffset, int payloadBytes) {
        ByteBuf to = target.data();
        int start = headerOffset - OUTER_BYTES;
        to.setBytes(start, from, outer, OUTER_BYTES);
        Ipv4Header.setTotalBytes(to, start, OUTER_BYTES + headerBytes + payloadBytes);
        to.setBytes(headerOffset + headerBytes, from, payloadOffset, payloadBytes);
        used += OUTER_BYTES + headerBytes + payloadBytes;
    }

    /** The segments in a slot are of one size, but for the last: as if UDP's joining had put them there. */
    private void finishSlot() {
        if (used > 0) {
            target.fill(slot++, 0, source, used, Math.min(stride, used), Ipv4Header.typeOfService(from, outer));
            used = 0;
        }
    }
}
