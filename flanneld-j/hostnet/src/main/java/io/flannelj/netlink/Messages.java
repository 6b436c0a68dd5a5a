package io.flannelj.netlink;

import java.nio.ByteBuffer;

/**
 * The messages of one netlink datagram, one after the other: {@code struct nlmsghdr}, padded to four bytes (netlink(7)). A
 * length that does not fit ends them, and is {@link #isDamaged() told}.
 */
final class Messages {
    static final int HEADER_BYTES = 16;

    private final ByteBuffer datagram;
    private int at;
    private int next;
    private boolean damaged;

    /**
     * @param datagram in native byte order, from 0 to its limit; it must stay as it is
     */
    Messages(ByteBuffer datagram) {
        this.datagram = datagram;
    }

    /** Goes to the next message; false at the end. */
    boolean next() {
        int left = datagram.limit() - next;
        if (left < HEADER_BYTES) {
            return false;
        }
        int length = datagram.getInt(next);
        if (length < HEADER_BYTES || length > left) {
            damaged = true;
            return false;
        }
        at = next;
        next = Math.min(datagram.limit(), at + (length + 3 & ~3));
        return true;
    }

    /** Whether the datagram ended with a length that it cannot hold. */
    boolean isDamaged() {
        return damaged;
    }

    int type() {
        return datagram.getShort(at + 4) & 0xffff;
    }

    int flags() {
        return datagram.getShort(at + 6) & 0xffff;
    }

    int sequence() {
        return datagram.getInt(at + 8);
    }

    /** Bytes behind the header. */
    int payloadBytes() {
        return datagram.getInt(at) - HEADER_BYTES;
    }

    /** The object behind the header; the caller has checked that its family header is there. */
    Answer object(int familyHeaderBytes) {
        return new Answer(datagram, at + HEADER_BYTES, familyHeaderBytes, at + HEADER_BYTES + payloadBytes());
    }
}
