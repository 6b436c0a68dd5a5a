package io.flannelj.datapath;

import io.flannelj.device.SendVector;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.linux.Errno;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Datagrams on their way to the wire: gathered while packets are read from the TUN device, sent together. Neighbours of
 * one size and congestion mark to one peer share a message (UDP GSO); payload stays where it was read.
 *
 * <p>Owned by one worker. Bytes added are lent until the next {@link #flush}.
 */
final class TxBatch implements AutoCloseable {
    private static final int MESSAGES = 64;
    private static final int PARTS = 4096;
    private static final int HEADER_SLOT_BYTES = 192;

    private final UnderlaySocket socket;
    private final Counters counters;
    private final PacketTrace trace;
    private final int tunnelHeaderBytes;
    private final Consumer<Peer> onSegmentationRefused;
    private final SendVector messages;
    private final SendVector single;
    private final ByteBuf headers;
    private final long headersAddress;
    private final Peer[] peers = new Peer[MESSAGES];
    private final boolean[] summed = new boolean[MESSAGES];
    private int headersUsed;

    private @Nullable Peer openPeer;
    private int openSegment;
    private int openEcn;
    private int openDatagrams;
    private int openBytes;
    private boolean mayJoin;

    TxBatch(
            ByteBufAllocator allocator,
            UnderlaySocket socket,
            Counters counters,
            PacketTrace trace,
            int tunnelHeaderBytes,
            Consumer<Peer> onSegmentationRefused) {
        this.socket = socket;
        this.counters = counters;
        this.trace = trace;
        this.tunnelHeaderBytes = tunnelHeaderBytes;
        this.onSegmentationRefused = onSegmentationRefused;
        this.messages = new SendVector(allocator, socket.family(), MESSAGES, PARTS);
        this.single = new SendVector(allocator, socket.family(), 1, SendVector.MAX_SEGMENTS * 2);
        this.headers = allocator.directBuffer(PARTS * HEADER_SLOT_BYTES);
        this.headersAddress = headers.memoryAddress();
    }

    /** Scratch for the headers of segments, in slots of 192 bytes. */
    ByteBuf headers() {
        return headers;
    }

    /**
     * Takes a free header slot; sends what is gathered first when there is none.
     *
     * @return its offset in {@link #headers}
     */
    int headerSlot() {
        if (headersUsed == PARTS || messages.partRoom() < 2) {
            flush();
        }
        return headersUsed++ * HEADER_SLOT_BYTES;
    }

    long headerAddress(int offset) {
        return headersAddress + offset;
    }

    /**
     * Begins a datagram; the parts added next make it up.
     *
     * @param bytes its length in bytes
     * @param ecn congestion mark of the outer header
     */
    void begin(Peer peer, int bytes, int ecn) {
        if (openPeer == peer
                && mayJoin
                && ecn == openEcn
                && bytes <= openSegment
                && openDatagrams < SendVector.MAX_SEGMENTS
                && openBytes + bytes <= SendVector.MAX_BYTES
                && messages.partRoom() >= 2) {
            openDatagrams++;
            openBytes += bytes;
            mayJoin = bytes == openSegment;
            return;
        }
        completeOpen();
        if (messages.isFull() || messages.partRoom() < 2) {
            send();
        }
        open(messages, peer);
        peers[messages.count()] = peer;
        openPeer = peer;
        openSegment = bytes;
        openEcn = ecn;
        openDatagrams = 1;
        openBytes = bytes;
        boolean isSummed = !peer.isUnsummed();
        summed[messages.count()] = isSummed;
        mayJoin = isSummed && !peer.segmentsSeparately();
    }

    private void open(SendVector vector, Peer peer) {
        vector.open(peer.underlayHigh(), peer.underlayLow(), peer.port());
    }

    /** Adds a part of the datagram begun last. */
    void add(long address, int bytes) {
        messages.add(address, bytes);
    }

    /** Sends what waits for a peer, so that nothing overtakes it. */
    void flushFor(Peer peer) {
        if (isWaiting(peer)) {
            flush();
        }
    }

    private boolean isWaiting(Peer peer) {
        if (openPeer == peer) {
            return true;
        }
        for (int i = 0; i < messages.count(); i++) {
            if (peers[i] == peer) {
                return true;
            }
        }
        return false;
    }

    /** Sends everything; afterwards no byte is borrowed any more. */
    void flush() {
        completeOpen();
        send();
        headersUsed = 0;
    }

    private void completeOpen() {
        if (openPeer != null) {
            messages.complete(openSegment, openDatagrams, openEcn);
            openPeer = null;
        }
    }

    private void send() {
        int sent = 0;
        while (sent < messages.count()) {
            socket.fillChecksums(summed[sent]);
            int taken = socket.send(messages, sent, alike(sent));
            counters.add(Counter.OUT_SENDS, 1);
            if (taken > 0) {
                for (int i = sent; i < sent + taken; i++) {
                    counters.add(Counter.OUT_DELIVERED, messages.datagrams(i));
                    if (trace.isWatched()) {
                        trace.toWire(messages, i, peers[i], tunnelHeaderBytes);
                    }
                }
                sent += taken;
            } else {
                refused(sent, -taken);
                sent++;
            }
        }
        messages.clear();
    }

    /** How many messages from this one on have an outer checksum, or have none, as it. */
    private int alike(int first) {
        int end = first + 1;
        while (end < messages.count() && summed[end] == summed[first]) {
            end++;
        }
        return end - first;
    }

    private void refused(int message, int errno) {
        boolean segmentationIsWhy = errno == Errno.EINVAL || errno == Errno.EIO || errno == Errno.EMSGSIZE;
        if (segmentationIsWhy && messages.datagrams(message) > 1) {
            Peer peer = peers[message];
            if (peer.refuseRuns(System.nanoTime())) {
                counters.add(Counter.SEGMENTATION_FALLBACKS, 1);
                onSegmentationRefused.accept(peer);
            }
            sendSeparately(message);
        } else {
            if (errno == Errno.EPERM) {
                peers[message].refuseUncut(System.nanoTime()); // what a packet filter forbids does not go past it
            }
            trace.dropMessage(reasonFor(errno), messages, message, peers[message], tunnelHeaderBytes);
        }
    }

    /** Sends a message's datagrams one by one. Datagrams begin where parts begin, so no part is cut. */
    private void sendSeparately(int message) {
        int part = messages.firstPart(message);
        int end = messages.firstPart(message + 1);
        while (part < end) {
            single.clear();
            open(single, peers[message]);
            int bytes = 0;
            while (part < end && bytes + messages.partBytes(part) <= messages.segmentBytes(message)) {
                bytes += messages.partBytes(part);
                single.add(messages.partAddress(part), messages.partBytes(part));
                part++;
            }
            single.complete(bytes, 1, messages.trafficClass(message));
            int taken = socket.send(single, 0, 1);
            counters.add(Counter.OUT_SENDS, 1);
            if (taken > 0) {
                counters.add(Counter.OUT_DELIVERED, 1);
                if (trace.isWatched()) {
                    trace.toWire(single, 0, peers[message], tunnelHeaderBytes);
                }
            } else {
                trace.dropMessage(reasonFor(-taken), single, 0, peers[message], tunnelHeaderBytes);
            }
        }
    }

    private static DropReason reasonFor(int errno) {
        return switch (errno) {
            case Errno.EAGAIN, Errno.ENOBUFS -> DropReason.SEND_BUFFER_FULL;
            case Errno.EMSGSIZE -> DropReason.TOO_BIG;
            case Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.ENETDOWN -> DropReason.PEER_UNREACHABLE;
            case Errno.EPERM -> DropReason.SEND_FORBIDDEN;
            default -> DropReason.SEND_REFUSED;
        };
    }

    @Override
    public void close() {
        messages.close();
        single.close();
        headers.release();
    }
}
