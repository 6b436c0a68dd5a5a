package io.flannelj.observe;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Packets as the control socket carries them: {@link #MAGIC}, then frames. A frame is its length in bytes (4, most significant
 * first), its type (1), and what the type says:
 *
 * <ul>
 *   <li>{@link #PACKET}: time since 1970 in nanoseconds (8), point, flags (1: outwards, 2: encapsulated), reason, its words and peer, each text
 *       as two bytes of length and UTF-8, UDP port (2), where the inner packet begins (2, signed), length (4), packets (4), drops
 *       so far (8), and the packet up to the frame's end;
 *   <li>{@link #COUNTS}: packets that could not be kept (8) and that were above the limit (8), since the begin. It ends what
 *       there was at the moment.
 * </ul>
 *
 * <p>A reader leaves out types that it does not know.
 */
public final class EventWriter {
    /** What a stream begins with. */
    static final byte[] MAGIC = {'F', 'J', 'P', '1'};

    static final int PACKET = 1;
    static final int COUNTS = 2;
    static final int OUTWARDS = 1;
    static final int ENCAPSULATED = 2;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final DataOutputStream out = new DataOutputStream(bytes);

    /** Begins a stream. */
    public EventWriter begin() {
        bytes.writeBytes(MAGIC);
        return this;
    }

    /** Adds a packet. */
    public void add(PacketEvent event) {
        ByteArrayOutputStream frame = new ByteArrayOutputStream(event.data().length + 128);
        try (DataOutputStream to = new DataOutputStream(frame)) {
            to.writeByte(PACKET);
            to.writeLong(event.epochNanos());
            to.writeUTF(event.point().label());
            to.writeByte((event.outwards() ? OUTWARDS : 0) | (event.encapsulated() ? ENCAPSULATED : 0));
            to.writeUTF(event.reason());
            to.writeUTF(event.help());
            to.writeUTF(event.peer());
            to.writeShort(event.port());
            to.writeShort(event.innerAt());
            to.writeInt(event.length());
            to.writeInt(event.packets());
            to.writeLong(event.dropsSoFar());
            to.write(event.data());
            append(frame);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory
        }
    }

    /** Ends what there is at the moment. */
    public void addCounts(EventCounts counts) {
        ByteArrayOutputStream frame = new ByteArrayOutputStream(17);
        try (DataOutputStream to = new DataOutputStream(frame)) {
            to.writeByte(COUNTS);
            to.writeLong(counts.lost());
            to.writeLong(counts.leftOut());
            append(frame);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory
        }
    }

    private void append(ByteArrayOutputStream frame) throws IOException {
        out.writeInt(frame.size());
        out.flush();
        frame.writeTo(bytes);
    }

    /** Bytes that wait. */
    public int size() {
        return bytes.size();
    }

    /** What was added since the last time. */
    public byte[] take() {
        byte[] taken = bytes.toByteArray();
        bytes.reset();
        return taken;
    }
}
