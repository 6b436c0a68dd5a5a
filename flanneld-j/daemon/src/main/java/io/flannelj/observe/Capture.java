package io.flannelj.observe;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Optional;

/**
 * Packets as a capture file with two interfaces: {@link #PODS}, where packets are as pods send and get them, and {@link #WIRE},
 * where they are encapsulated. A dropped packet is on the side where it was, and its comment says why.
 */
public final class Capture {
    /** Name of the interface on the pods' side. */
    public static final String PODS = "pods";

    /** Name of the interface on the side of other nodes. */
    public static final String WIRE = "wire";

    private final PcapngWriter file;
    private final OuterPacket outer;
    private final int pods;
    private final int wire;
    private long packets;
    private long unknown;

    /** Begins the file. */
    public Capture(OutputStream out, String application, String comment, OuterPacket outer) throws IOException {
        this.file = new PcapngWriter(out);
        this.outer = outer;
        file.begin(application, comment);
        this.pods = file.addInterface(PODS, "before encapsulation and after decapsulation");
        this.wire = file.addInterface(WIRE, "encapsulated; outer headers are made from what is known");
    }

    /** Adds a packet; one that has no place in the file is counted. */
    public void add(PacketEvent event) throws IOException {
        if (event.encapsulated()) {
            Optional<OuterPacket.Whole> whole = outer.of(event);
            if (whole.isPresent()) {
                write(wire, event, whole.get().data(), whole.get().length(), event.outwards());
                return;
            }
        }
        int from = Math.max(0, event.innerAt());
        byte[] inner = from == 0 ? event.data() : Arrays.copyOfRange(event.data(), from, event.data().length);
        if (inner.length > 0 && isIp(inner)) {
            write(pods, event, inner, event.length() - from, !event.outwards());
        } else {
            unknown++;
        }
    }

    private static boolean isIp(byte[] packet) {
        int version = packet[0] >>> 4 & 15;
        return version == 4 || version == 6;
    }

    private void write(int side, PacketEvent event, byte[] data, int length, boolean outwards) throws IOException {
        file.addPacket(side, event.epochNanos(), data, length, outwards, comment(event));
        packets++;
    }

    private static String comment(PacketEvent event) {
        return event.point() == Point.DROPPED ? "dropped: " + event.reason() + ", " + event.help() : "";
    }

    /** Packets in the file. */
    public long packets() {
        return packets;
    }

    /** Dropped packets that are no IP packets, which such a file cannot hold. */
    public long unknown() {
        return unknown;
    }

    /** Bytes of the file. */
    public long bytes() {
        return file.bytes();
    }
}
