package io.flannelj.observe;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Optional;

/** Reads what {@link EventWriter} has written. */
public final class EventReader {
    private static final int MOST_FRAME_BYTES = 1 << 20;

    /** Who is told. */
    public interface Listener {
        /** Of a packet. Whether more are wanted. */
        boolean packet(PacketEvent event) throws IOException;

        /** Of the end of what there was at the moment. Whether more is wanted. */
        boolean pause(EventCounts counts) throws IOException;
    }

    private EventReader() {}

    /**
     * Reads until the stream ends, or nothing more is wanted.
     *
     * @throws IOException when it breaks off, or is not such a stream
     */
    public static void read(InputStream stream, Listener to) throws IOException {
        DataInputStream in = new DataInputStream(stream);
        if (!Arrays.equals(in.readNBytes(EventWriter.MAGIC.length), EventWriter.MAGIC)) {
            throw new IOException("the daemon answers in a form that this version does not know");
        }
        boolean goesOn = true;
        while (goesOn) {
            byte[] size = in.readNBytes(4);
            if (size.length == 0) {
                return;
            }
            int bytes = size.length < 4 ? -1 : new DataInputStream(new ByteArrayInputStream(size)).readInt();
            if (bytes < 1 || bytes > MOST_FRAME_BYTES) {
                throw new EOFException("the daemon's answer broke off");
            }
            byte[] frame = in.readNBytes(bytes);
            if (frame.length < bytes) {
                throw new EOFException("the daemon's answer broke off");
            }
            goesOn = take(frame, to);
        }
    }

    private static boolean take(byte[] frame, Listener to) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(frame));
        return switch (in.readUnsignedByte()) {
            case EventWriter.PACKET -> {
                Optional<PacketEvent> event = packet(in);
                yield event.isEmpty() || to.packet(event.get());
            }
            case EventWriter.COUNTS -> to.pause(new EventCounts(in.readLong(), in.readLong()));
            default -> true;
        };
    }

    private static Optional<PacketEvent> packet(DataInputStream in) throws IOException {
        long time = in.readLong();
        Optional<Point> point = Point.of(in.readUTF());
        int flags = in.readUnsignedByte();
        String reason = in.readUTF();
        String help = in.readUTF();
        String peer = in.readUTF();
        int port = in.readUnsignedShort();
        int innerAt = in.readShort();
        int length = in.readInt();
        int packets = in.readInt();
        long drops = in.readLong();
        byte[] data = in.readAllBytes();
        return point.map(known -> new PacketEvent(
                time,
                known,
                (flags & EventWriter.OUTWARDS) != 0,
                reason,
                help,
                peer,
                (flags & EventWriter.ENCAPSULATED) != 0,
                port,
                innerAt,
                length,
                packets,
                drops,
                data));
    }
}
