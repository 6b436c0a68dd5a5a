package io.flannelj.datapath;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.nio.ByteBuffer;

/**
 * How a {@link PacketCopy} lies in a ring's memory, written without allocation:
 *
 * <pre>
 *  0  time, by System.nanoTime     32  bytes that there were      48  drops so far
 *  8  peer, upper half             36  bytes that are kept        56  UDP port
 * 16  peer, lower half             40  packets                    60  unused
 * 24  point   25  reason           44  payload of each segment    64  tunnel header, inner packet
 * 26  inner packet at              28  flags
 * </pre>
 */
@SuppressWarnings("EnumOrdinal") // within this process's own memory, never stored or sent
final class CopyLayout {
    static final int HEADER_BYTES = 64;

    private static final int PEER_HIGH = 8;
    private static final int PEER_LOW = 16;
    private static final int POINT = 24;
    private static final int REASON = 25;
    private static final int INNER_AT = 26;
    private static final int FLAGS = 28;
    private static final int LENGTH = 32;
    private static final int KEPT = 36;
    private static final int PACKETS = 40;
    private static final int SEGMENT = 44;
    private static final int DROPS = 48;
    private static final int PORT = 56;

    private static final int HAS_PEER = 1;
    private static final int ENCAPSULATED = 2;

    private static final TracePoint[] POINTS = TracePoint.values();
    private static final DropReason[] REASONS = DropReason.values();

    private CopyLayout() {}

    static void write(ByteBuffer into, int at, long nanos, TraceContext context, long dropsSoFar, int kept) {
        DropReason reason = context.reason;
        into.putLong(at, nanos)
                .putLong(at + PEER_HIGH, context.peerHigh)
                .putLong(at + PEER_LOW, context.peerLow)
                .put(at + POINT, (byte) context.point.ordinal())
                .put(at + REASON, (byte) (reason == null ? -1 : reason.ordinal()))
                .putShort(at + INNER_AT, (short) context.innerAt)
                .putInt(at + FLAGS, (context.hasPeer ? HAS_PEER : 0) | (context.encapsulated ? ENCAPSULATED : 0))
                .putInt(at + LENGTH, context.bytes)
                .putInt(at + KEPT, kept)
                .putInt(at + PACKETS, context.packets)
                .putInt(at + SEGMENT, context.segmentBytes)
                .putLong(at + DROPS, dropsSoFar)
                .putInt(at + PORT, context.port);
    }

    /** How many bytes are kept; of a slot that is being written anything. */
    static int kept(ByteBuffer from, int at) {
        return from.getInt(at + KEPT);
    }

    /** @param underlay family of the peer's address */
    static PacketCopy read(ByteBuffer from, int at, IpFamily underlay) {
        byte[] data = new byte[kept(from, at)];
        from.get(at + HEADER_BYTES, data);
        int reason = from.get(at + REASON);
        int flags = from.getInt(at + FLAGS);
        long high = from.getLong(at + PEER_HIGH);
        long low = from.getLong(at + PEER_LOW);
        return new PacketCopy(
                from.getLong(at),
                POINTS[from.get(at + POINT)],
                reason < 0 ? null : REASONS[reason],
                (flags & HAS_PEER) == 0 ? null : address(underlay, high, low),
                (flags & ENCAPSULATED) != 0,
                from.getInt(at + PORT),
                from.getShort(at + INNER_AT),
                from.getInt(at + LENGTH),
                from.getInt(at + PACKETS),
                from.getInt(at + SEGMENT),
                from.getLong(at + DROPS),
                data);
    }

    static IpAddress address(IpFamily family, long high, long low) {
        return family == IpFamily.IPV4 ? IpAddress.ofIpv4((int) low) : IpAddress.ofIpv6(high, low);
    }
}
