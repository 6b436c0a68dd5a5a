package io.flannelj.packet;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Frames of a little-endian pcap file among the test resources (draft-ietf-opsawg-pcap). */
public final class PcapFile {
    private static final int MAGIC_MICROSECONDS = 0xa1b2c3d4;
    private static final int HEADER_BYTES = 24;
    private static final int RECORD_BYTES = 16;

    private PcapFile() {}

    /** The UDP payloads of its frames, which must be Ethernet and IPv4 without options. */
    public static List<byte[]> udpPayloads(String name) {
        List<byte[]> payloads = new ArrayList<>();
        int skip = EthernetHeader.BYTES + Ipv4Header.MIN_BYTES + UdpHeader.BYTES;
        for (byte[] frame : frames(name)) {
            payloads.add(Arrays.copyOfRange(frame, skip, frame.length));
        }
        return payloads;
    }

    private static List<byte[]> frames(String name) {
        try (InputStream stream = PcapFile.class.getResourceAsStream("/captures/" + name)) {
            if (stream == null) {
                throw new IllegalArgumentException("no capture is called " + name);
            }
            ByteBuffer file = ByteBuffer.wrap(stream.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
            if (file.getInt(0) != MAGIC_MICROSECONDS) {
                throw new IllegalArgumentException(name + " is not a little-endian pcap file");
            }
            List<byte[]> frames = new ArrayList<>();
            for (int at = HEADER_BYTES; at < file.limit(); ) {
                int captured = file.getInt(at + 8);
                byte[] frame = new byte[captured];
                file.get(at + RECORD_BYTES, frame);
                frames.add(frame);
                at += RECORD_BYTES + captured;
            }
            return frames;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
